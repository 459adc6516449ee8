package io.github.greenroomdev;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.github.greenroomdev.v1.Event;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What ends the wait between two calls, which here is one of ten minutes. */
@Timeout(60)
class ResumptionTest {
    private final ManagedChannel connection =
            InProcessChannelBuilder.forName("nowhere").build();
    private final Set<Resumption<?>> reading = ConcurrentHashMap.newKeySet();
    private final CountDownLatch waiting = new CountDownLatch(1);
    private final Resumption<Object> resumption =
            new Resumption<>(new Refused(), new Backoff(Duration.ofHours(1)), connection, reading);
    private final CompletableFuture<Object> outcome = new CompletableFuture<>();
    private final Thread reader = new Thread(() -> {
        try {
            outcome.complete(resumption.hasNext());
        } catch (GreenroomException failure) {
            outcome.complete(failure);
        }
    });

    private final class Refused implements Progress<Object> {
        @Override
        public Iterator<Object> open() {
            throw Peer.GONE;
        }

        @Override
        public Duration asked() {
            waiting.countDown(); // nothing but the wait comes after this
            return Duration.ofMinutes(10);
        }

        @Override
        public List<Event> take(Object frame) {
            throw new AssertionError("there are no frames");
        }

        @Override
        public boolean over() {
            return false;
        }
    }

    @BeforeEach
    void read() throws InterruptedException {
        reader.start();
        waiting.await();
        assertEquals(Set.of(resumption), reading);
    }

    @AfterEach
    void end() throws InterruptedException {
        reader.join();
        connection.shutdownNow();
        assertEquals(Set.of(), reading);
    }

    @Test
    void aCloseEndsIt() {
        resumption.close();
        assertEquals(false, outcome.join());
    }

    @Test
    void anInterruptFailsIt() {
        reader.interrupt();
        assertCancelled();
        assertFalse(resumption.hasNext());
    }

    @Test
    void theEndOfTheConnectionFailsIt() {
        connection.shutdownNow();
        reading.forEach(Resumption::wake);
        assertCancelled();
    }

    private void assertCancelled() {
        var failure = assertInstanceOf(GreenroomException.class, outcome.join());
        assertEquals(Status.Code.CANCELLED, failure.getCode());
    }
}
