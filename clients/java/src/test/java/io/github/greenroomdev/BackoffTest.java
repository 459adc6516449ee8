package io.github.greenroomdev;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class BackoffTest {
    @Test
    void waitsDoubleAndLastAsLongAsTheServerAsks() {
        Duration asked = Duration.ofSeconds(60);
        var backoff = new Backoff(Duration.ofMinutes(1));
        for (int attempt = 0; attempt < 20; attempt++) {
            Duration wait = backoff.next(null, asked).minus(asked);
            long ceiling = Math.min(100L << attempt, 5_000);
            assertTrue(wait.toMillis() >= ceiling / 2 && wait.toMillis() < ceiling, wait.toString());
        }
        backoff.succeeded();
        assertTrue(backoff.next(null, Duration.ZERO).toMillis() < 100);
    }
}
