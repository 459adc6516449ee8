package io.github.greenroomdev;

import io.github.greenroomdev.v1.Event;
import io.github.greenroomdev.v1.RunTurnRequest;
import io.github.greenroomdev.v1.RunTurnResponse;
import io.github.greenroomdev.v1.Turn;
import io.github.greenroomdev.v1.TurnServiceGrpc;
import io.grpc.Channel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** One turn over as many connections as it takes: the request id makes each attempt the same turn. */
final class TurnProgress implements Progress<RunTurnResponse> {
    private final Channel channel;
    private final RunTurnRequest request;
    private long sequence;
    private Turn turn; // null until it has ended

    TurnProgress(Channel channel, RunTurnRequest request) {
        this.channel = channel;
        this.request = request;
    }

    /** Returns the turn as it ended; null before. */
    Turn turn() {
        return turn;
    }

    @Override
    public Iterator<RunTurnResponse> open() {
        return TurnServiceGrpc.newBlockingStub(channel).runTurn(request);
    }

    /** Returns the events of a frame that were not seen before: a repeated call tells the turn from its beginning. */
    @Override
    public List<Event> take(RunTurnResponse frame) {
        if (frame.hasTurn()) {
            turn = frame.getTurn();
        }
        List<Event> fresh = new ArrayList<>();
        for (Event event : frame.getEventsList()) {
            if (event.getSequence() == 0 || event.getSequence() > sequence) {
                fresh.add(event);
                sequence = Math.max(sequence, event.getSequence());
            }
        }
        return fresh;
    }

    @Override
    public boolean over() {
        return turn != null;
    }

    @Override
    public Duration asked() {
        return Duration.ZERO;
    }
}
