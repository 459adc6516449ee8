package io.github.greenroomdev;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.github.greenroomdev.v1.Event;
import io.github.greenroomdev.v1.WatchDraining;
import io.github.greenroomdev.v1.WatchEventsRequest;
import io.github.greenroomdev.v1.WatchEventsResponse;
import io.grpc.Context;
import io.grpc.Status;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class WatchTest extends PeerTest {
    private static final WatchEventsRequest REQUEST =
            WatchEventsRequest.newBuilder().addSessionIds("a").build();

    @Test
    void goesOnBehindTheLastFrame() {
        peer.watch = (attempt, to) -> {
            switch (attempt) {
                case 1 -> {
                    to.onNext(Peer.frame("two", 1, 2));
                    throw Peer.GONE;
                }
                case 2 ->
                    to.onNext(WatchEventsResponse.newBuilder()
                            .setCursor("bookmark")
                            .setDraining(WatchDraining.getDefaultInstance())
                            .build());
                default -> to.onNext(Peer.frame("three", 3));
            }
        };
        WatchEventsRequest request =
                REQUEST.toBuilder().setUntilClosed(true).setInitialState(true).build();
        try (Stream<Event> events = client.watch(request).stream()) {
            assertEquals(List.of(1L, 2L, 3L), events.map(Event::getSequence).toList());
        }
        assertEquals(
                List.of("", "two", "bookmark"),
                peer.watches.stream().map(WatchEventsRequest::getAfter).toList());
        assertEquals(
                List.of(true, false, false),
                peer.watches.stream().map(WatchEventsRequest::getInitialState).toList());
    }

    @Test
    void endsWithWhatWaitingDoesNotMend() {
        peer.watch = (attempt, to) -> {
            throw Peer.refusal(
                    Status.Code.OUT_OF_RANGE,
                    ErrorInfo.newBuilder()
                            .setDomain("greenroom.v1")
                            .setReason("CURSOR_BELOW_FLOOR")
                            .putMetadata("oldest_revision", "7")
                            .build());
        };
        try (EventStream events = client.watch(REQUEST)) {
            Iterator<Event> iterator = events.iterator();
            var failure = assertThrows(CursorBelowFloorException.class, iterator::next);
            assertEquals(7, failure.getOldestRevision());
            assertFalse(iterator.hasNext());
        }
        assertEquals(1, peer.watches.size());
    }

    @Test
    void goesOnWhateverALossIsCalled() {
        var names = List.of(Status.INTERNAL, Status.UNKNOWN, Status.CANCELLED);
        peer.watch = (attempt, to) -> {
            if (attempt <= names.size()) {
                to.onNext(Peer.frame("behind", attempt));
                throw names.get(attempt - 1).withDescription("lost by a proxy").asRuntimeException();
            }
        };
        try (Stream<Event> events =
                client.watch(REQUEST.toBuilder().setUntilClosed(true).build()).stream()) {
            assertEquals(List.of(1L, 2L, 3L), events.map(Event::getSequence).toList());
        }
    }

    @Test
    void endsWithABugOfTheServer() {
        peer.watch = (attempt, to) -> {
            throw Peer.refusal(
                    Status.Code.INTERNAL,
                    ErrorInfo.newBuilder()
                            .setDomain("greenroom.v1")
                            .setReason("INTERNAL")
                            .build());
        };
        try (EventStream events = client.watch(REQUEST)) {
            assertThrows(GreenroomException.class, () -> events.iterator().next());
        }
        assertEquals(1, peer.watches.size());
    }

    @Test
    void waitsForItsPlaceIfItWasOnAndNotIfItIsNew() {
        peer.watch = (attempt, to) -> {
            switch (attempt) {
                case 1 -> {
                    to.onNext(Peer.frame("one", 1));
                    throw Peer.GONE;
                }
                case 3 -> to.onNext(Peer.frame("two", 2));
                default -> {
                    var delay = com.google.protobuf.Duration.newBuilder().setNanos(1_000_000);
                    throw Peer.refusal(
                            Status.Code.RESOURCE_EXHAUSTED,
                            "WATCHER_CAP",
                            RetryInfo.newBuilder().setRetryDelay(delay).build());
                }
            }
        };
        try (Stream<Event> events =
                client.watch(REQUEST.toBuilder().setUntilClosed(true).build()).stream()) {
            assertEquals(List.of(1L, 2L), events.map(Event::getSequence).toList());
        }
        try (EventStream events = client.watch(REQUEST)) {
            var failure = assertThrows(
                    GreenroomException.class, () -> events.iterator().next());
            assertEquals("WATCHER_CAP", failure.getReason());
        }
        assertEquals(4, peer.watches.size());
    }

    @Test
    void givesUpWhenPatienceIsOver() {
        peer.watch = (attempt, to) -> {
            throw Peer.GONE;
        };
        try (GreenroomClient hasty = builder().patience(Duration.ofMillis(150)).build();
                EventStream events = hasty.watch(REQUEST)) {
            var failure = assertThrows(
                    GreenroomException.class, () -> events.iterator().next());
            assertEquals(Status.Code.UNAVAILABLE, failure.getCode());
        }
        assertTrue(peer.watches.size() > 1);
    }

    @Test
    void readsNoFurtherOnceClosed() {
        var cancelled = new CountDownLatch(1);
        peer.watch = (attempt, to) -> {
            Context.current().addListener(context -> cancelled.countDown(), Runnable::run);
            to.onNext(Peer.frame("one", 1));
            await(cancelled);
        };
        EventStream events = client.watch(REQUEST);
        Iterator<Event> iterator = events.iterator();
        assertEquals(1, iterator.next().getSequence());
        CompletableFuture<Boolean> more = CompletableFuture.supplyAsync(iterator::hasNext);
        events.close();
        assertFalse(more.join());
        await(cancelled); // the call is over as well
        assertThrows(IllegalStateException.class, events::iterator);
    }

    @Test
    void leavesOutWhatWasReceivedWhenClosed() {
        peer.watch = (attempt, to) -> to.onNext(Peer.frame("two", 1, 2));
        EventStream events = client.watch(REQUEST);
        Iterator<Event> iterator = events.iterator();
        assertEquals(1, iterator.next().getSequence());
        events.close();
        assertFalse(iterator.hasNext());
    }

    @Test
    void keepsAPromiseOfAnEventWhenClosed() {
        peer.watch = (attempt, to) -> to.onNext(Peer.frame("one", 1));
        EventStream events = client.watch(REQUEST);
        Iterator<Event> iterator = events.iterator();
        assertTrue(iterator.hasNext());
        events.close();
        assertEquals(1, iterator.next().getSequence());
        assertFalse(iterator.hasNext());
    }

    @Test
    void failsWhenTheClientIsClosed() {
        var asked = new CountDownLatch(1);
        var never = new CountDownLatch(1);
        peer.watch = (attempt, to) -> {
            asked.countDown();
            await(never);
        };
        Iterator<Event> iterator = client.watch(REQUEST).iterator();
        CompletableFuture<Boolean> more = CompletableFuture.supplyAsync(iterator::hasNext);
        await(asked);
        client.close();
        var failure = assertInstanceOf(
                GreenroomException.class,
                assertThrows(CompletionException.class, more::join).getCause());
        assertEquals(Status.Code.CANCELLED, failure.getCode());
        never.countDown();
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException interrupted) {
            throw new AssertionError(interrupted);
        }
    }
}
