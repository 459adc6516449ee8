package io.github.greenroomdev;

import io.github.greenroomdev.v1.Turn;
import java.util.Optional;

/** A turn, and its events as they come. Closing it leaves the turn running. */
public final class RunningTurn extends EventStream {
    private final TurnProgress progress;
    private final Resumption<?> resumption;

    RunningTurn(TurnProgress progress, Resumption<?> resumption) {
        super(resumption);
        this.progress = progress;
        this.resumption = resumption;
    }

    /**
     * Returns the turn as it ended.
     *
     * @return empty until the last event was read
     */
    public Optional<Turn> turn() {
        return Optional.ofNullable(progress.turn());
    }

    /**
     * Reads what is left of the events.
     *
     * @return the turn as it ended
     * @throws GreenroomException if the stream fails for good; a turn that fails is no such failure
     * @throws IllegalStateException if this was closed before the turn ended
     */
    public Turn result() {
        resumption.forEachRemaining(event -> {});
        return turn().orElseThrow(() -> new IllegalStateException("closed before the turn ended"));
    }
}
