package io.github.greenroomdev;

import io.github.greenroomdev.v1.Event;
import io.grpc.Context;
import io.grpc.Context.CancellableContext;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Collections;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Reads the events of a stream and calls again where it breaks. One thread reads; any may close. */
final class Resumption<F> implements Iterator<Event>, AutoCloseable {
    private final Progress<F> progress;
    private final Backoff backoff;
    private final Runnable reconnect;
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile CancellableContext call = Context.ROOT.withCancellation();
    private Iterator<F> frames; // of the call that is under way; null between two calls
    private Iterator<Event> events = Collections.emptyIterator();

    /** Makes one; {@code reconnect} is run before a call that follows a failed one. */
    Resumption(Progress<F> progress, Backoff backoff, Runnable reconnect) {
        this.progress = progress;
        this.backoff = backoff;
        this.reconnect = reconnect;
    }

    @Override
    public boolean hasNext() {
        while (!events.hasNext()) {
            if (isClosed()) {
                return false;
            }
            GreenroomException failure = null;
            try {
                if (readFrame()) {
                    continue;
                }
            } catch (StatusRuntimeException thrown) {
                failure = GreenroomException.of(thrown);
            }
            if (failure == null && progress.over()) {
                close();
            } else {
                waitAfter(failure);
            }
        }
        return true;
    }

    @Override
    public Event next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        return events.next();
    }

    /** Ends the call that is under way, or the wait for the next one. There are no more events then. */
    @Override
    public void close() {
        closed.countDown();
        call.cancel(null);
    }

    private boolean isClosed() {
        return closed.getCount() == 0;
    }

    /** Reads a frame, of a new call if none is under way; returns false at the end of the stream. */
    private boolean readFrame() {
        if (frames == null) {
            call = Context.current().withCancellation();
            call.run(() -> frames = progress.open());
            if (isClosed()) { // in between: it has cancelled the call before this one
                call.cancel(null);
            }
        }
        if (!frames.hasNext()) {
            return false;
        }
        F frame = frames.next();
        backoff.succeeded();
        events = progress.take(frame).iterator();
        return true;
    }

    /** Waits until it is time for the next call; closes and throws {@code failure}, which may be null, if there is none. */
    private void waitAfter(GreenroomException failure) {
        call.cancel(null);
        frames = null;
        if (isClosed()) {
            return;
        }
        try {
            Duration wait = backoff.next(failure, progress.asked());
            closed.await(wait.toMillis(), TimeUnit.MILLISECONDS);
        } catch (GreenroomException unmended) {
            close();
            throw unmended;
        } catch (InterruptedException interrupted) {
            close();
            Thread.currentThread().interrupt();
            throw GreenroomException.of(Status.CANCELLED
                    .withDescription("interrupted while waiting to connect again")
                    .withCause(interrupted)
                    .asRuntimeException());
        }
        // The wait between attempts is ours; the connection's own, which grows to minutes, must not outlast it.
        reconnect.run();
    }
}
