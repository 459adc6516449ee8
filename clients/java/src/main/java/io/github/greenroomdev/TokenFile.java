package io.github.greenroomdev;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

/** Gives the token that is in a file now; where it cannot be read or is empty for a moment, the token before. */
final class TokenFile implements Supplier<String> {
    private final Path path;
    private volatile String last = "";

    TokenFile(Path path) {
        this.path = path;
    }

    @Override
    public String get() {
        try {
            String found = Files.readString(path, StandardCharsets.US_ASCII).strip();
            if (!found.isEmpty()) {
                last = found;
            }
        } catch (IOException unreadable) {
            if (last.isEmpty()) {
                throw new UncheckedIOException(unreadable);
            }
        }
        if (last.isEmpty()) {
            throw new IllegalStateException(path + " holds no token");
        }
        return last;
    }
}
