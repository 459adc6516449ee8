package io.github.greenroomdev;

import io.grpc.StatusRuntimeException;

/** CURSOR_BELOW_FLOOR: events behind the cursor are no longer kept. Read the state, then watch anew. */
public final class CursorBelowFloorException extends GreenroomException {
    private static final long serialVersionUID = 1L;

    CursorBelowFloorException(StatusRuntimeException failure, Details details) {
        super(failure, details);
    }

    /**
     * Returns the revision of the oldest event that is kept.
     *
     * @return 0 if the server did not tell
     */
    public long getOldestRevision() {
        return Long.parseLong(getMetadata().getOrDefault("oldest_revision", "0"));
    }

    /**
     * Returns the revision of the newest event.
     *
     * @return 0 if the server did not tell
     */
    public long getHeadRevision() {
        return Long.parseLong(getMetadata().getOrDefault("head_revision", "0"));
    }
}
