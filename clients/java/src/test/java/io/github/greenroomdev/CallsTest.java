package io.github.greenroomdev;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.github.greenroomdev.v1.CreateSessionRequest;
import io.github.greenroomdev.v1.CreateSessionResponse;
import io.github.greenroomdev.v1.SessionServiceGrpc;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class CallsTest extends PeerTest {
    private static final CreateSessionRequest REQUEST = CreateSessionRequest.getDefaultInstance();

    private GreenroomException refused() {
        return assertThrows(GreenroomException.class, () -> client.sessions(stub -> stub.createSession(REQUEST)));
    }

    private void refuse(StatusRuntimeException refusal) {
        peer.create = (attempt, to) -> {
            throw refusal;
        };
    }

    @Test
    void aChangeIsRepeatedUnderOneRequestIdWithAFreshToken() {
        peer.create = (attempt, to) -> {
            if (attempt == 1) {
                throw Peer.GONE;
            }
            to.onNext(CreateSessionResponse.getDefaultInstance());
        };
        try (GreenroomClient known =
                builder().token(() -> "secret" + peer.creates.size()).build()) {
            known.sessions(stub -> stub.createSession(REQUEST));
        }
        String first = peer.creates.get(0).getRequestId();
        assertEquals(first, UUID.fromString(first).toString());
        assertEquals(first, peer.creates.get(1).getRequestId());
        assertEquals(List.of("Bearer secret0", "Bearer secret1"), peer.authorizations);
    }

    @Test
    void aRequestIdThatIsGivenIsKept() {
        CreateSessionRequest given = REQUEST.toBuilder().setRequestId("mine").build();
        client.sessions(stub -> stub.createSession(given));
        assertEquals(List.of(given), peer.creates);
    }

    @Test
    void stubsOfTheCallerCarryWhatTheClientsDo() throws Exception {
        SessionServiceGrpc.newFutureStub(client.channel())
                .createSession(REQUEST)
                .get();
        assertEquals(36, peer.creates.get(0).getRequestId().length());
    }

    @Test
    void aTokenThatCannotBeObtainedFailsTheCall() {
        Runnable call = () -> {
            try (GreenroomClient unknown = builder()
                    .token(() -> {
                        throw new IllegalStateException("no vault");
                    })
                    .build()) {
                unknown.sessions(stub -> stub.createSession(REQUEST));
            }
        };
        var failure = assertThrows(GreenroomException.class, call::run);
        assertEquals(Status.Code.UNAUTHENTICATED, failure.getCode());
        assertEquals(List.of(), peer.creates);
    }

    @Test
    void theServiceConfigSetsDeadlines() {
        client.sessions(stub -> stub.createSession(REQUEST));
        long left = peer.deadlines.get(0).timeRemaining(TimeUnit.SECONDS);
        assertTrue(left > 20 && left <= 30, left + " s");
    }

    @Test
    void refusalsTellEverything() {
        BadRequest bad = BadRequest.newBuilder()
                .addFieldViolations(
                        BadRequest.FieldViolation.newBuilder().setField("a.b").setDescription("c"))
                .build();
        RetryInfo retry = RetryInfo.newBuilder()
                .setRetryDelay(
                        com.google.protobuf.Duration.newBuilder().setSeconds(2).setNanos(500_000_000))
                .build();
        refuse(Peer.refusal(Status.Code.INVALID_ARGUMENT, "INVALID_FIELD", bad, retry));
        GreenroomException failure = refused();
        assertEquals(Status.Code.INVALID_ARGUMENT, failure.getCode());
        assertEquals("INVALID_FIELD", failure.getReason());
        assertEquals("INVALID_FIELD: no", failure.getMessage());
        assertEquals(List.of(new FieldViolation("a.b", "c")), failure.getViolations());
        assertEquals(Optional.of(Duration.ofMillis(2500)), failure.getRetryDelay());
        assertSame(failure, GreenroomException.of(failure));
    }

    @Test
    void aStaleEtagTellsTheCurrentOne() {
        ErrorInfo info = ErrorInfo.newBuilder()
                .setDomain("greenroom.v1")
                .setReason("ETAG_MISMATCH")
                .putMetadata("etag", "17")
                .build();
        refuse(Peer.refusal(Status.Code.ABORTED, info));
        var failure =
                assertThrows(EtagMismatchException.class, () -> client.sessions(stub -> stub.createSession(REQUEST)));
        assertEquals("17", failure.getEtag());
    }

    @Test
    void aRefusalOfAnotherServerHasNoReason() {
        refuse(Peer.refusal(
                Status.Code.NOT_FOUND,
                ErrorInfo.newBuilder()
                        .setDomain("other")
                        .setReason("ETAG_MISMATCH")
                        .build()));
        GreenroomException failure = refused();
        assertEquals("", failure.getReason());
        assertEquals("NOT_FOUND: no", failure.getMessage());
    }

    @Test
    void detailsThatCannotBeReadAreLeftOut() {
        Any broken = Any.pack(RetryInfo.getDefaultInstance()).toBuilder()
                .setValue(ByteString.copyFromUtf8("broken"))
                .build();
        refuse(StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(Status.Code.NOT_FOUND.value())
                .addDetails(broken)
                .build()));
        assertEquals(Optional.empty(), refused().getRetryDelay());
    }
}
