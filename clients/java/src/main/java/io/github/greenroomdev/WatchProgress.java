package io.github.greenroomdev;

import io.github.greenroomdev.v1.Event;
import io.github.greenroomdev.v1.EventServiceGrpc;
import io.github.greenroomdev.v1.WatchEventsRequest;
import io.github.greenroomdev.v1.WatchEventsResponse;
import io.grpc.Channel;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;

/** One watch over as many connections as it takes. */
final class WatchProgress implements Progress<WatchEventsResponse> {
    private final Channel channel;
    private final WatchEventsRequest.Builder next;
    private boolean draining;
    private Duration asked = Duration.ZERO;

    WatchProgress(Channel channel, WatchEventsRequest request) {
        this.channel = channel;
        next = request.toBuilder();
    }

    @Override
    public Iterator<WatchEventsResponse> open() {
        draining = false;
        asked = Duration.ZERO;
        return EventServiceGrpc.newBlockingStub(channel).watchEvents(next.build());
    }

    @Override
    public List<Event> take(WatchEventsResponse frame) {
        if (!frame.getCursor().isEmpty()) {
            // The initial state belongs to a beginning, and this is one no longer.
            next.setAfter(frame.getCursor()).setInitialState(false);
        }
        if (frame.hasDraining()) {
            var delay = frame.getDraining().getRetryDelay();
            draining = true;
            asked = Duration.ofSeconds(delay.getSeconds(), delay.getNanos());
        }
        return frame.getEventsList();
    }

    @Override
    public boolean over() {
        return next.getUntilClosed() && !draining;
    }

    @Override
    public Duration asked() {
        return asked;
    }
}
