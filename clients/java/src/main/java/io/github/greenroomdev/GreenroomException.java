package io.github.greenroomdev;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A failed call: its status, and the {@code google.rpc} details of it. */
@SuppressWarnings("serial") // no status of grpc can be serialized
public class GreenroomException extends StatusRuntimeException {
    private static final long serialVersionUID = 1L;
    private static final String DOMAIN = "greenroom.v1";

    private final String reason;
    private final Map<String, String> metadata;
    private final List<FieldViolation> violations;
    private final Duration retryDelay; // null if the server asks for none

    /** Makes the exception of a failure whose details were read. */
    GreenroomException(StatusRuntimeException failure, Details details) {
        super(failure.getStatus().withCause(failure), failure.getTrailers());
        reason = details.info.getReason();
        metadata = Map.copyOf(details.info.getMetadataMap());
        violations = details.bad.getFieldViolationsList().stream()
                .map(each -> new FieldViolation(each.getField(), each.getDescription()))
                .toList();
        var asked = details.retry.getRetryDelay();
        retryDelay = details.retry.hasRetryDelay() ? Duration.ofSeconds(asked.getSeconds(), asked.getNanos()) : null;
    }

    /**
     * Returns the typed form of what a stub of grpc threw.
     *
     * @param failure of any call, also one that was not made by {@link GreenroomClient}
     * @return an {@link EtagMismatchException}, a {@link CursorBelowFloorException} or, for any other reason, this class;
     *     details that cannot be read are left out
     */
    public static GreenroomException of(StatusRuntimeException failure) {
        if (failure instanceof GreenroomException typed) {
            return typed;
        }
        Details details = new Details(failure);
        return switch (details.info.getReason()) {
            case "ETAG_MISMATCH" -> new EtagMismatchException(failure, details);
            case "CURSOR_BELOW_FLOOR" -> new CursorBelowFloorException(failure, details);
            default -> new GreenroomException(failure, details);
        };
    }

    /**
     * Returns the typed form of the {@code error} of a turn or a session.
     *
     * @param error as in {@code Turn} and {@code Session}; its retry delay counts from the end of the turn
     * @return what {@link #of(StatusRuntimeException)} returns for a call that fails with it
     */
    public static GreenroomException in(com.google.rpc.Status error) {
        return of(StatusProto.toStatusRuntimeException(error));
    }

    /**
     * Returns the code of the status.
     *
     * @return such as UNAVAILABLE, when the server cannot be reached
     */
    public Status.Code getCode() {
        return getStatus().getCode();
    }

    /**
     * Returns why the server refuses.
     *
     * @return a name of {@code error_reason.proto} without its prefix, such as {@code ETAG_MISMATCH}; empty when the failure
     *     did not come from a Greenroom server, as that of a connection
     */
    public String getReason() {
        return reason;
    }

    /**
     * Returns what the reason tells.
     *
     * @return values by name, such as {@code etag}
     */
    public Map<String, String> getMetadata() {
        return metadata;
    }

    /**
     * Returns every field at fault.
     *
     * @return empty if none is
     */
    public List<FieldViolation> getViolations() {
        return violations;
    }

    /**
     * Returns how long the server asks to wait.
     *
     * @return empty if it does not ask
     */
    public Optional<Duration> getRetryDelay() {
        return Optional.ofNullable(retryDelay);
    }

    @Override
    public String getMessage() {
        String name = reason == null || reason.isEmpty() ? getCode().name() : reason;
        return name + ": " + getStatus().getDescription();
    }

    /** The details of a failure that this client reads; each is empty if it was not given. */
    static final class Details {
        private ErrorInfo info = ErrorInfo.getDefaultInstance();
        private BadRequest bad = BadRequest.getDefaultInstance();
        private RetryInfo retry = RetryInfo.getDefaultInstance();

        private Details(StatusRuntimeException failure) {
            for (Any detail : StatusProto.fromThrowable(failure).getDetailsList()) {
                try {
                    read(detail);
                } catch (InvalidProtocolBufferException unreadable) {
                    failure.addSuppressed(unreadable);
                }
            }
        }

        private void read(Any detail) throws InvalidProtocolBufferException {
            if (detail.is(ErrorInfo.class)) {
                ErrorInfo told = detail.unpack(ErrorInfo.class);
                info = told.getDomain().equals(DOMAIN) ? told : info;
            } else if (detail.is(BadRequest.class)) {
                bad = detail.unpack(BadRequest.class);
            } else if (detail.is(RetryInfo.class)) {
                retry = detail.unpack(RetryInfo.class);
            }
        }
    }
}
