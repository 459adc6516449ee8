package io.github.greenroomdev;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.MethodDescriptor;
import java.util.UUID;
import java.util.function.Supplier;

/** Lets every call carry the token, and every change a request id, so that repeating it is safe. */
final class SafeCalls implements ClientInterceptor {
    private final Supplier<String> token;

    /** Makes one; {@code token} may be null. */
    SafeCalls(Supplier<String> token) {
        this.token = token;
    }

    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
        boolean ours = token != null && options.getCredentials() == null;
        CallOptions with = ours ? options.withCallCredentials(new Bearer(token)) : options;
        return new SimpleForwardingClientCall<>(next.newCall(method, with)) {
            @Override
            public void sendMessage(Q request) {
                super.sendMessage(repeatable(request));
            }
        };
    }

    /** Returns the request, with a request id of its own if it has that field and nothing in it. */
    @SuppressWarnings("unchecked") // a builder builds what it came of
    static <Q> Q repeatable(Q request) {
        if (!(request instanceof Message message)) {
            return request;
        }
        FieldDescriptor field = message.getDescriptorForType().findFieldByName("request_id");
        if (field == null || !message.getField(field).equals("")) {
            return request;
        }
        return (Q) message.toBuilder()
                .setField(field, UUID.randomUUID().toString())
                .build();
    }
}
