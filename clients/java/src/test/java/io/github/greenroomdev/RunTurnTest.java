package io.github.greenroomdev;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.greenroomdev.v1.Event;
import io.github.greenroomdev.v1.RunTurnRequest;
import io.github.greenroomdev.v1.RunTurnResponse;
import io.github.greenroomdev.v1.Turn;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RunTurnTest extends PeerTest {
    private static final RunTurnRequest REQUEST =
            RunTurnRequest.newBuilder().setSessionId("a").setPrompt("b").build();

    private void loseTheFirst() {
        peer.turn = (attempt, to) -> {
            if (attempt == 1) {
                to.onNext(RunTurnResponse.newBuilder()
                        .addAllEvents(Peer.numbered(4, 9))
                        .build());
                throw Peer.GONE;
            }
            to.onNext(RunTurnResponse.newBuilder()
                    .addAllEvents(Peer.numbered(4, 9, 10))
                    .setTurn(Turn.newBuilder().setResultText("done"))
                    .build());
        };
    }

    @Test
    void aLostTurnIsAskedForAgainAndNotStartedAgain() {
        loseTheFirst();
        List<Long> seen = new ArrayList<>();
        try (RunningTurn running = client.runTurn(REQUEST)) {
            assertTrue(running.turn().isEmpty());
            for (Event event : running) {
                seen.add(event.getSequence());
            }
            assertEquals("done", running.turn().orElseThrow().getResultText());
        }
        assertEquals(List.of(4L, 9L, 10L), seen);
        assertFalse(peer.turns.get(0).getRequestId().isEmpty());
        assertEquals(peer.turns.get(0), peer.turns.get(1));
    }

    @Test
    void aResultReadsWhatIsLeft() {
        loseTheFirst();
        try (RunningTurn running = client.runTurn(REQUEST)) {
            assertEquals(4, running.iterator().next().getSequence());
            assertEquals("done", running.result().getResultText());
        }
    }

    @Test
    void thereIsNoResultOfATurnThatWasLeft() {
        RunningTurn running = client.runTurn(REQUEST);
        running.close();
        assertThrows(IllegalStateException.class, running::result);
    }

    @Test
    void aRefusalIsTyped() {
        peer.turn = (attempt, to) -> {
            throw Peer.refusal(Status.Code.FAILED_PRECONDITION, "TURN_RUNNING");
        };
        try (RunningTurn running = client.runTurn(REQUEST)) {
            assertEquals(
                    "TURN_RUNNING",
                    assertThrows(GreenroomException.class, running::result).getReason());
        }
    }
}
