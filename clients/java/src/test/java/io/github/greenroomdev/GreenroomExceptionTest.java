package io.github.greenroomdev;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.Any;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class GreenroomExceptionTest {
    @Test
    void theErrorOfATurnIsReadLikeThatOfACall() {
        var info = ErrorInfo.newBuilder().setReason("API_LIMIT_REACHED").setDomain("greenroom.v1");
        var retry = RetryInfo.newBuilder();
        retry.getRetryDelayBuilder().setSeconds(60);
        var error = Status.newBuilder().setCode(Code.RESOURCE_EXHAUSTED_VALUE).setMessage("used up");
        error.addDetails(Any.pack(info.putMetadata("limit_kind", "FIVE_HOUR").build()));
        error.addDetails(Any.pack(retry.build()));
        var failure = GreenroomException.in(error.build());
        assertEquals(io.grpc.Status.Code.RESOURCE_EXHAUSTED, failure.getCode());
        assertEquals("API_LIMIT_REACHED", failure.getReason());
        assertEquals(Map.of("limit_kind", "FIVE_HOUR"), failure.getMetadata());
        assertEquals(Optional.of(Duration.ofMinutes(1)), failure.getRetryDelay());
        assertEquals("API_LIMIT_REACHED: used up", failure.getMessage());
    }
}
