package io.github.greenroomdev;

import io.grpc.Attributes;
import io.grpc.CallCredentials;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.SecurityLevel;
import io.grpc.Status;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/**
 * Gives each attempt of a call the token, where an interceptor would be asked once for all of them; a token leaves this
 * machine only encrypted.
 */
final class Bearer extends CallCredentials {
    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

    private final Supplier<String> token;

    Bearer(Supplier<String> token) {
        this.token = token;
    }

    @Override
    public void applyRequestMetadata(RequestInfo request, Executor executor, MetadataApplier applier) {
        if (request.getSecurityLevel() != SecurityLevel.PRIVACY_AND_INTEGRITY && leaves(request.getTransportAttrs())) {
            applier.fail(Status.UNAUTHENTICATED.withDescription("the token could be read on its way: use TLS"));
            return;
        }
        executor.execute(() -> {
            Metadata headers = new Metadata();
            try {
                headers.put(AUTHORIZATION, "Bearer " + token.get());
            } catch (RuntimeException unobtainable) {
                applier.fail(Status.UNAUTHENTICATED
                        .withDescription("the token cannot be obtained")
                        .withCause(unobtainable));
                return;
            }
            applier.apply(headers);
        });
    }

    /** Whether a connection leads to another machine: not one over loopback, a Unix socket or inside this process. */
    static boolean leaves(Attributes transport) {
        SocketAddress remote = transport.get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
        if (remote instanceof InetSocketAddress internet) {
            return internet.isUnresolved() || !internet.getAddress().isLoopbackAddress();
        }
        return remote == null;
    }
}
