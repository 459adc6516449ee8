package io.github.greenroomdev;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import com.google.rpc.ErrorInfo;
import io.github.greenroomdev.v1.CreateSessionRequest;
import io.github.greenroomdev.v1.CreateSessionResponse;
import io.github.greenroomdev.v1.Event;
import io.github.greenroomdev.v1.EventServiceGrpc.EventServiceImplBase;
import io.github.greenroomdev.v1.RunTurnRequest;
import io.github.greenroomdev.v1.RunTurnResponse;
import io.github.greenroomdev.v1.SessionServiceGrpc.SessionServiceImplBase;
import io.github.greenroomdev.v1.TurnServiceGrpc.TurnServiceImplBase;
import io.github.greenroomdev.v1.WatchEventsRequest;
import io.github.greenroomdev.v1.WatchEventsResponse;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerBuilder;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.LongStream;

/** A server that does as a test says; it records the requests. */
final class Peer {
    static final StatusRuntimeException GONE =
            Status.UNAVAILABLE.withDescription("gone").asRuntimeException();

    /** What is done with the n-th call of a method, from 1; it throws what the call shall fail with. */
    interface Behaviour<A> {
        void answer(int attempt, StreamObserver<A> to);
    }

    final List<CreateSessionRequest> creates = new CopyOnWriteArrayList<>();
    final List<WatchEventsRequest> watches = new CopyOnWriteArrayList<>();
    final List<RunTurnRequest> turns = new CopyOnWriteArrayList<>();
    final List<String> authorizations = new CopyOnWriteArrayList<>();
    final List<Deadline> deadlines = new CopyOnWriteArrayList<>();

    Behaviour<CreateSessionResponse> create = (attempt, to) -> to.onNext(CreateSessionResponse.getDefaultInstance());
    Behaviour<WatchEventsResponse> watch = (attempt, to) -> {};
    Behaviour<RunTurnResponse> turn = (attempt, to) -> {};

    /** Starts a server of it. */
    Server start(ServerBuilder<?> builder) throws IOException {
        return builder.addService(new Sessions())
                .addService(new Events())
                .addService(new Turns())
                .intercept(new Recorder())
                .build()
                .start();
    }

    static StatusRuntimeException refusal(Status.Code code, String reason, Message... details) {
        ErrorInfo info = ErrorInfo.newBuilder()
                .setDomain("greenroom.v1")
                .setReason(reason)
                .build();
        return refusal(code, info, details);
    }

    static StatusRuntimeException refusal(Status.Code code, ErrorInfo info, Message... details) {
        var status = com.google.rpc.Status.newBuilder()
                .setCode(code.value())
                .setMessage("no")
                .addDetails(Any.pack(info));
        for (Message detail : details) {
            status.addDetails(Any.pack(detail));
        }
        return StatusProto.toStatusRuntimeException(status.build());
    }

    static WatchEventsResponse frame(String cursor, long... sequences) {
        return WatchEventsResponse.newBuilder()
                .setCursor(cursor)
                .addAllEvents(numbered(sequences))
                .build();
    }

    static List<Event> numbered(long... sequences) {
        return LongStream.of(sequences)
                .mapToObj(each -> Event.newBuilder().setSequence(each).build())
                .toList();
    }

    private static <A> void behave(Behaviour<A> behaviour, int attempt, StreamObserver<A> to) {
        try {
            behaviour.answer(attempt, to);
        } catch (StatusRuntimeException failure) {
            to.onError(failure);
            return;
        }
        to.onCompleted();
    }

    private final class Sessions extends SessionServiceImplBase {
        @Override
        public void createSession(CreateSessionRequest request, StreamObserver<CreateSessionResponse> to) {
            creates.add(request);
            behave(create, creates.size(), to);
        }
    }

    private final class Events extends EventServiceImplBase {
        @Override
        public void watchEvents(WatchEventsRequest request, StreamObserver<WatchEventsResponse> to) {
            watches.add(request);
            behave(watch, watches.size(), to);
        }
    }

    private final class Turns extends TurnServiceImplBase {
        @Override
        public void runTurn(RunTurnRequest request, StreamObserver<RunTurnResponse> to) {
            turns.add(request);
            behave(turn, turns.size(), to);
        }
    }

    private final class Recorder implements ServerInterceptor {
        private static final Metadata.Key<String> AUTHORIZATION =
                Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

        @Override
        public <Q, A> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
            Deadline deadline = Context.current().getDeadline();
            if (deadline != null) {
                deadlines.add(deadline);
            }
            if (headers.containsKey(AUTHORIZATION)) {
                authorizations.add(headers.get(AUTHORIZATION));
            }
            return next.startCall(call, headers);
        }
    }
}
