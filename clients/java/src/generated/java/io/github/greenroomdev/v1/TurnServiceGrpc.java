package io.github.greenroomdev.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * TurnService gives prompts to sessions. Errors, `request_id` and durability are as in SessionService.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class TurnServiceGrpc {

  private TurnServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "greenroom.v1.TurnService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.StartTurnRequest,
      io.github.greenroomdev.v1.StartTurnResponse> getStartTurnMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "StartTurn",
      requestType = io.github.greenroomdev.v1.StartTurnRequest.class,
      responseType = io.github.greenroomdev.v1.StartTurnResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.StartTurnRequest,
      io.github.greenroomdev.v1.StartTurnResponse> getStartTurnMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.StartTurnRequest, io.github.greenroomdev.v1.StartTurnResponse> getStartTurnMethod;
    if ((getStartTurnMethod = TurnServiceGrpc.getStartTurnMethod) == null) {
      synchronized (TurnServiceGrpc.class) {
        if ((getStartTurnMethod = TurnServiceGrpc.getStartTurnMethod) == null) {
          TurnServiceGrpc.getStartTurnMethod = getStartTurnMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.StartTurnRequest, io.github.greenroomdev.v1.StartTurnResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "StartTurn"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.StartTurnRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.StartTurnResponse.getDefaultInstance()))
              .setSchemaDescriptor(new TurnServiceMethodDescriptorSupplier("StartTurn"))
              .build();
        }
      }
    }
    return getStartTurnMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.RunTurnRequest,
      io.github.greenroomdev.v1.RunTurnResponse> getRunTurnMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RunTurn",
      requestType = io.github.greenroomdev.v1.RunTurnRequest.class,
      responseType = io.github.greenroomdev.v1.RunTurnResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.RunTurnRequest,
      io.github.greenroomdev.v1.RunTurnResponse> getRunTurnMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.RunTurnRequest, io.github.greenroomdev.v1.RunTurnResponse> getRunTurnMethod;
    if ((getRunTurnMethod = TurnServiceGrpc.getRunTurnMethod) == null) {
      synchronized (TurnServiceGrpc.class) {
        if ((getRunTurnMethod = TurnServiceGrpc.getRunTurnMethod) == null) {
          TurnServiceGrpc.getRunTurnMethod = getRunTurnMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.RunTurnRequest, io.github.greenroomdev.v1.RunTurnResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RunTurn"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.RunTurnRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.RunTurnResponse.getDefaultInstance()))
              .setSchemaDescriptor(new TurnServiceMethodDescriptorSupplier("RunTurn"))
              .build();
        }
      }
    }
    return getRunTurnMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.InterruptTurnRequest,
      io.github.greenroomdev.v1.InterruptTurnResponse> getInterruptTurnMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "InterruptTurn",
      requestType = io.github.greenroomdev.v1.InterruptTurnRequest.class,
      responseType = io.github.greenroomdev.v1.InterruptTurnResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.InterruptTurnRequest,
      io.github.greenroomdev.v1.InterruptTurnResponse> getInterruptTurnMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.InterruptTurnRequest, io.github.greenroomdev.v1.InterruptTurnResponse> getInterruptTurnMethod;
    if ((getInterruptTurnMethod = TurnServiceGrpc.getInterruptTurnMethod) == null) {
      synchronized (TurnServiceGrpc.class) {
        if ((getInterruptTurnMethod = TurnServiceGrpc.getInterruptTurnMethod) == null) {
          TurnServiceGrpc.getInterruptTurnMethod = getInterruptTurnMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.InterruptTurnRequest, io.github.greenroomdev.v1.InterruptTurnResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "InterruptTurn"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.InterruptTurnRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.InterruptTurnResponse.getDefaultInstance()))
              .setSchemaDescriptor(new TurnServiceMethodDescriptorSupplier("InterruptTurn"))
              .build();
        }
      }
    }
    return getInterruptTurnMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.GetTurnRequest,
      io.github.greenroomdev.v1.GetTurnResponse> getGetTurnMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetTurn",
      requestType = io.github.greenroomdev.v1.GetTurnRequest.class,
      responseType = io.github.greenroomdev.v1.GetTurnResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.GetTurnRequest,
      io.github.greenroomdev.v1.GetTurnResponse> getGetTurnMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.GetTurnRequest, io.github.greenroomdev.v1.GetTurnResponse> getGetTurnMethod;
    if ((getGetTurnMethod = TurnServiceGrpc.getGetTurnMethod) == null) {
      synchronized (TurnServiceGrpc.class) {
        if ((getGetTurnMethod = TurnServiceGrpc.getGetTurnMethod) == null) {
          TurnServiceGrpc.getGetTurnMethod = getGetTurnMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.GetTurnRequest, io.github.greenroomdev.v1.GetTurnResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetTurn"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.GetTurnRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.GetTurnResponse.getDefaultInstance()))
              .setSchemaDescriptor(new TurnServiceMethodDescriptorSupplier("GetTurn"))
              .build();
        }
      }
    }
    return getGetTurnMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.ListTurnsRequest,
      io.github.greenroomdev.v1.ListTurnsResponse> getListTurnsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListTurns",
      requestType = io.github.greenroomdev.v1.ListTurnsRequest.class,
      responseType = io.github.greenroomdev.v1.ListTurnsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.ListTurnsRequest,
      io.github.greenroomdev.v1.ListTurnsResponse> getListTurnsMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.ListTurnsRequest, io.github.greenroomdev.v1.ListTurnsResponse> getListTurnsMethod;
    if ((getListTurnsMethod = TurnServiceGrpc.getListTurnsMethod) == null) {
      synchronized (TurnServiceGrpc.class) {
        if ((getListTurnsMethod = TurnServiceGrpc.getListTurnsMethod) == null) {
          TurnServiceGrpc.getListTurnsMethod = getListTurnsMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.ListTurnsRequest, io.github.greenroomdev.v1.ListTurnsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListTurns"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.ListTurnsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.ListTurnsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new TurnServiceMethodDescriptorSupplier("ListTurns"))
              .build();
        }
      }
    }
    return getListTurnsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.ListApprovalsRequest,
      io.github.greenroomdev.v1.ListApprovalsResponse> getListApprovalsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListApprovals",
      requestType = io.github.greenroomdev.v1.ListApprovalsRequest.class,
      responseType = io.github.greenroomdev.v1.ListApprovalsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.ListApprovalsRequest,
      io.github.greenroomdev.v1.ListApprovalsResponse> getListApprovalsMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.ListApprovalsRequest, io.github.greenroomdev.v1.ListApprovalsResponse> getListApprovalsMethod;
    if ((getListApprovalsMethod = TurnServiceGrpc.getListApprovalsMethod) == null) {
      synchronized (TurnServiceGrpc.class) {
        if ((getListApprovalsMethod = TurnServiceGrpc.getListApprovalsMethod) == null) {
          TurnServiceGrpc.getListApprovalsMethod = getListApprovalsMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.ListApprovalsRequest, io.github.greenroomdev.v1.ListApprovalsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListApprovals"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.ListApprovalsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.ListApprovalsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new TurnServiceMethodDescriptorSupplier("ListApprovals"))
              .build();
        }
      }
    }
    return getListApprovalsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.DecideApprovalRequest,
      io.github.greenroomdev.v1.DecideApprovalResponse> getDecideApprovalMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DecideApproval",
      requestType = io.github.greenroomdev.v1.DecideApprovalRequest.class,
      responseType = io.github.greenroomdev.v1.DecideApprovalResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.DecideApprovalRequest,
      io.github.greenroomdev.v1.DecideApprovalResponse> getDecideApprovalMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.DecideApprovalRequest, io.github.greenroomdev.v1.DecideApprovalResponse> getDecideApprovalMethod;
    if ((getDecideApprovalMethod = TurnServiceGrpc.getDecideApprovalMethod) == null) {
      synchronized (TurnServiceGrpc.class) {
        if ((getDecideApprovalMethod = TurnServiceGrpc.getDecideApprovalMethod) == null) {
          TurnServiceGrpc.getDecideApprovalMethod = getDecideApprovalMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.DecideApprovalRequest, io.github.greenroomdev.v1.DecideApprovalResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DecideApproval"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.DecideApprovalRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.DecideApprovalResponse.getDefaultInstance()))
              .setSchemaDescriptor(new TurnServiceMethodDescriptorSupplier("DecideApproval"))
              .build();
        }
      }
    }
    return getDecideApprovalMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static TurnServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<TurnServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<TurnServiceStub>() {
        @java.lang.Override
        public TurnServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new TurnServiceStub(channel, callOptions);
        }
      };
    return TurnServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static TurnServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<TurnServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<TurnServiceBlockingV2Stub>() {
        @java.lang.Override
        public TurnServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new TurnServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return TurnServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static TurnServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<TurnServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<TurnServiceBlockingStub>() {
        @java.lang.Override
        public TurnServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new TurnServiceBlockingStub(channel, callOptions);
        }
      };
    return TurnServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static TurnServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<TurnServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<TurnServiceFutureStub>() {
        @java.lang.Override
        public TurnServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new TurnServiceFutureStub(channel, callOptions);
        }
      };
    return TurnServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * TurnService gives prompts to sessions. Errors, `request_id` and durability are as in SessionService.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * StartTurn gives a session a prompt and answers once the turn is stored. A session without a process gets one first.
     * FAILED_PRECONDITION: a turn runs and if_busy is REJECT (TURN_RUNNING), or the session is in ERROR, CLOSING or CLOSED
     * (ILLEGAL_TRANSITION). RESOURCE_EXHAUSTED: 16 turns wait already (QUEUE_FULL), or no process came free (NO_SLOT).
     * </pre>
     */
    default void startTurn(io.github.greenroomdev.v1.StartTurnRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.StartTurnResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getStartTurnMethod(), responseObserver);
    }

    /**
     * <pre>
     * RunTurn is StartTurn and then the events of that turn until it ends: the one call a newcomer needs. When the call is
     * cancelled, the turn goes on. Errors are those of StartTurn; a turn that fails is no error of this call.
     * </pre>
     */
    default void runTurn(io.github.greenroomdev.v1.RunTurnRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.RunTurnResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRunTurnMethod(), responseObserver);
    }

    /**
     * <pre>
     * InterruptTurn stops the running turn; its pending approvals become CANCELLED first. Answers once the turn has ended.
     * NOT_FOUND: no such turn. FAILED_PRECONDITION: no turn runs.
     * </pre>
     */
    default void interruptTurn(io.github.greenroomdev.v1.InterruptTurnRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.InterruptTurnResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getInterruptTurnMethod(), responseObserver);
    }

    /**
     * <pre>
     * GetTurn answers a turn. NOT_FOUND: no such turn.
     * </pre>
     */
    default void getTurn(io.github.greenroomdev.v1.GetTurnRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.GetTurnResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetTurnMethod(), responseObserver);
    }

    /**
     * <pre>
     * ListTurns answers a page of a session's turns, the oldest first.
     * </pre>
     */
    default void listTurns(io.github.greenroomdev.v1.ListTurnsRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.ListTurnsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListTurnsMethod(), responseObserver);
    }

    /**
     * <pre>
     * ListApprovals answers a page of a session's approvals, the oldest first.
     * </pre>
     */
    default void listApprovals(io.github.greenroomdev.v1.ListApprovalsRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.ListApprovalsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListApprovalsMethod(), responseObserver);
    }

    /**
     * <pre>
     * DecideApproval allows or denies what a tool asks for; the first decision wins. NOT_FOUND: no such approval.
     * FAILED_PRECONDITION: it is decided, expired or cancelled already (APPROVAL_DECIDED).
     * </pre>
     */
    default void decideApproval(io.github.greenroomdev.v1.DecideApprovalRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.DecideApprovalResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDecideApprovalMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service TurnService.
   * <pre>
   * TurnService gives prompts to sessions. Errors, `request_id` and durability are as in SessionService.
   * </pre>
   */
  public static abstract class TurnServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return TurnServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service TurnService.
   * <pre>
   * TurnService gives prompts to sessions. Errors, `request_id` and durability are as in SessionService.
   * </pre>
   */
  public static final class TurnServiceStub
      extends io.grpc.stub.AbstractAsyncStub<TurnServiceStub> {
    private TurnServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected TurnServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new TurnServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * StartTurn gives a session a prompt and answers once the turn is stored. A session without a process gets one first.
     * FAILED_PRECONDITION: a turn runs and if_busy is REJECT (TURN_RUNNING), or the session is in ERROR, CLOSING or CLOSED
     * (ILLEGAL_TRANSITION). RESOURCE_EXHAUSTED: 16 turns wait already (QUEUE_FULL), or no process came free (NO_SLOT).
     * </pre>
     */
    public void startTurn(io.github.greenroomdev.v1.StartTurnRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.StartTurnResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getStartTurnMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * RunTurn is StartTurn and then the events of that turn until it ends: the one call a newcomer needs. When the call is
     * cancelled, the turn goes on. Errors are those of StartTurn; a turn that fails is no error of this call.
     * </pre>
     */
    public void runTurn(io.github.greenroomdev.v1.RunTurnRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.RunTurnResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getRunTurnMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * InterruptTurn stops the running turn; its pending approvals become CANCELLED first. Answers once the turn has ended.
     * NOT_FOUND: no such turn. FAILED_PRECONDITION: no turn runs.
     * </pre>
     */
    public void interruptTurn(io.github.greenroomdev.v1.InterruptTurnRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.InterruptTurnResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getInterruptTurnMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * GetTurn answers a turn. NOT_FOUND: no such turn.
     * </pre>
     */
    public void getTurn(io.github.greenroomdev.v1.GetTurnRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.GetTurnResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetTurnMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ListTurns answers a page of a session's turns, the oldest first.
     * </pre>
     */
    public void listTurns(io.github.greenroomdev.v1.ListTurnsRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.ListTurnsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListTurnsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ListApprovals answers a page of a session's approvals, the oldest first.
     * </pre>
     */
    public void listApprovals(io.github.greenroomdev.v1.ListApprovalsRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.ListApprovalsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListApprovalsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * DecideApproval allows or denies what a tool asks for; the first decision wins. NOT_FOUND: no such approval.
     * FAILED_PRECONDITION: it is decided, expired or cancelled already (APPROVAL_DECIDED).
     * </pre>
     */
    public void decideApproval(io.github.greenroomdev.v1.DecideApprovalRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.DecideApprovalResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDecideApprovalMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service TurnService.
   * <pre>
   * TurnService gives prompts to sessions. Errors, `request_id` and durability are as in SessionService.
   * </pre>
   */
  public static final class TurnServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<TurnServiceBlockingV2Stub> {
    private TurnServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected TurnServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new TurnServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * StartTurn gives a session a prompt and answers once the turn is stored. A session without a process gets one first.
     * FAILED_PRECONDITION: a turn runs and if_busy is REJECT (TURN_RUNNING), or the session is in ERROR, CLOSING or CLOSED
     * (ILLEGAL_TRANSITION). RESOURCE_EXHAUSTED: 16 turns wait already (QUEUE_FULL), or no process came free (NO_SLOT).
     * </pre>
     */
    public io.github.greenroomdev.v1.StartTurnResponse startTurn(io.github.greenroomdev.v1.StartTurnRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getStartTurnMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * RunTurn is StartTurn and then the events of that turn until it ends: the one call a newcomer needs. When the call is
     * cancelled, the turn goes on. Errors are those of StartTurn; a turn that fails is no error of this call.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, io.github.greenroomdev.v1.RunTurnResponse>
        runTurn(io.github.greenroomdev.v1.RunTurnRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getRunTurnMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * InterruptTurn stops the running turn; its pending approvals become CANCELLED first. Answers once the turn has ended.
     * NOT_FOUND: no such turn. FAILED_PRECONDITION: no turn runs.
     * </pre>
     */
    public io.github.greenroomdev.v1.InterruptTurnResponse interruptTurn(io.github.greenroomdev.v1.InterruptTurnRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getInterruptTurnMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetTurn answers a turn. NOT_FOUND: no such turn.
     * </pre>
     */
    public io.github.greenroomdev.v1.GetTurnResponse getTurn(io.github.greenroomdev.v1.GetTurnRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetTurnMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListTurns answers a page of a session's turns, the oldest first.
     * </pre>
     */
    public io.github.greenroomdev.v1.ListTurnsResponse listTurns(io.github.greenroomdev.v1.ListTurnsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListTurnsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListApprovals answers a page of a session's approvals, the oldest first.
     * </pre>
     */
    public io.github.greenroomdev.v1.ListApprovalsResponse listApprovals(io.github.greenroomdev.v1.ListApprovalsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListApprovalsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * DecideApproval allows or denies what a tool asks for; the first decision wins. NOT_FOUND: no such approval.
     * FAILED_PRECONDITION: it is decided, expired or cancelled already (APPROVAL_DECIDED).
     * </pre>
     */
    public io.github.greenroomdev.v1.DecideApprovalResponse decideApproval(io.github.greenroomdev.v1.DecideApprovalRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDecideApprovalMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service TurnService.
   * <pre>
   * TurnService gives prompts to sessions. Errors, `request_id` and durability are as in SessionService.
   * </pre>
   */
  public static final class TurnServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<TurnServiceBlockingStub> {
    private TurnServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected TurnServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new TurnServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * StartTurn gives a session a prompt and answers once the turn is stored. A session without a process gets one first.
     * FAILED_PRECONDITION: a turn runs and if_busy is REJECT (TURN_RUNNING), or the session is in ERROR, CLOSING or CLOSED
     * (ILLEGAL_TRANSITION). RESOURCE_EXHAUSTED: 16 turns wait already (QUEUE_FULL), or no process came free (NO_SLOT).
     * </pre>
     */
    public io.github.greenroomdev.v1.StartTurnResponse startTurn(io.github.greenroomdev.v1.StartTurnRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getStartTurnMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * RunTurn is StartTurn and then the events of that turn until it ends: the one call a newcomer needs. When the call is
     * cancelled, the turn goes on. Errors are those of StartTurn; a turn that fails is no error of this call.
     * </pre>
     */
    public java.util.Iterator<io.github.greenroomdev.v1.RunTurnResponse> runTurn(
        io.github.greenroomdev.v1.RunTurnRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getRunTurnMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * InterruptTurn stops the running turn; its pending approvals become CANCELLED first. Answers once the turn has ended.
     * NOT_FOUND: no such turn. FAILED_PRECONDITION: no turn runs.
     * </pre>
     */
    public io.github.greenroomdev.v1.InterruptTurnResponse interruptTurn(io.github.greenroomdev.v1.InterruptTurnRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getInterruptTurnMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetTurn answers a turn. NOT_FOUND: no such turn.
     * </pre>
     */
    public io.github.greenroomdev.v1.GetTurnResponse getTurn(io.github.greenroomdev.v1.GetTurnRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetTurnMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListTurns answers a page of a session's turns, the oldest first.
     * </pre>
     */
    public io.github.greenroomdev.v1.ListTurnsResponse listTurns(io.github.greenroomdev.v1.ListTurnsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListTurnsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListApprovals answers a page of a session's approvals, the oldest first.
     * </pre>
     */
    public io.github.greenroomdev.v1.ListApprovalsResponse listApprovals(io.github.greenroomdev.v1.ListApprovalsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListApprovalsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * DecideApproval allows or denies what a tool asks for; the first decision wins. NOT_FOUND: no such approval.
     * FAILED_PRECONDITION: it is decided, expired or cancelled already (APPROVAL_DECIDED).
     * </pre>
     */
    public io.github.greenroomdev.v1.DecideApprovalResponse decideApproval(io.github.greenroomdev.v1.DecideApprovalRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDecideApprovalMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service TurnService.
   * <pre>
   * TurnService gives prompts to sessions. Errors, `request_id` and durability are as in SessionService.
   * </pre>
   */
  public static final class TurnServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<TurnServiceFutureStub> {
    private TurnServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected TurnServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new TurnServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * StartTurn gives a session a prompt and answers once the turn is stored. A session without a process gets one first.
     * FAILED_PRECONDITION: a turn runs and if_busy is REJECT (TURN_RUNNING), or the session is in ERROR, CLOSING or CLOSED
     * (ILLEGAL_TRANSITION). RESOURCE_EXHAUSTED: 16 turns wait already (QUEUE_FULL), or no process came free (NO_SLOT).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.StartTurnResponse> startTurn(
        io.github.greenroomdev.v1.StartTurnRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getStartTurnMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * InterruptTurn stops the running turn; its pending approvals become CANCELLED first. Answers once the turn has ended.
     * NOT_FOUND: no such turn. FAILED_PRECONDITION: no turn runs.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.InterruptTurnResponse> interruptTurn(
        io.github.greenroomdev.v1.InterruptTurnRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getInterruptTurnMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * GetTurn answers a turn. NOT_FOUND: no such turn.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.GetTurnResponse> getTurn(
        io.github.greenroomdev.v1.GetTurnRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetTurnMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * ListTurns answers a page of a session's turns, the oldest first.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.ListTurnsResponse> listTurns(
        io.github.greenroomdev.v1.ListTurnsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListTurnsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * ListApprovals answers a page of a session's approvals, the oldest first.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.ListApprovalsResponse> listApprovals(
        io.github.greenroomdev.v1.ListApprovalsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListApprovalsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * DecideApproval allows or denies what a tool asks for; the first decision wins. NOT_FOUND: no such approval.
     * FAILED_PRECONDITION: it is decided, expired or cancelled already (APPROVAL_DECIDED).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.DecideApprovalResponse> decideApproval(
        io.github.greenroomdev.v1.DecideApprovalRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDecideApprovalMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_START_TURN = 0;
  private static final int METHODID_RUN_TURN = 1;
  private static final int METHODID_INTERRUPT_TURN = 2;
  private static final int METHODID_GET_TURN = 3;
  private static final int METHODID_LIST_TURNS = 4;
  private static final int METHODID_LIST_APPROVALS = 5;
  private static final int METHODID_DECIDE_APPROVAL = 6;

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
        case METHODID_START_TURN:
          serviceImpl.startTurn((io.github.greenroomdev.v1.StartTurnRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.StartTurnResponse>) responseObserver);
          break;
        case METHODID_RUN_TURN:
          serviceImpl.runTurn((io.github.greenroomdev.v1.RunTurnRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.RunTurnResponse>) responseObserver);
          break;
        case METHODID_INTERRUPT_TURN:
          serviceImpl.interruptTurn((io.github.greenroomdev.v1.InterruptTurnRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.InterruptTurnResponse>) responseObserver);
          break;
        case METHODID_GET_TURN:
          serviceImpl.getTurn((io.github.greenroomdev.v1.GetTurnRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.GetTurnResponse>) responseObserver);
          break;
        case METHODID_LIST_TURNS:
          serviceImpl.listTurns((io.github.greenroomdev.v1.ListTurnsRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.ListTurnsResponse>) responseObserver);
          break;
        case METHODID_LIST_APPROVALS:
          serviceImpl.listApprovals((io.github.greenroomdev.v1.ListApprovalsRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.ListApprovalsResponse>) responseObserver);
          break;
        case METHODID_DECIDE_APPROVAL:
          serviceImpl.decideApproval((io.github.greenroomdev.v1.DecideApprovalRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.DecideApprovalResponse>) responseObserver);
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
          getStartTurnMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.StartTurnRequest,
              io.github.greenroomdev.v1.StartTurnResponse>(
                service, METHODID_START_TURN)))
        .addMethod(
          getRunTurnMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.RunTurnRequest,
              io.github.greenroomdev.v1.RunTurnResponse>(
                service, METHODID_RUN_TURN)))
        .addMethod(
          getInterruptTurnMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.InterruptTurnRequest,
              io.github.greenroomdev.v1.InterruptTurnResponse>(
                service, METHODID_INTERRUPT_TURN)))
        .addMethod(
          getGetTurnMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.GetTurnRequest,
              io.github.greenroomdev.v1.GetTurnResponse>(
                service, METHODID_GET_TURN)))
        .addMethod(
          getListTurnsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.ListTurnsRequest,
              io.github.greenroomdev.v1.ListTurnsResponse>(
                service, METHODID_LIST_TURNS)))
        .addMethod(
          getListApprovalsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.ListApprovalsRequest,
              io.github.greenroomdev.v1.ListApprovalsResponse>(
                service, METHODID_LIST_APPROVALS)))
        .addMethod(
          getDecideApprovalMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.DecideApprovalRequest,
              io.github.greenroomdev.v1.DecideApprovalResponse>(
                service, METHODID_DECIDE_APPROVAL)))
        .build();
  }

  private static abstract class TurnServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    TurnServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.github.greenroomdev.v1.TurnServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("TurnService");
    }
  }

  private static final class TurnServiceFileDescriptorSupplier
      extends TurnServiceBaseDescriptorSupplier {
    TurnServiceFileDescriptorSupplier() {}
  }

  private static final class TurnServiceMethodDescriptorSupplier
      extends TurnServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    TurnServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (TurnServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new TurnServiceFileDescriptorSupplier())
              .addMethod(getStartTurnMethod())
              .addMethod(getRunTurnMethod())
              .addMethod(getInterruptTurnMethod())
              .addMethod(getGetTurnMethod())
              .addMethod(getListTurnsMethod())
              .addMethod(getListApprovalsMethod())
              .addMethod(getDecideApprovalMethod())
              .build();
        }
      }
    }
    return result;
  }
}
