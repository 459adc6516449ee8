package io.github.greenroomdev;

import io.github.greenroomdev.v1.Event;
import io.grpc.Context;
import io.grpc.Context.CancellableContext;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Collections;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Reads the events of a stream and calls again where it breaks. One thread reads; any may close. */
final class Resumption<F> implements Iterator<Event>, AutoCloseable {
    private final Progress<F> progress;
    private final Backoff backoff;
    private final ManagedChannel connection;
    private final Set<Resumption<?>> reading;
    private final Semaphore woken = new Semaphore(0);
    private volatile boolean closed;
    private volatile CancellableContext call = Context.ROOT.withCancellation();
    private Iterator<F> frames; // of the call that is under way; null between two calls
    private Iterator<Event> events = Collections.emptyIterator();

    /** Makes one; it is in {@code reading} from its first call until it is closed. */
    Resumption(Progress<F> progress, Backoff backoff, ManagedChannel connection, Set<Resumption<?>> reading) {
        this.progress = progress;
        this.backoff = backoff;
        this.connection = connection;
        this.reading = reading;
    }

    @Override
    public boolean hasNext() {
        while (!closed && !events.hasNext()) {
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
        return !closed;
    }

    @Override
    public Event next() {
        // What hasNext has promised holds, although another thread may have closed since.
        if (!events.hasNext() && !hasNext()) {
            throw new NoSuchElementException();
        }
        return events.next();
    }

    /** Ends the call that is under way, or the wait for the next one. There are no more events then. */
    @Override
    public void close() {
        closed = true;
        call.cancel(null);
        reading.remove(this);
        wake();
    }

    /** Ends the wait for the next call, if there is one, to look whether the connection is still there. */
    void wake() {
        woken.release();
    }

    /** Reads a frame, of a new call if none is under way; returns false at the end of the stream. */
    private boolean readFrame() {
        if (frames == null) {
            reading.add(this);
            call = Context.current().withCancellation();
            call.run(() -> frames = progress.open());
            if (closed) { // in between: what this call was not there for
                close();
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
        if (closed) {
            return;
        }
        if (Context.current().isCancelled()) {
            throw cancelled("the caller's context is cancelled", failure);
        }
        try {
            Duration wait = backoff.next(failure, progress.asked());
            if (!connection.isShutdown()) {
                woken.tryAcquire(wait.toMillis(), TimeUnit.MILLISECONDS);
            }
        } catch (GreenroomException unmended) {
            close();
            throw unmended;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw cancelled("interrupted while waiting to connect again", interrupted);
        }
        if (!closed && connection.isShutdown()) {
            throw cancelled("the client is closed", failure);
        }
        // The wait between attempts is ours; the connection's own, which grows to minutes, must not outlast it.
        connection.resetConnectBackoff();
    }

    private GreenroomException cancelled(String why, Throwable cause) {
        close();
        return GreenroomException.of(
                Status.CANCELLED.withDescription(why).withCause(cause).asRuntimeException());
    }
}
