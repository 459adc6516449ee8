package io.github.greenroomdev;

import io.github.greenroomdev.v1.EventServiceGrpc;
import io.github.greenroomdev.v1.EventServiceGrpc.EventServiceBlockingStub;
import io.github.greenroomdev.v1.NodeServiceGrpc;
import io.github.greenroomdev.v1.NodeServiceGrpc.NodeServiceBlockingStub;
import io.github.greenroomdev.v1.ProfileServiceGrpc;
import io.github.greenroomdev.v1.ProfileServiceGrpc.ProfileServiceBlockingStub;
import io.github.greenroomdev.v1.RunTurnRequest;
import io.github.greenroomdev.v1.SessionServiceGrpc;
import io.github.greenroomdev.v1.SessionServiceGrpc.SessionServiceBlockingStub;
import io.github.greenroomdev.v1.TurnServiceGrpc;
import io.github.greenroomdev.v1.TurnServiceGrpc.TurnServiceBlockingStub;
import io.github.greenroomdev.v1.WatchEventsRequest;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientInterceptors;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * One connection to a Greenroom server; safe for use by several threads.
 *
 * <p>Each service has a method that makes calls of it, such as
 * {@code client.sessions(stub -> stub.getSession(request))}. They throw {@link GreenroomException}, carry a request id
 * where they change something, and are repeated, as the service config says, while the server cannot be reached.
 */
public final class GreenroomClient implements AutoCloseable {
    private static final int LARGEST_MESSAGE = 16 << 20; // bytes; above every cap of the contract
    private static final long CLOSING_SECONDS = 5;

    private final ManagedChannel connection;
    private final Channel channel;
    private final Duration patience;
    private final Set<Resumption<?>> reading = ConcurrentHashMap.newKeySet();

    private GreenroomClient(Builder builder) {
        connection = builder.channel
                .userAgent("greenroom-java/" + Published.VERSION)
                .defaultServiceConfig(Published.SERVICE_CONFIG)
                .enableRetry()
                .maxInboundMessageSize(LARGEST_MESSAGE)
                .keepAliveTime(30, TimeUnit.SECONDS)
                .keepAliveTimeout(10, TimeUnit.SECONDS)
                .build();
        channel = ClientInterceptors.intercept(connection, new SafeCalls(builder.token));
        patience = builder.patience;
    }

    /**
     * Begins a client on a plain connection.
     *
     * @param target where the server is, such as {@code 127.0.0.1:50051}; it is connected to with the first call
     * @return what builds it
     */
    public static Builder builder(String target) {
        return builder(target, InsecureChannelCredentials.create());
    }

    /**
     * Begins a client on a connection that is encrypted or otherwise protected.
     *
     * @param target where the server is, such as {@code greenroom.example:443}; it is connected to with the first call
     * @param credentials {@code TlsChannelCredentials.create()} trusts the system's authorities; its builder names others
     *     ({@code trustManager}) and the client's own certificate ({@code keyManager})
     * @return what builds it
     */
    public static Builder builder(String target, ChannelCredentials credentials) {
        return builder(Grpc.newChannelBuilder(target, credentials));
    }

    /**
     * Begins a client on a channel of the caller's choice, with another transport, a proxy or interceptors.
     *
     * @param channel to be built; the client adds to it what the published service config and its own streams need
     * @return what builds the client
     */
    public static Builder builder(ManagedChannelBuilder<?> channel) {
        return new Builder(channel);
    }

    /**
     * Makes a call of SessionService.
     *
     * @param <A> its answer
     * @param call of the stub, such as {@code stub -> stub.getSession(request)}
     * @return what the call returns
     * @throws GreenroomException if it fails
     */
    public <A> A sessions(Function<SessionServiceBlockingStub, A> call) {
        return typed(SessionServiceGrpc.newBlockingStub(channel), call);
    }

    /**
     * Makes a call of TurnService; {@link #runTurn} is the better way to run a turn.
     *
     * @param <A> its answer
     * @param call of the stub, such as {@code stub -> stub.startTurn(request)}
     * @return what the call returns
     * @throws GreenroomException if it fails
     */
    public <A> A turns(Function<TurnServiceBlockingStub, A> call) {
        return typed(TurnServiceGrpc.newBlockingStub(channel), call);
    }

    /**
     * Makes a call of EventService; {@link #watch} is the better way to watch.
     *
     * @param <A> its answer
     * @param call of the stub, such as {@code stub -> stub.listEvents(request)}
     * @return what the call returns; a stream of the stub throws what grpc throws, which {@link GreenroomException#of} reads
     * @throws GreenroomException if it fails
     */
    public <A> A events(Function<EventServiceBlockingStub, A> call) {
        return typed(EventServiceGrpc.newBlockingStub(channel), call);
    }

    /**
     * Makes a call of ProfileService.
     *
     * @param <A> its answer
     * @param call of the stub, such as {@code stub -> stub.getProfile(request)}
     * @return what the call returns
     * @throws GreenroomException if it fails
     */
    public <A> A profiles(Function<ProfileServiceBlockingStub, A> call) {
        return typed(ProfileServiceGrpc.newBlockingStub(channel), call);
    }

    /**
     * Makes a call of NodeService.
     *
     * @param <A> its answer
     * @param call of the stub, such as {@code stub -> stub.drainNode(request)}
     * @return what the call returns
     * @throws GreenroomException if it fails
     */
    public <A> A nodes(Function<NodeServiceBlockingStub, A> call) {
        return typed(NodeServiceGrpc.newBlockingStub(channel), call);
    }

    /**
     * Returns the connection for stubs of the caller, such as {@code SessionServiceGrpc.newFutureStub(client.channel())}.
     *
     * @return a channel whose calls carry token and request ids; they throw what grpc throws, which
     *     {@link GreenroomException#of} reads
     */
    public Channel channel() {
        return channel;
    }

    /**
     * Watches the events that a request asks for, each once and in order.
     *
     * <p>A lost connection is made again and the watch goes on behind the last event. An event's cursor is where to go on
     * in another process: set it as {@code after}. The stream ends with {@code until_closed} only; reading it throws what
     * waiting does not mend, and {@link CursorBelowFloorException} when events were missed for good.
     *
     * @param request what to watch, and from where
     * @return the events; nothing is asked for before they are read
     */
    public EventStream watch(WatchEventsRequest request) {
        return new EventStream(resumption(new WatchProgress(channel, request)));
    }

    /**
     * Gives a session a prompt and reads the turn's events until it ends.
     *
     * <p>A lost connection is made again, and never starts a second turn: the request id is the same with each attempt.
     *
     * @param request the prompt
     * @return the turn and its events; nothing happens before they are read
     */
    public RunningTurn runTurn(RunTurnRequest request) {
        TurnProgress progress = new TurnProgress(channel, SafeCalls.repeatable(request));
        return new RunningTurn(progress, resumption(progress));
    }

    /** Closes the connection; calls that are under way fail, and the streams of events as CANCELLED. */
    @Override
    public void close() {
        connection.shutdownNow();
        reading.forEach(Resumption::wake);
        try {
            connection.awaitTermination(CLOSING_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private <F> Resumption<F> resumption(Progress<F> progress) {
        return new Resumption<>(progress, new Backoff(patience), connection, reading);
    }

    private static <S, A> A typed(S stub, Function<S, A> call) {
        try {
            return call.apply(stub);
        } catch (StatusRuntimeException failure) {
            throw GreenroomException.of(failure);
        }
    }

    /** Says how a client reaches its server. */
    public static final class Builder {
        private final ManagedChannelBuilder<?> channel;
        private Supplier<String> token;
        private Duration patience = Duration.ofMinutes(1);

        private Builder(ManagedChannelBuilder<?> channel) {
            this.channel = channel;
        }

        /**
         * Sends a bearer token with every call. A call that would send it unencrypted to another machine fails as
         * UNAUTHENTICATED.
         *
         * @param token without the word Bearer
         * @return this
         */
        public Builder token(String token) {
            return token(() -> token);
        }

        /**
         * Asks for the bearer token with every attempt of a call.
         *
         * @param source of the token; a call fails as UNAUTHENTICATED when it throws
         * @return this
         */
        public Builder token(Supplier<String> source) {
            token = source;
            return this;
        }

        /**
         * Sends what is in a file as the bearer token. The file is read with every attempt of a call, so a new token is used
         * from the next one on. Where it cannot be read or is empty for a moment, the token before is used.
         *
         * @param file that holds nothing but the token
         * @return this
         */
        public Builder tokenFile(Path file) {
            return token(new TokenFile(file));
        }

        /**
         * Says how long {@link GreenroomClient#watch} and {@link GreenroomClient#runTurn} try to reach a server again before
         * they fail.
         *
         * @param patience a minute if not set
         * @return this
         */
        public Builder patience(Duration patience) {
            this.patience = patience;
            return this;
        }

        /**
         * Builds the client.
         *
         * @return a client, to be closed
         */
        public GreenroomClient build() {
            return new GreenroomClient(this);
        }
    }
}
