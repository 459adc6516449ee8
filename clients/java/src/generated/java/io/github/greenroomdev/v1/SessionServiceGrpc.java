package io.github.greenroomdev.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * SessionService makes sessions and rules their life.
 * Every call may answer UNAUTHENTICATED, PERMISSION_DENIED, UNAVAILABLE (with RetryInfo) and INVALID_ARGUMENT (with every
 * violation); a call that names a session answers NOT_FOUND when there is none. What a change answers is durable.
 * A `request_id` (UUID) makes a change safe to repeat: for 24 hours the same id with the same request answers what the
 * first call answered, and with another request INVALID_ARGUMENT (REQUEST_ID_REUSED). An `etag` refuses a change based on
 * an older state with ABORTED (ETAG_MISMATCH); without one the change is made in any case.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class SessionServiceGrpc {

  private SessionServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "greenroom.v1.SessionService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.CreateSessionRequest,
      io.github.greenroomdev.v1.CreateSessionResponse> getCreateSessionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateSession",
      requestType = io.github.greenroomdev.v1.CreateSessionRequest.class,
      responseType = io.github.greenroomdev.v1.CreateSessionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.CreateSessionRequest,
      io.github.greenroomdev.v1.CreateSessionResponse> getCreateSessionMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.CreateSessionRequest, io.github.greenroomdev.v1.CreateSessionResponse> getCreateSessionMethod;
    if ((getCreateSessionMethod = SessionServiceGrpc.getCreateSessionMethod) == null) {
      synchronized (SessionServiceGrpc.class) {
        if ((getCreateSessionMethod = SessionServiceGrpc.getCreateSessionMethod) == null) {
          SessionServiceGrpc.getCreateSessionMethod = getCreateSessionMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.CreateSessionRequest, io.github.greenroomdev.v1.CreateSessionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateSession"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.CreateSessionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.CreateSessionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SessionServiceMethodDescriptorSupplier("CreateSession"))
              .build();
        }
      }
    }
    return getCreateSessionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.GetSessionRequest,
      io.github.greenroomdev.v1.GetSessionResponse> getGetSessionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetSession",
      requestType = io.github.greenroomdev.v1.GetSessionRequest.class,
      responseType = io.github.greenroomdev.v1.GetSessionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.GetSessionRequest,
      io.github.greenroomdev.v1.GetSessionResponse> getGetSessionMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.GetSessionRequest, io.github.greenroomdev.v1.GetSessionResponse> getGetSessionMethod;
    if ((getGetSessionMethod = SessionServiceGrpc.getGetSessionMethod) == null) {
      synchronized (SessionServiceGrpc.class) {
        if ((getGetSessionMethod = SessionServiceGrpc.getGetSessionMethod) == null) {
          SessionServiceGrpc.getGetSessionMethod = getGetSessionMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.GetSessionRequest, io.github.greenroomdev.v1.GetSessionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetSession"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.GetSessionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.GetSessionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SessionServiceMethodDescriptorSupplier("GetSession"))
              .build();
        }
      }
    }
    return getGetSessionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.ListSessionsRequest,
      io.github.greenroomdev.v1.ListSessionsResponse> getListSessionsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListSessions",
      requestType = io.github.greenroomdev.v1.ListSessionsRequest.class,
      responseType = io.github.greenroomdev.v1.ListSessionsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.ListSessionsRequest,
      io.github.greenroomdev.v1.ListSessionsResponse> getListSessionsMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.ListSessionsRequest, io.github.greenroomdev.v1.ListSessionsResponse> getListSessionsMethod;
    if ((getListSessionsMethod = SessionServiceGrpc.getListSessionsMethod) == null) {
      synchronized (SessionServiceGrpc.class) {
        if ((getListSessionsMethod = SessionServiceGrpc.getListSessionsMethod) == null) {
          SessionServiceGrpc.getListSessionsMethod = getListSessionsMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.ListSessionsRequest, io.github.greenroomdev.v1.ListSessionsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListSessions"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.ListSessionsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.ListSessionsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SessionServiceMethodDescriptorSupplier("ListSessions"))
              .build();
        }
      }
    }
    return getListSessionsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.UpdateSessionRequest,
      io.github.greenroomdev.v1.UpdateSessionResponse> getUpdateSessionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateSession",
      requestType = io.github.greenroomdev.v1.UpdateSessionRequest.class,
      responseType = io.github.greenroomdev.v1.UpdateSessionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.UpdateSessionRequest,
      io.github.greenroomdev.v1.UpdateSessionResponse> getUpdateSessionMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.UpdateSessionRequest, io.github.greenroomdev.v1.UpdateSessionResponse> getUpdateSessionMethod;
    if ((getUpdateSessionMethod = SessionServiceGrpc.getUpdateSessionMethod) == null) {
      synchronized (SessionServiceGrpc.class) {
        if ((getUpdateSessionMethod = SessionServiceGrpc.getUpdateSessionMethod) == null) {
          SessionServiceGrpc.getUpdateSessionMethod = getUpdateSessionMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.UpdateSessionRequest, io.github.greenroomdev.v1.UpdateSessionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateSession"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.UpdateSessionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.UpdateSessionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SessionServiceMethodDescriptorSupplier("UpdateSession"))
              .build();
        }
      }
    }
    return getUpdateSessionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.StartSessionRequest,
      io.github.greenroomdev.v1.StartSessionResponse> getStartSessionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "StartSession",
      requestType = io.github.greenroomdev.v1.StartSessionRequest.class,
      responseType = io.github.greenroomdev.v1.StartSessionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.StartSessionRequest,
      io.github.greenroomdev.v1.StartSessionResponse> getStartSessionMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.StartSessionRequest, io.github.greenroomdev.v1.StartSessionResponse> getStartSessionMethod;
    if ((getStartSessionMethod = SessionServiceGrpc.getStartSessionMethod) == null) {
      synchronized (SessionServiceGrpc.class) {
        if ((getStartSessionMethod = SessionServiceGrpc.getStartSessionMethod) == null) {
          SessionServiceGrpc.getStartSessionMethod = getStartSessionMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.StartSessionRequest, io.github.greenroomdev.v1.StartSessionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "StartSession"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.StartSessionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.StartSessionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SessionServiceMethodDescriptorSupplier("StartSession"))
              .build();
        }
      }
    }
    return getStartSessionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.SuspendSessionRequest,
      io.github.greenroomdev.v1.SuspendSessionResponse> getSuspendSessionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "SuspendSession",
      requestType = io.github.greenroomdev.v1.SuspendSessionRequest.class,
      responseType = io.github.greenroomdev.v1.SuspendSessionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.SuspendSessionRequest,
      io.github.greenroomdev.v1.SuspendSessionResponse> getSuspendSessionMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.SuspendSessionRequest, io.github.greenroomdev.v1.SuspendSessionResponse> getSuspendSessionMethod;
    if ((getSuspendSessionMethod = SessionServiceGrpc.getSuspendSessionMethod) == null) {
      synchronized (SessionServiceGrpc.class) {
        if ((getSuspendSessionMethod = SessionServiceGrpc.getSuspendSessionMethod) == null) {
          SessionServiceGrpc.getSuspendSessionMethod = getSuspendSessionMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.SuspendSessionRequest, io.github.greenroomdev.v1.SuspendSessionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "SuspendSession"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.SuspendSessionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.SuspendSessionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SessionServiceMethodDescriptorSupplier("SuspendSession"))
              .build();
        }
      }
    }
    return getSuspendSessionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.ResumeSessionRequest,
      io.github.greenroomdev.v1.ResumeSessionResponse> getResumeSessionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ResumeSession",
      requestType = io.github.greenroomdev.v1.ResumeSessionRequest.class,
      responseType = io.github.greenroomdev.v1.ResumeSessionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.ResumeSessionRequest,
      io.github.greenroomdev.v1.ResumeSessionResponse> getResumeSessionMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.ResumeSessionRequest, io.github.greenroomdev.v1.ResumeSessionResponse> getResumeSessionMethod;
    if ((getResumeSessionMethod = SessionServiceGrpc.getResumeSessionMethod) == null) {
      synchronized (SessionServiceGrpc.class) {
        if ((getResumeSessionMethod = SessionServiceGrpc.getResumeSessionMethod) == null) {
          SessionServiceGrpc.getResumeSessionMethod = getResumeSessionMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.ResumeSessionRequest, io.github.greenroomdev.v1.ResumeSessionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ResumeSession"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.ResumeSessionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.ResumeSessionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SessionServiceMethodDescriptorSupplier("ResumeSession"))
              .build();
        }
      }
    }
    return getResumeSessionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.RestartSessionRequest,
      io.github.greenroomdev.v1.RestartSessionResponse> getRestartSessionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RestartSession",
      requestType = io.github.greenroomdev.v1.RestartSessionRequest.class,
      responseType = io.github.greenroomdev.v1.RestartSessionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.RestartSessionRequest,
      io.github.greenroomdev.v1.RestartSessionResponse> getRestartSessionMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.RestartSessionRequest, io.github.greenroomdev.v1.RestartSessionResponse> getRestartSessionMethod;
    if ((getRestartSessionMethod = SessionServiceGrpc.getRestartSessionMethod) == null) {
      synchronized (SessionServiceGrpc.class) {
        if ((getRestartSessionMethod = SessionServiceGrpc.getRestartSessionMethod) == null) {
          SessionServiceGrpc.getRestartSessionMethod = getRestartSessionMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.RestartSessionRequest, io.github.greenroomdev.v1.RestartSessionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RestartSession"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.RestartSessionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.RestartSessionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SessionServiceMethodDescriptorSupplier("RestartSession"))
              .build();
        }
      }
    }
    return getRestartSessionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.CloseSessionRequest,
      io.github.greenroomdev.v1.CloseSessionResponse> getCloseSessionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CloseSession",
      requestType = io.github.greenroomdev.v1.CloseSessionRequest.class,
      responseType = io.github.greenroomdev.v1.CloseSessionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.CloseSessionRequest,
      io.github.greenroomdev.v1.CloseSessionResponse> getCloseSessionMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.CloseSessionRequest, io.github.greenroomdev.v1.CloseSessionResponse> getCloseSessionMethod;
    if ((getCloseSessionMethod = SessionServiceGrpc.getCloseSessionMethod) == null) {
      synchronized (SessionServiceGrpc.class) {
        if ((getCloseSessionMethod = SessionServiceGrpc.getCloseSessionMethod) == null) {
          SessionServiceGrpc.getCloseSessionMethod = getCloseSessionMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.CloseSessionRequest, io.github.greenroomdev.v1.CloseSessionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CloseSession"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.CloseSessionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.CloseSessionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SessionServiceMethodDescriptorSupplier("CloseSession"))
              .build();
        }
      }
    }
    return getCloseSessionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.DeleteSessionRequest,
      io.github.greenroomdev.v1.DeleteSessionResponse> getDeleteSessionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteSession",
      requestType = io.github.greenroomdev.v1.DeleteSessionRequest.class,
      responseType = io.github.greenroomdev.v1.DeleteSessionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.DeleteSessionRequest,
      io.github.greenroomdev.v1.DeleteSessionResponse> getDeleteSessionMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.DeleteSessionRequest, io.github.greenroomdev.v1.DeleteSessionResponse> getDeleteSessionMethod;
    if ((getDeleteSessionMethod = SessionServiceGrpc.getDeleteSessionMethod) == null) {
      synchronized (SessionServiceGrpc.class) {
        if ((getDeleteSessionMethod = SessionServiceGrpc.getDeleteSessionMethod) == null) {
          SessionServiceGrpc.getDeleteSessionMethod = getDeleteSessionMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.DeleteSessionRequest, io.github.greenroomdev.v1.DeleteSessionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteSession"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.DeleteSessionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.DeleteSessionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SessionServiceMethodDescriptorSupplier("DeleteSession"))
              .build();
        }
      }
    }
    return getDeleteSessionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.WaitSessionRequest,
      io.github.greenroomdev.v1.WaitSessionResponse> getWaitSessionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WaitSession",
      requestType = io.github.greenroomdev.v1.WaitSessionRequest.class,
      responseType = io.github.greenroomdev.v1.WaitSessionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.WaitSessionRequest,
      io.github.greenroomdev.v1.WaitSessionResponse> getWaitSessionMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.WaitSessionRequest, io.github.greenroomdev.v1.WaitSessionResponse> getWaitSessionMethod;
    if ((getWaitSessionMethod = SessionServiceGrpc.getWaitSessionMethod) == null) {
      synchronized (SessionServiceGrpc.class) {
        if ((getWaitSessionMethod = SessionServiceGrpc.getWaitSessionMethod) == null) {
          SessionServiceGrpc.getWaitSessionMethod = getWaitSessionMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.WaitSessionRequest, io.github.greenroomdev.v1.WaitSessionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WaitSession"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.WaitSessionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.WaitSessionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SessionServiceMethodDescriptorSupplier("WaitSession"))
              .build();
        }
      }
    }
    return getWaitSessionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.ForkSessionRequest,
      io.github.greenroomdev.v1.ForkSessionResponse> getForkSessionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ForkSession",
      requestType = io.github.greenroomdev.v1.ForkSessionRequest.class,
      responseType = io.github.greenroomdev.v1.ForkSessionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.ForkSessionRequest,
      io.github.greenroomdev.v1.ForkSessionResponse> getForkSessionMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.ForkSessionRequest, io.github.greenroomdev.v1.ForkSessionResponse> getForkSessionMethod;
    if ((getForkSessionMethod = SessionServiceGrpc.getForkSessionMethod) == null) {
      synchronized (SessionServiceGrpc.class) {
        if ((getForkSessionMethod = SessionServiceGrpc.getForkSessionMethod) == null) {
          SessionServiceGrpc.getForkSessionMethod = getForkSessionMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.ForkSessionRequest, io.github.greenroomdev.v1.ForkSessionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ForkSession"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.ForkSessionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.ForkSessionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SessionServiceMethodDescriptorSupplier("ForkSession"))
              .build();
        }
      }
    }
    return getForkSessionMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static SessionServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<SessionServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<SessionServiceStub>() {
        @java.lang.Override
        public SessionServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new SessionServiceStub(channel, callOptions);
        }
      };
    return SessionServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static SessionServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<SessionServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<SessionServiceBlockingV2Stub>() {
        @java.lang.Override
        public SessionServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new SessionServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return SessionServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static SessionServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<SessionServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<SessionServiceBlockingStub>() {
        @java.lang.Override
        public SessionServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new SessionServiceBlockingStub(channel, callOptions);
        }
      };
    return SessionServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static SessionServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<SessionServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<SessionServiceFutureStub>() {
        @java.lang.Override
        public SessionServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new SessionServiceFutureStub(channel, callOptions);
        }
      };
    return SessionServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * SessionService makes sessions and rules their life.
   * Every call may answer UNAUTHENTICATED, PERMISSION_DENIED, UNAVAILABLE (with RetryInfo) and INVALID_ARGUMENT (with every
   * violation); a call that names a session answers NOT_FOUND when there is none. What a change answers is durable.
   * A `request_id` (UUID) makes a change safe to repeat: for 24 hours the same id with the same request answers what the
   * first call answered, and with another request INVALID_ARGUMENT (REQUEST_ID_REUSED). An `etag` refuses a change based on
   * an older state with ABORTED (ETAG_MISMATCH); without one the change is made in any case.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * CreateSession stores a session in state CREATED and answers; its start goes on in the background, so a failure there
     * is state ERROR and no error of this call. NOT_FOUND: no such profile. ALREADY_EXISTS: the session_id is taken.
     * PERMISSION_DENIED: working_dir lies outside the allowed roots. RESOURCE_EXHAUSTED: quota.
     * </pre>
     */
    default void createSession(io.github.greenroomdev.v1.CreateSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.CreateSessionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateSessionMethod(), responseObserver);
    }

    /**
     * <pre>
     * GetSession answers a session in view FULL.
     * </pre>
     */
    default void getSession(io.github.greenroomdev.v1.GetSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.GetSessionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetSessionMethod(), responseObserver);
    }

    /**
     * <pre>
     * ListSessions answers a page of sessions and the revision to start a watch from.
     * </pre>
     */
    default void listSessions(io.github.greenroomdev.v1.ListSessionsRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.ListSessionsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListSessionsMethod(), responseObserver);
    }

    /**
     * <pre>
     * UpdateSession changes what the mask names. Labels, metadata and display_name change at once; a changed config becomes
     * a new generation, applied when `apply` says. FAILED_PRECONDITION: apply is NOW and a turn runs. ABORTED: etag.
     * </pre>
     */
    default void updateSession(io.github.greenroomdev.v1.UpdateSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.UpdateSessionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateSessionMethod(), responseObserver);
    }

    /**
     * <pre>
     * StartSession starts a session that is CREATED or in ERROR. FAILED_PRECONDITION: any other state.
     * </pre>
     */
    default void startSession(io.github.greenroomdev.v1.StartSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.StartSessionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getStartSessionMethod(), responseObserver);
    }

    /**
     * <pre>
     * SuspendSession ends the process and keeps the conversation. FAILED_PRECONDITION: a turn runs and force is not set,
     * or the session has no process to end. Suspending a suspended session is OK.
     * </pre>
     */
    default void suspendSession(io.github.greenroomdev.v1.SuspendSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.SuspendSessionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getSuspendSessionMethod(), responseObserver);
    }

    /**
     * <pre>
     * ResumeSession starts a process for a SUSPENDED session, which verifies that it continues the same conversation.
     * FAILED_PRECONDITION: any other state.
     * </pre>
     */
    default void resumeSession(io.github.greenroomdev.v1.ResumeSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.ResumeSessionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getResumeSessionMethod(), responseObserver);
    }

    /**
     * <pre>
     * RestartSession ends the process and starts another one with the newest config generation and the same conversation.
     * FAILED_PRECONDITION: a turn runs and force is not set, or the session has no process.
     * </pre>
     */
    default void restartSession(io.github.greenroomdev.v1.RestartSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.RestartSessionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRestartSessionMethod(), responseObserver);
    }

    /**
     * <pre>
     * CloseSession ends the session for good and answers in state CLOSING or CLOSED; a turn that runs is interrupted once the
     * grace_period is over. Closing a closed session is OK.
     * </pre>
     */
    default void closeSession(io.github.greenroomdev.v1.CloseSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.CloseSessionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCloseSessionMethod(), responseObserver);
    }

    /**
     * <pre>
     * DeleteSession removes a CLOSED session with its history, secrets and transcript. FAILED_PRECONDITION: it is not
     * closed and force is not set. Afterwards only the event `session.deleted` is left; its id is never given again.
     * </pre>
     */
    default void deleteSession(io.github.greenroomdev.v1.DeleteSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.DeleteSessionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteSessionMethod(), responseObserver);
    }

    /**
     * <pre>
     * WaitSession answers as soon as one of its conditions holds, at the latest at the timeout or shortly before the
     * deadline of the call.
     * </pre>
     */
    default void waitSession(io.github.greenroomdev.v1.WaitSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.WaitSessionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWaitSessionMethod(), responseObserver);
    }

    /**
     * <pre>
     * ForkSession makes a new session that continues a copy of another one's conversation. The copy is made at once: what
     * becomes of the other session does not matter to it. If nothing was said there yet, the new one begins without a
     * conversation. If the other one's profile was deleted, the new one has its config, and no profile. FAILED_PRECONDITION: a turn runs or waits in the other one, or its conversation is gone
     * (CONVERSATION_LOST). ALREADY_EXISTS: new_session_id is taken. Otherwise as CreateSession.
     * </pre>
     */
    default void forkSession(io.github.greenroomdev.v1.ForkSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.ForkSessionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getForkSessionMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service SessionService.
   * <pre>
   * SessionService makes sessions and rules their life.
   * Every call may answer UNAUTHENTICATED, PERMISSION_DENIED, UNAVAILABLE (with RetryInfo) and INVALID_ARGUMENT (with every
   * violation); a call that names a session answers NOT_FOUND when there is none. What a change answers is durable.
   * A `request_id` (UUID) makes a change safe to repeat: for 24 hours the same id with the same request answers what the
   * first call answered, and with another request INVALID_ARGUMENT (REQUEST_ID_REUSED). An `etag` refuses a change based on
   * an older state with ABORTED (ETAG_MISMATCH); without one the change is made in any case.
   * </pre>
   */
  public static abstract class SessionServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return SessionServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service SessionService.
   * <pre>
   * SessionService makes sessions and rules their life.
   * Every call may answer UNAUTHENTICATED, PERMISSION_DENIED, UNAVAILABLE (with RetryInfo) and INVALID_ARGUMENT (with every
   * violation); a call that names a session answers NOT_FOUND when there is none. What a change answers is durable.
   * A `request_id` (UUID) makes a change safe to repeat: for 24 hours the same id with the same request answers what the
   * first call answered, and with another request INVALID_ARGUMENT (REQUEST_ID_REUSED). An `etag` refuses a change based on
   * an older state with ABORTED (ETAG_MISMATCH); without one the change is made in any case.
   * </pre>
   */
  public static final class SessionServiceStub
      extends io.grpc.stub.AbstractAsyncStub<SessionServiceStub> {
    private SessionServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected SessionServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new SessionServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * CreateSession stores a session in state CREATED and answers; its start goes on in the background, so a failure there
     * is state ERROR and no error of this call. NOT_FOUND: no such profile. ALREADY_EXISTS: the session_id is taken.
     * PERMISSION_DENIED: working_dir lies outside the allowed roots. RESOURCE_EXHAUSTED: quota.
     * </pre>
     */
    public void createSession(io.github.greenroomdev.v1.CreateSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.CreateSessionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateSessionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * GetSession answers a session in view FULL.
     * </pre>
     */
    public void getSession(io.github.greenroomdev.v1.GetSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.GetSessionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetSessionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ListSessions answers a page of sessions and the revision to start a watch from.
     * </pre>
     */
    public void listSessions(io.github.greenroomdev.v1.ListSessionsRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.ListSessionsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListSessionsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * UpdateSession changes what the mask names. Labels, metadata and display_name change at once; a changed config becomes
     * a new generation, applied when `apply` says. FAILED_PRECONDITION: apply is NOW and a turn runs. ABORTED: etag.
     * </pre>
     */
    public void updateSession(io.github.greenroomdev.v1.UpdateSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.UpdateSessionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateSessionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * StartSession starts a session that is CREATED or in ERROR. FAILED_PRECONDITION: any other state.
     * </pre>
     */
    public void startSession(io.github.greenroomdev.v1.StartSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.StartSessionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getStartSessionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * SuspendSession ends the process and keeps the conversation. FAILED_PRECONDITION: a turn runs and force is not set,
     * or the session has no process to end. Suspending a suspended session is OK.
     * </pre>
     */
    public void suspendSession(io.github.greenroomdev.v1.SuspendSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.SuspendSessionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getSuspendSessionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ResumeSession starts a process for a SUSPENDED session, which verifies that it continues the same conversation.
     * FAILED_PRECONDITION: any other state.
     * </pre>
     */
    public void resumeSession(io.github.greenroomdev.v1.ResumeSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.ResumeSessionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getResumeSessionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * RestartSession ends the process and starts another one with the newest config generation and the same conversation.
     * FAILED_PRECONDITION: a turn runs and force is not set, or the session has no process.
     * </pre>
     */
    public void restartSession(io.github.greenroomdev.v1.RestartSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.RestartSessionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRestartSessionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * CloseSession ends the session for good and answers in state CLOSING or CLOSED; a turn that runs is interrupted once the
     * grace_period is over. Closing a closed session is OK.
     * </pre>
     */
    public void closeSession(io.github.greenroomdev.v1.CloseSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.CloseSessionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCloseSessionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * DeleteSession removes a CLOSED session with its history, secrets and transcript. FAILED_PRECONDITION: it is not
     * closed and force is not set. Afterwards only the event `session.deleted` is left; its id is never given again.
     * </pre>
     */
    public void deleteSession(io.github.greenroomdev.v1.DeleteSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.DeleteSessionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteSessionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * WaitSession answers as soon as one of its conditions holds, at the latest at the timeout or shortly before the
     * deadline of the call.
     * </pre>
     */
    public void waitSession(io.github.greenroomdev.v1.WaitSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.WaitSessionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getWaitSessionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ForkSession makes a new session that continues a copy of another one's conversation. The copy is made at once: what
     * becomes of the other session does not matter to it. If nothing was said there yet, the new one begins without a
     * conversation. If the other one's profile was deleted, the new one has its config, and no profile. FAILED_PRECONDITION: a turn runs or waits in the other one, or its conversation is gone
     * (CONVERSATION_LOST). ALREADY_EXISTS: new_session_id is taken. Otherwise as CreateSession.
     * </pre>
     */
    public void forkSession(io.github.greenroomdev.v1.ForkSessionRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.ForkSessionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getForkSessionMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service SessionService.
   * <pre>
   * SessionService makes sessions and rules their life.
   * Every call may answer UNAUTHENTICATED, PERMISSION_DENIED, UNAVAILABLE (with RetryInfo) and INVALID_ARGUMENT (with every
   * violation); a call that names a session answers NOT_FOUND when there is none. What a change answers is durable.
   * A `request_id` (UUID) makes a change safe to repeat: for 24 hours the same id with the same request answers what the
   * first call answered, and with another request INVALID_ARGUMENT (REQUEST_ID_REUSED). An `etag` refuses a change based on
   * an older state with ABORTED (ETAG_MISMATCH); without one the change is made in any case.
   * </pre>
   */
  public static final class SessionServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<SessionServiceBlockingV2Stub> {
    private SessionServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected SessionServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new SessionServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * CreateSession stores a session in state CREATED and answers; its start goes on in the background, so a failure there
     * is state ERROR and no error of this call. NOT_FOUND: no such profile. ALREADY_EXISTS: the session_id is taken.
     * PERMISSION_DENIED: working_dir lies outside the allowed roots. RESOURCE_EXHAUSTED: quota.
     * </pre>
     */
    public io.github.greenroomdev.v1.CreateSessionResponse createSession(io.github.greenroomdev.v1.CreateSessionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateSessionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetSession answers a session in view FULL.
     * </pre>
     */
    public io.github.greenroomdev.v1.GetSessionResponse getSession(io.github.greenroomdev.v1.GetSessionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetSessionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListSessions answers a page of sessions and the revision to start a watch from.
     * </pre>
     */
    public io.github.greenroomdev.v1.ListSessionsResponse listSessions(io.github.greenroomdev.v1.ListSessionsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListSessionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * UpdateSession changes what the mask names. Labels, metadata and display_name change at once; a changed config becomes
     * a new generation, applied when `apply` says. FAILED_PRECONDITION: apply is NOW and a turn runs. ABORTED: etag.
     * </pre>
     */
    public io.github.greenroomdev.v1.UpdateSessionResponse updateSession(io.github.greenroomdev.v1.UpdateSessionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateSessionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * StartSession starts a session that is CREATED or in ERROR. FAILED_PRECONDITION: any other state.
     * </pre>
     */
    public io.github.greenroomdev.v1.StartSessionResponse startSession(io.github.greenroomdev.v1.StartSessionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getStartSessionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * SuspendSession ends the process and keeps the conversation. FAILED_PRECONDITION: a turn runs and force is not set,
     * or the session has no process to end. Suspending a suspended session is OK.
     * </pre>
     */
    public io.github.greenroomdev.v1.SuspendSessionResponse suspendSession(io.github.greenroomdev.v1.SuspendSessionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getSuspendSessionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ResumeSession starts a process for a SUSPENDED session, which verifies that it continues the same conversation.
     * FAILED_PRECONDITION: any other state.
     * </pre>
     */
    public io.github.greenroomdev.v1.ResumeSessionResponse resumeSession(io.github.greenroomdev.v1.ResumeSessionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getResumeSessionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * RestartSession ends the process and starts another one with the newest config generation and the same conversation.
     * FAILED_PRECONDITION: a turn runs and force is not set, or the session has no process.
     * </pre>
     */
    public io.github.greenroomdev.v1.RestartSessionResponse restartSession(io.github.greenroomdev.v1.RestartSessionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRestartSessionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * CloseSession ends the session for good and answers in state CLOSING or CLOSED; a turn that runs is interrupted once the
     * grace_period is over. Closing a closed session is OK.
     * </pre>
     */
    public io.github.greenroomdev.v1.CloseSessionResponse closeSession(io.github.greenroomdev.v1.CloseSessionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCloseSessionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * DeleteSession removes a CLOSED session with its history, secrets and transcript. FAILED_PRECONDITION: it is not
     * closed and force is not set. Afterwards only the event `session.deleted` is left; its id is never given again.
     * </pre>
     */
    public io.github.greenroomdev.v1.DeleteSessionResponse deleteSession(io.github.greenroomdev.v1.DeleteSessionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteSessionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * WaitSession answers as soon as one of its conditions holds, at the latest at the timeout or shortly before the
     * deadline of the call.
     * </pre>
     */
    public io.github.greenroomdev.v1.WaitSessionResponse waitSession(io.github.greenroomdev.v1.WaitSessionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getWaitSessionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ForkSession makes a new session that continues a copy of another one's conversation. The copy is made at once: what
     * becomes of the other session does not matter to it. If nothing was said there yet, the new one begins without a
     * conversation. If the other one's profile was deleted, the new one has its config, and no profile. FAILED_PRECONDITION: a turn runs or waits in the other one, or its conversation is gone
     * (CONVERSATION_LOST). ALREADY_EXISTS: new_session_id is taken. Otherwise as CreateSession.
     * </pre>
     */
    public io.github.greenroomdev.v1.ForkSessionResponse forkSession(io.github.greenroomdev.v1.ForkSessionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getForkSessionMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service SessionService.
   * <pre>
   * SessionService makes sessions and rules their life.
   * Every call may answer UNAUTHENTICATED, PERMISSION_DENIED, UNAVAILABLE (with RetryInfo) and INVALID_ARGUMENT (with every
   * violation); a call that names a session answers NOT_FOUND when there is none. What a change answers is durable.
   * A `request_id` (UUID) makes a change safe to repeat: for 24 hours the same id with the same request answers what the
   * first call answered, and with another request INVALID_ARGUMENT (REQUEST_ID_REUSED). An `etag` refuses a change based on
   * an older state with ABORTED (ETAG_MISMATCH); without one the change is made in any case.
   * </pre>
   */
  public static final class SessionServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<SessionServiceBlockingStub> {
    private SessionServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected SessionServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new SessionServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * CreateSession stores a session in state CREATED and answers; its start goes on in the background, so a failure there
     * is state ERROR and no error of this call. NOT_FOUND: no such profile. ALREADY_EXISTS: the session_id is taken.
     * PERMISSION_DENIED: working_dir lies outside the allowed roots. RESOURCE_EXHAUSTED: quota.
     * </pre>
     */
    public io.github.greenroomdev.v1.CreateSessionResponse createSession(io.github.greenroomdev.v1.CreateSessionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateSessionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetSession answers a session in view FULL.
     * </pre>
     */
    public io.github.greenroomdev.v1.GetSessionResponse getSession(io.github.greenroomdev.v1.GetSessionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetSessionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListSessions answers a page of sessions and the revision to start a watch from.
     * </pre>
     */
    public io.github.greenroomdev.v1.ListSessionsResponse listSessions(io.github.greenroomdev.v1.ListSessionsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListSessionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * UpdateSession changes what the mask names. Labels, metadata and display_name change at once; a changed config becomes
     * a new generation, applied when `apply` says. FAILED_PRECONDITION: apply is NOW and a turn runs. ABORTED: etag.
     * </pre>
     */
    public io.github.greenroomdev.v1.UpdateSessionResponse updateSession(io.github.greenroomdev.v1.UpdateSessionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateSessionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * StartSession starts a session that is CREATED or in ERROR. FAILED_PRECONDITION: any other state.
     * </pre>
     */
    public io.github.greenroomdev.v1.StartSessionResponse startSession(io.github.greenroomdev.v1.StartSessionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getStartSessionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * SuspendSession ends the process and keeps the conversation. FAILED_PRECONDITION: a turn runs and force is not set,
     * or the session has no process to end. Suspending a suspended session is OK.
     * </pre>
     */
    public io.github.greenroomdev.v1.SuspendSessionResponse suspendSession(io.github.greenroomdev.v1.SuspendSessionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getSuspendSessionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ResumeSession starts a process for a SUSPENDED session, which verifies that it continues the same conversation.
     * FAILED_PRECONDITION: any other state.
     * </pre>
     */
    public io.github.greenroomdev.v1.ResumeSessionResponse resumeSession(io.github.greenroomdev.v1.ResumeSessionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getResumeSessionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * RestartSession ends the process and starts another one with the newest config generation and the same conversation.
     * FAILED_PRECONDITION: a turn runs and force is not set, or the session has no process.
     * </pre>
     */
    public io.github.greenroomdev.v1.RestartSessionResponse restartSession(io.github.greenroomdev.v1.RestartSessionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRestartSessionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * CloseSession ends the session for good and answers in state CLOSING or CLOSED; a turn that runs is interrupted once the
     * grace_period is over. Closing a closed session is OK.
     * </pre>
     */
    public io.github.greenroomdev.v1.CloseSessionResponse closeSession(io.github.greenroomdev.v1.CloseSessionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCloseSessionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * DeleteSession removes a CLOSED session with its history, secrets and transcript. FAILED_PRECONDITION: it is not
     * closed and force is not set. Afterwards only the event `session.deleted` is left; its id is never given again.
     * </pre>
     */
    public io.github.greenroomdev.v1.DeleteSessionResponse deleteSession(io.github.greenroomdev.v1.DeleteSessionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteSessionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * WaitSession answers as soon as one of its conditions holds, at the latest at the timeout or shortly before the
     * deadline of the call.
     * </pre>
     */
    public io.github.greenroomdev.v1.WaitSessionResponse waitSession(io.github.greenroomdev.v1.WaitSessionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getWaitSessionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ForkSession makes a new session that continues a copy of another one's conversation. The copy is made at once: what
     * becomes of the other session does not matter to it. If nothing was said there yet, the new one begins without a
     * conversation. If the other one's profile was deleted, the new one has its config, and no profile. FAILED_PRECONDITION: a turn runs or waits in the other one, or its conversation is gone
     * (CONVERSATION_LOST). ALREADY_EXISTS: new_session_id is taken. Otherwise as CreateSession.
     * </pre>
     */
    public io.github.greenroomdev.v1.ForkSessionResponse forkSession(io.github.greenroomdev.v1.ForkSessionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getForkSessionMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service SessionService.
   * <pre>
   * SessionService makes sessions and rules their life.
   * Every call may answer UNAUTHENTICATED, PERMISSION_DENIED, UNAVAILABLE (with RetryInfo) and INVALID_ARGUMENT (with every
   * violation); a call that names a session answers NOT_FOUND when there is none. What a change answers is durable.
   * A `request_id` (UUID) makes a change safe to repeat: for 24 hours the same id with the same request answers what the
   * first call answered, and with another request INVALID_ARGUMENT (REQUEST_ID_REUSED). An `etag` refuses a change based on
   * an older state with ABORTED (ETAG_MISMATCH); without one the change is made in any case.
   * </pre>
   */
  public static final class SessionServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<SessionServiceFutureStub> {
    private SessionServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected SessionServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new SessionServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * CreateSession stores a session in state CREATED and answers; its start goes on in the background, so a failure there
     * is state ERROR and no error of this call. NOT_FOUND: no such profile. ALREADY_EXISTS: the session_id is taken.
     * PERMISSION_DENIED: working_dir lies outside the allowed roots. RESOURCE_EXHAUSTED: quota.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.CreateSessionResponse> createSession(
        io.github.greenroomdev.v1.CreateSessionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateSessionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * GetSession answers a session in view FULL.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.GetSessionResponse> getSession(
        io.github.greenroomdev.v1.GetSessionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetSessionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * ListSessions answers a page of sessions and the revision to start a watch from.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.ListSessionsResponse> listSessions(
        io.github.greenroomdev.v1.ListSessionsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListSessionsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * UpdateSession changes what the mask names. Labels, metadata and display_name change at once; a changed config becomes
     * a new generation, applied when `apply` says. FAILED_PRECONDITION: apply is NOW and a turn runs. ABORTED: etag.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.UpdateSessionResponse> updateSession(
        io.github.greenroomdev.v1.UpdateSessionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateSessionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * StartSession starts a session that is CREATED or in ERROR. FAILED_PRECONDITION: any other state.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.StartSessionResponse> startSession(
        io.github.greenroomdev.v1.StartSessionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getStartSessionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * SuspendSession ends the process and keeps the conversation. FAILED_PRECONDITION: a turn runs and force is not set,
     * or the session has no process to end. Suspending a suspended session is OK.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.SuspendSessionResponse> suspendSession(
        io.github.greenroomdev.v1.SuspendSessionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getSuspendSessionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * ResumeSession starts a process for a SUSPENDED session, which verifies that it continues the same conversation.
     * FAILED_PRECONDITION: any other state.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.ResumeSessionResponse> resumeSession(
        io.github.greenroomdev.v1.ResumeSessionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getResumeSessionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * RestartSession ends the process and starts another one with the newest config generation and the same conversation.
     * FAILED_PRECONDITION: a turn runs and force is not set, or the session has no process.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.RestartSessionResponse> restartSession(
        io.github.greenroomdev.v1.RestartSessionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRestartSessionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * CloseSession ends the session for good and answers in state CLOSING or CLOSED; a turn that runs is interrupted once the
     * grace_period is over. Closing a closed session is OK.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.CloseSessionResponse> closeSession(
        io.github.greenroomdev.v1.CloseSessionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCloseSessionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * DeleteSession removes a CLOSED session with its history, secrets and transcript. FAILED_PRECONDITION: it is not
     * closed and force is not set. Afterwards only the event `session.deleted` is left; its id is never given again.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.DeleteSessionResponse> deleteSession(
        io.github.greenroomdev.v1.DeleteSessionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteSessionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * WaitSession answers as soon as one of its conditions holds, at the latest at the timeout or shortly before the
     * deadline of the call.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.WaitSessionResponse> waitSession(
        io.github.greenroomdev.v1.WaitSessionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getWaitSessionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * ForkSession makes a new session that continues a copy of another one's conversation. The copy is made at once: what
     * becomes of the other session does not matter to it. If nothing was said there yet, the new one begins without a
     * conversation. If the other one's profile was deleted, the new one has its config, and no profile. FAILED_PRECONDITION: a turn runs or waits in the other one, or its conversation is gone
     * (CONVERSATION_LOST). ALREADY_EXISTS: new_session_id is taken. Otherwise as CreateSession.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.ForkSessionResponse> forkSession(
        io.github.greenroomdev.v1.ForkSessionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getForkSessionMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_CREATE_SESSION = 0;
  private static final int METHODID_GET_SESSION = 1;
  private static final int METHODID_LIST_SESSIONS = 2;
  private static final int METHODID_UPDATE_SESSION = 3;
  private static final int METHODID_START_SESSION = 4;
  private static final int METHODID_SUSPEND_SESSION = 5;
  private static final int METHODID_RESUME_SESSION = 6;
  private static final int METHODID_RESTART_SESSION = 7;
  private static final int METHODID_CLOSE_SESSION = 8;
  private static final int METHODID_DELETE_SESSION = 9;
  private static final int METHODID_WAIT_SESSION = 10;
  private static final int METHODID_FORK_SESSION = 11;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_CREATE_SESSION:
          serviceImpl.createSession((io.github.greenroomdev.v1.CreateSessionRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.CreateSessionResponse>) responseObserver);
          break;
        case METHODID_GET_SESSION:
          serviceImpl.getSession((io.github.greenroomdev.v1.GetSessionRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.GetSessionResponse>) responseObserver);
          break;
        case METHODID_LIST_SESSIONS:
          serviceImpl.listSessions((io.github.greenroomdev.v1.ListSessionsRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.ListSessionsResponse>) responseObserver);
          break;
        case METHODID_UPDATE_SESSION:
          serviceImpl.updateSession((io.github.greenroomdev.v1.UpdateSessionRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.UpdateSessionResponse>) responseObserver);
          break;
        case METHODID_START_SESSION:
          serviceImpl.startSession((io.github.greenroomdev.v1.StartSessionRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.StartSessionResponse>) responseObserver);
          break;
        case METHODID_SUSPEND_SESSION:
          serviceImpl.suspendSession((io.github.greenroomdev.v1.SuspendSessionRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.SuspendSessionResponse>) responseObserver);
          break;
        case METHODID_RESUME_SESSION:
          serviceImpl.resumeSession((io.github.greenroomdev.v1.ResumeSessionRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.ResumeSessionResponse>) responseObserver);
          break;
        case METHODID_RESTART_SESSION:
          serviceImpl.restartSession((io.github.greenroomdev.v1.RestartSessionRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.RestartSessionResponse>) responseObserver);
          break;
        case METHODID_CLOSE_SESSION:
          serviceImpl.closeSession((io.github.greenroomdev.v1.CloseSessionRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.CloseSessionResponse>) responseObserver);
          break;
        case METHODID_DELETE_SESSION:
          serviceImpl.deleteSession((io.github.greenroomdev.v1.DeleteSessionRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.DeleteSessionResponse>) responseObserver);
          break;
        case METHODID_WAIT_SESSION:
          serviceImpl.waitSession((io.github.greenroomdev.v1.WaitSessionRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.WaitSessionResponse>) responseObserver);
          break;
        case METHODID_FORK_SESSION:
          serviceImpl.forkSession((io.github.greenroomdev.v1.ForkSessionRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.ForkSessionResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getCreateSessionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.CreateSessionRequest,
              io.github.greenroomdev.v1.CreateSessionResponse>(
                service, METHODID_CREATE_SESSION)))
        .addMethod(
          getGetSessionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.GetSessionRequest,
              io.github.greenroomdev.v1.GetSessionResponse>(
                service, METHODID_GET_SESSION)))
        .addMethod(
          getListSessionsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.ListSessionsRequest,
              io.github.greenroomdev.v1.ListSessionsResponse>(
                service, METHODID_LIST_SESSIONS)))
        .addMethod(
          getUpdateSessionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.UpdateSessionRequest,
              io.github.greenroomdev.v1.UpdateSessionResponse>(
                service, METHODID_UPDATE_SESSION)))
        .addMethod(
          getStartSessionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.StartSessionRequest,
              io.github.greenroomdev.v1.StartSessionResponse>(
                service, METHODID_START_SESSION)))
        .addMethod(
          getSuspendSessionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.SuspendSessionRequest,
              io.github.greenroomdev.v1.SuspendSessionResponse>(
                service, METHODID_SUSPEND_SESSION)))
        .addMethod(
          getResumeSessionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.ResumeSessionRequest,
              io.github.greenroomdev.v1.ResumeSessionResponse>(
                service, METHODID_RESUME_SESSION)))
        .addMethod(
          getRestartSessionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.RestartSessionRequest,
              io.github.greenroomdev.v1.RestartSessionResponse>(
                service, METHODID_RESTART_SESSION)))
        .addMethod(
          getCloseSessionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.CloseSessionRequest,
              io.github.greenroomdev.v1.CloseSessionResponse>(
                service, METHODID_CLOSE_SESSION)))
        .addMethod(
          getDeleteSessionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.DeleteSessionRequest,
              io.github.greenroomdev.v1.DeleteSessionResponse>(
                service, METHODID_DELETE_SESSION)))
        .addMethod(
          getWaitSessionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.WaitSessionRequest,
              io.github.greenroomdev.v1.WaitSessionResponse>(
                service, METHODID_WAIT_SESSION)))
        .addMethod(
          getForkSessionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.ForkSessionRequest,
              io.github.greenroomdev.v1.ForkSessionResponse>(
                service, METHODID_FORK_SESSION)))
        .build();
  }

  private static abstract class SessionServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    SessionServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.github.greenroomdev.v1.SessionServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("SessionService");
    }
  }

  private static final class SessionServiceFileDescriptorSupplier
      extends SessionServiceBaseDescriptorSupplier {
    SessionServiceFileDescriptorSupplier() {}
  }

  private static final class SessionServiceMethodDescriptorSupplier
      extends SessionServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    SessionServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (SessionServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new SessionServiceFileDescriptorSupplier())
              .addMethod(getCreateSessionMethod())
              .addMethod(getGetSessionMethod())
              .addMethod(getListSessionsMethod())
              .addMethod(getUpdateSessionMethod())
              .addMethod(getStartSessionMethod())
              .addMethod(getSuspendSessionMethod())
              .addMethod(getResumeSessionMethod())
              .addMethod(getRestartSessionMethod())
              .addMethod(getCloseSessionMethod())
              .addMethod(getDeleteSessionMethod())
              .addMethod(getWaitSessionMethod())
              .addMethod(getForkSessionMethod())
              .build();
        }
      }
    }
    return result;
  }
}
