package io.github.greenroomdev;

import io.github.greenroomdev.v1.Event;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;

/** Where a stream of frames stands that outlives its connection. */
interface Progress<F> {
    /** Calls the server, to go on from here. */
    Iterator<F> open();

    /** Takes note of a frame and returns its events. */
    List<Event> take(F frame);

    /** Tells whether the end of the stream, once it came, was the end of everything. */
    boolean over();

    /** Returns how long the server asks to wait before the next call. */
    Duration asked();
}
