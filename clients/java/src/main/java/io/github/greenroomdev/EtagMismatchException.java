package io.github.greenroomdev;

import io.grpc.StatusRuntimeException;

/** ETAG_MISMATCH: the resource has changed since its etag was read. */
public final class EtagMismatchException extends GreenroomException {
    private static final long serialVersionUID = 1L;

    EtagMismatchException(StatusRuntimeException failure, Details details) {
        super(failure, details);
    }

    /**
     * Returns the etag that the resource has now.
     *
     * @return empty if the server did not tell
     */
    public String getEtag() {
        return getMetadata().getOrDefault("etag", "");
    }
}
