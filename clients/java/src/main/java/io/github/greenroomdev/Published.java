package io.github.greenroomdev;

import com.google.gson.Gson;
import com.google.gson.reflect.TypeToken;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** What is published with the client and read from its own archive. */
final class Published {
    /** The version of this client, as its pom.xml names it. */
    static final String VERSION = read("version.txt").strip();

    /** The published service config, in the form that grpc takes: deadlines, and which calls are repeated when. */
    static final Map<String, ?> SERVICE_CONFIG =
            new Gson().fromJson(read("service_config.json"), new TypeToken<Map<String, ?>>() {}.getType());

    private Published() {}

    private static String read(String name) {
        try (InputStream resource = Published.class.getResourceAsStream(name)) {
            return new String(resource.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }
}
