package io.github.greenroomdev;

import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;

/** A client beside a peer in the same process. */
@Timeout(60)
abstract class PeerTest {
    protected final Peer peer = new Peer();
    protected GreenroomClient client;
    private Server server;
    private String name;

    @BeforeEach
    void connect() throws IOException {
        name = InProcessServerBuilder.generateName();
        server = peer.start(InProcessServerBuilder.forName(name));
        client = builder().build();
    }

    /** Begins another client of the same peer. */
    protected GreenroomClient.Builder builder() {
        return GreenroomClient.builder(InProcessChannelBuilder.forName(name));
    }

    @AfterEach
    void disconnect() {
        client.close();
        server.shutdownNow();
    }
}
