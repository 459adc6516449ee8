package io.github.greenroomdev;

import io.github.greenroomdev.v1.Event;
import java.util.Iterator;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * Events as they come, each once and in order, over as many connections as it takes; to be iterated once, by one thread, and
 * to be closed.
 *
 * <p>Reading blocks until there is an event. It throws {@link GreenroomException} when the stream fails for good; an interrupt
 * of the reading thread makes that CANCELLED.
 */
public sealed class EventStream implements Iterable<Event>, AutoCloseable permits RunningTurn {
    private final Resumption<?> resumption;
    private boolean iterated;

    EventStream(Resumption<?> resumption) {
        this.resumption = resumption;
    }

    /**
     * Returns the events.
     *
     * @return an iterator that blocks
     * @throws IllegalStateException if they were asked for already
     */
    @Override
    public Iterator<Event> iterator() {
        if (iterated) {
            throw new IllegalStateException("the events are to be iterated once");
        }
        iterated = true;
        return resumption;
    }

    /**
     * Returns the events as a stream.
     *
     * @return a sequential stream that blocks; closing it closes this
     * @throws IllegalStateException if they were asked for already
     */
    public Stream<Event> stream() {
        return StreamSupport.stream(spliterator(), false).onClose(this::close);
    }

    /** Ends the stream; a thread that reads sees no more events. Any thread may call this. */
    @Override
    public void close() {
        resumption.close();
    }
}
