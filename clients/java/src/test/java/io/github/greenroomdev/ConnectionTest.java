package io.github.greenroomdev;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.greenroomdev.v1.CreateSessionRequest;
import io.github.greenroomdev.v1.Event;
import io.github.greenroomdev.v1.WatchEventsRequest;
import io.grpc.Attributes;
import io.grpc.ChannelCredentials;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.ServerCredentials;
import io.grpc.Status;
import io.grpc.TlsChannelCredentials;
import io.grpc.TlsServerCredentials;
import io.grpc.testing.TlsTesting;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The client over a socket. */
@Timeout(60)
class ConnectionTest {
    private static final CreateSessionRequest REQUEST = CreateSessionRequest.getDefaultInstance();

    private final Peer peer = new Peer();
    private Server server;

    private void start(ServerCredentials credentials) throws IOException {
        server = peer.start(Grpc.newServerBuilderForPort(0, credentials));
    }

    @AfterEach
    void stop() {
        if (server != null) {
            server.shutdownNow();
        }
    }

    @Test
    void oneThatIsLostIsMadeAgain() throws IOException {
        peer.watch = (attempt, to) -> {
            to.onNext(Peer.frame(String.valueOf(attempt), attempt));
            if (attempt < 3) {
                var gone = new CountDownLatch(1);
                Context.current().addListener(context -> gone.countDown(), Runnable::run);
                try {
                    gone.await();
                } catch (InterruptedException stopped) {
                    throw Peer.GONE;
                }
            }
        };
        start(InsecureServerCredentials.create());
        List<Long> seen = new ArrayList<>();
        WatchEventsRequest request =
                WatchEventsRequest.newBuilder().setUntilClosed(true).build();
        try (Relay relay = new Relay(server.getPort());
                GreenroomClient client =
                        GreenroomClient.builder("127.0.0.1:" + relay.port()).build();
                EventStream events = client.watch(request)) {
            for (Event event : events) {
                seen.add(event.getSequence());
                if (seen.size() < 3) { // the last one's call ends by itself
                    relay.cut();
                }
            }
        }
        assertEquals(List.of(1L, 2L, 3L), seen);
        assertEquals(
                List.of("", "1", "2"),
                peer.watches.stream().map(WatchEventsRequest::getAfter).toList());
    }

    @Test
    void trustsWhatItIsGivenAndNothingElse() throws IOException {
        start(TlsServerCredentials.create(TlsTesting.loadCert("server1.pem"), TlsTesting.loadCert("server1.key")));
        var trusting = TlsChannelCredentials.newBuilder()
                .trustManager(TlsTesting.loadCert("ca.pem"))
                .build();
        try (GreenroomClient client = client(trusting)) {
            client.sessions(stub -> stub.createSession(REQUEST));
        }
        try (GreenroomClient stranger = client(TlsChannelCredentials.create());
                EventStream events = stranger.watch(WatchEventsRequest.getDefaultInstance())) {
            var failure = assertThrows(
                    GreenroomException.class, () -> events.iterator().next());
            assertEquals(Status.Code.UNAVAILABLE, failure.getCode());
        }
        assertEquals(List.of("Bearer secret"), peer.authorizations);
    }

    @Test
    void readsATokenInAFileWithEachCall(@TempDir Path directory) throws IOException {
        start(InsecureServerCredentials.create());
        Path file = directory.resolve("token");
        try (GreenroomClient client = GreenroomClient.builder("127.0.0.1:" + server.getPort())
                .tokenFile(file)
                .build()) {
            var failure =
                    assertThrows(GreenroomException.class, () -> client.sessions(stub -> stub.createSession(REQUEST)));
            assertEquals(Status.Code.UNAUTHENTICATED, failure.getCode());
            for (String content : List.of("one\n", "two", "")) {
                Files.writeString(file, content);
                client.sessions(stub -> stub.createSession(REQUEST));
            }
        }
        assertEquals(List.of("Bearer one", "Bearer two", "Bearer two"), peer.authorizations);
    }

    @Test
    void knowsWhatLeavesThisMachine() throws IOException {
        assertEquals(
                List.of(false, false, true, true),
                List.of(leaves("127.0.0.1"), leaves("::1"), leaves("10.0.0.1"), leaves("2001:db8::1")));
        assertEquals(true, Bearer.leaves(Attributes.EMPTY));
    }

    private static boolean leaves(String address) throws IOException {
        var remote = new InetSocketAddress(InetAddress.getByName(address), 1);
        return Bearer.leaves(Attributes.newBuilder()
                .set(Grpc.TRANSPORT_ATTR_REMOTE_ADDR, remote)
                .build());
    }

    private GreenroomClient client(ChannelCredentials credentials) {
        var channel = Grpc.newChannelBuilder("127.0.0.1:" + server.getPort(), credentials)
                .overrideAuthority("foo.test.google.fr"); // the name in the certificate
        return GreenroomClient.builder(channel)
                .token("secret")
                .patience(Duration.ZERO)
                .build();
    }
}
