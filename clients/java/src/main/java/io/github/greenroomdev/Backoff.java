package io.github.greenroomdev;

import io.grpc.Status;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/** Waits between attempts: they double, and jitter keeps clients that were cut off together from returning so. */
final class Backoff {
    private static final long FIRST_MILLIS = 100;
    private static final long LONGEST_MILLIS = 5_000;

    /** What a lost connection is called, depending on the proxy that lost it. A refusal of the server has a reason besides. */
    private static final Set<Status.Code> LOSSES =
            EnumSet.of(Status.Code.UNAVAILABLE, Status.Code.INTERNAL, Status.Code.UNKNOWN, Status.Code.CANCELLED);

    private final Duration patience;
    private long ceiling = FIRST_MILLIS;
    private boolean begun;
    private boolean failing;
    private long failingSince; // of System.nanoTime()

    Backoff(Duration patience) {
        this.patience = patience;
    }

    /** Takes note that the server answered. */
    void succeeded() {
        begun = true;
        failing = false;
        ceiling = FIRST_MILLIS;
    }

    /**
     * Returns how long to wait before the next attempt, {@code asked} by the server at least. Throws {@code failure} if it is
     * one that waiting does not mend, or once nothing has succeeded for as long as the patience lasts; it is null for a
     * stream that ended without having told everything.
     */
    Duration next(GreenroomException failure, Duration asked) {
        if (failure != null && !mends(failure)) {
            throw failure;
        }
        if (!failing) {
            failing = true;
            failingSince = System.nanoTime();
        }
        if (failure != null && System.nanoTime() - failingSince >= patience.toNanos()) {
            throw failure;
        }
        Duration own = Duration.ofMillis(ThreadLocalRandom.current().nextLong(ceiling / 2, ceiling));
        ceiling = Math.min(2 * ceiling, LONGEST_MILLIS);
        Duration told =
                failure == null ? Duration.ZERO : failure.getRetryDelay().orElse(Duration.ZERO);
        return own.plus(told.compareTo(asked) > 0 ? told : asked);
    }

    /** Returns whether the next attempt may succeed after a failure. */
    private boolean mends(GreenroomException failure) {
        if (failure.getReason().isEmpty()) {
            return LOSSES.contains(failure.getCode());
        }
        // A stream that was on is refused as one too many while the server still counts its lost connection.
        boolean countedTwice = begun
                && failure.getReason().equals("WATCHER_CAP")
                && failure.getRetryDelay().isPresent();
        return failure.getCode() == Status.Code.UNAVAILABLE || countedTwice;
    }
}
