package io.github.greenroomdev.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * NodeService shows and steers the servers themselves. For administrators: anyone else gets PERMISSION_DENIED, but for
 * GetServerInfo. Errors and `request_id` are as in SessionService.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class NodeServiceGrpc {

  private NodeServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "greenroom.v1.NodeService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.GetServerInfoRequest,
      io.github.greenroomdev.v1.GetServerInfoResponse> getGetServerInfoMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetServerInfo",
      requestType = io.github.greenroomdev.v1.GetServerInfoRequest.class,
      responseType = io.github.greenroomdev.v1.GetServerInfoResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.GetServerInfoRequest,
      io.github.greenroomdev.v1.GetServerInfoResponse> getGetServerInfoMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.GetServerInfoRequest, io.github.greenroomdev.v1.GetServerInfoResponse> getGetServerInfoMethod;
    if ((getGetServerInfoMethod = NodeServiceGrpc.getGetServerInfoMethod) == null) {
      synchronized (NodeServiceGrpc.class) {
        if ((getGetServerInfoMethod = NodeServiceGrpc.getGetServerInfoMethod) == null) {
          NodeServiceGrpc.getGetServerInfoMethod = getGetServerInfoMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.GetServerInfoRequest, io.github.greenroomdev.v1.GetServerInfoResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetServerInfo"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.GetServerInfoRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.GetServerInfoResponse.getDefaultInstance()))
              .setSchemaDescriptor(new NodeServiceMethodDescriptorSupplier("GetServerInfo"))
              .build();
        }
      }
    }
    return getGetServerInfoMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.GetPoolStatusRequest,
      io.github.greenroomdev.v1.GetPoolStatusResponse> getGetPoolStatusMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetPoolStatus",
      requestType = io.github.greenroomdev.v1.GetPoolStatusRequest.class,
      responseType = io.github.greenroomdev.v1.GetPoolStatusResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.GetPoolStatusRequest,
      io.github.greenroomdev.v1.GetPoolStatusResponse> getGetPoolStatusMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.GetPoolStatusRequest, io.github.greenroomdev.v1.GetPoolStatusResponse> getGetPoolStatusMethod;
    if ((getGetPoolStatusMethod = NodeServiceGrpc.getGetPoolStatusMethod) == null) {
      synchronized (NodeServiceGrpc.class) {
        if ((getGetPoolStatusMethod = NodeServiceGrpc.getGetPoolStatusMethod) == null) {
          NodeServiceGrpc.getGetPoolStatusMethod = getGetPoolStatusMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.GetPoolStatusRequest, io.github.greenroomdev.v1.GetPoolStatusResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetPoolStatus"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.GetPoolStatusRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.GetPoolStatusResponse.getDefaultInstance()))
              .setSchemaDescriptor(new NodeServiceMethodDescriptorSupplier("GetPoolStatus"))
              .build();
        }
      }
    }
    return getGetPoolStatusMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.ListNodesRequest,
      io.github.greenroomdev.v1.ListNodesResponse> getListNodesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListNodes",
      requestType = io.github.greenroomdev.v1.ListNodesRequest.class,
      responseType = io.github.greenroomdev.v1.ListNodesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.ListNodesRequest,
      io.github.greenroomdev.v1.ListNodesResponse> getListNodesMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.ListNodesRequest, io.github.greenroomdev.v1.ListNodesResponse> getListNodesMethod;
    if ((getListNodesMethod = NodeServiceGrpc.getListNodesMethod) == null) {
      synchronized (NodeServiceGrpc.class) {
        if ((getListNodesMethod = NodeServiceGrpc.getListNodesMethod) == null) {
          NodeServiceGrpc.getListNodesMethod = getListNodesMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.ListNodesRequest, io.github.greenroomdev.v1.ListNodesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListNodes"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.ListNodesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.ListNodesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new NodeServiceMethodDescriptorSupplier("ListNodes"))
              .build();
        }
      }
    }
    return getListNodesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.DrainNodeRequest,
      io.github.greenroomdev.v1.DrainNodeResponse> getDrainNodeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DrainNode",
      requestType = io.github.greenroomdev.v1.DrainNodeRequest.class,
      responseType = io.github.greenroomdev.v1.DrainNodeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.DrainNodeRequest,
      io.github.greenroomdev.v1.DrainNodeResponse> getDrainNodeMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.DrainNodeRequest, io.github.greenroomdev.v1.DrainNodeResponse> getDrainNodeMethod;
    if ((getDrainNodeMethod = NodeServiceGrpc.getDrainNodeMethod) == null) {
      synchronized (NodeServiceGrpc.class) {
        if ((getDrainNodeMethod = NodeServiceGrpc.getDrainNodeMethod) == null) {
          NodeServiceGrpc.getDrainNodeMethod = getDrainNodeMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.DrainNodeRequest, io.github.greenroomdev.v1.DrainNodeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DrainNode"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.DrainNodeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.DrainNodeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new NodeServiceMethodDescriptorSupplier("DrainNode"))
              .build();
        }
      }
    }
    return getDrainNodeMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.UndrainNodeRequest,
      io.github.greenroomdev.v1.UndrainNodeResponse> getUndrainNodeMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UndrainNode",
      requestType = io.github.greenroomdev.v1.UndrainNodeRequest.class,
      responseType = io.github.greenroomdev.v1.UndrainNodeResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.UndrainNodeRequest,
      io.github.greenroomdev.v1.UndrainNodeResponse> getUndrainNodeMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.UndrainNodeRequest, io.github.greenroomdev.v1.UndrainNodeResponse> getUndrainNodeMethod;
    if ((getUndrainNodeMethod = NodeServiceGrpc.getUndrainNodeMethod) == null) {
      synchronized (NodeServiceGrpc.class) {
        if ((getUndrainNodeMethod = NodeServiceGrpc.getUndrainNodeMethod) == null) {
          NodeServiceGrpc.getUndrainNodeMethod = getUndrainNodeMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.UndrainNodeRequest, io.github.greenroomdev.v1.UndrainNodeResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UndrainNode"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.UndrainNodeRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.UndrainNodeResponse.getDefaultInstance()))
              .setSchemaDescriptor(new NodeServiceMethodDescriptorSupplier("UndrainNode"))
              .build();
        }
      }
    }
    return getUndrainNodeMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static NodeServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<NodeServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<NodeServiceStub>() {
        @java.lang.Override
        public NodeServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new NodeServiceStub(channel, callOptions);
        }
      };
    return NodeServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static NodeServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<NodeServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<NodeServiceBlockingV2Stub>() {
        @java.lang.Override
        public NodeServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new NodeServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return NodeServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static NodeServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<NodeServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<NodeServiceBlockingStub>() {
        @java.lang.Override
        public NodeServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new NodeServiceBlockingStub(channel, callOptions);
        }
      };
    return NodeServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static NodeServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<NodeServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<NodeServiceFutureStub>() {
        @java.lang.Override
        public NodeServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new NodeServiceFutureStub(channel, callOptions);
        }
      };
    return NodeServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * NodeService shows and steers the servers themselves. For administrators: anyone else gets PERMISSION_DENIED, but for
   * GetServerInfo. Errors and `request_id` are as in SessionService.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * GetServerInfo answers what this server is and can do.
     * </pre>
     */
    default void getServerInfo(io.github.greenroomdev.v1.GetServerInfoRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.GetServerInfoResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetServerInfoMethod(), responseObserver);
    }

    /**
     * <pre>
     * GetPoolStatus answers how the processes of a node are used. NOT_FOUND: no such node.
     * </pre>
     */
    default void getPoolStatus(io.github.greenroomdev.v1.GetPoolStatusRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.GetPoolStatusResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetPoolStatusMethod(), responseObserver);
    }

    /**
     * <pre>
     * ListNodes answers a page of the nodes that share the store, by node_id.
     * </pre>
     */
    default void listNodes(io.github.greenroomdev.v1.ListNodesRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.ListNodesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListNodesMethod(), responseObserver);
    }

    /**
     * <pre>
     * DrainNode lets a node take no new work, suspends its sessions, and answers at once. NOT_FOUND: no such node.
     * </pre>
     */
    default void drainNode(io.github.greenroomdev.v1.DrainNodeRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.DrainNodeResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDrainNodeMethod(), responseObserver);
    }

    /**
     * <pre>
     * UndrainNode lets a node take work again. NOT_FOUND: no such node.
     * </pre>
     */
    default void undrainNode(io.github.greenroomdev.v1.UndrainNodeRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.UndrainNodeResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUndrainNodeMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service NodeService.
   * <pre>
   * NodeService shows and steers the servers themselves. For administrators: anyone else gets PERMISSION_DENIED, but for
   * GetServerInfo. Errors and `request_id` are as in SessionService.
   * </pre>
   */
  public static abstract class NodeServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return NodeServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service NodeService.
   * <pre>
   * NodeService shows and steers the servers themselves. For administrators: anyone else gets PERMISSION_DENIED, but for
   * GetServerInfo. Errors and `request_id` are as in SessionService.
   * </pre>
   */
  public static final class NodeServiceStub
      extends io.grpc.stub.AbstractAsyncStub<NodeServiceStub> {
    private NodeServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected NodeServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new NodeServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * GetServerInfo answers what this server is and can do.
     * </pre>
     */
    public void getServerInfo(io.github.greenroomdev.v1.GetServerInfoRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.GetServerInfoResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetServerInfoMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * GetPoolStatus answers how the processes of a node are used. NOT_FOUND: no such node.
     * </pre>
     */
    public void getPoolStatus(io.github.greenroomdev.v1.GetPoolStatusRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.GetPoolStatusResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetPoolStatusMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ListNodes answers a page of the nodes that share the store, by node_id.
     * </pre>
     */
    public void listNodes(io.github.greenroomdev.v1.ListNodesRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.ListNodesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListNodesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * DrainNode lets a node take no new work, suspends its sessions, and answers at once. NOT_FOUND: no such node.
     * </pre>
     */
    public void drainNode(io.github.greenroomdev.v1.DrainNodeRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.DrainNodeResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDrainNodeMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * UndrainNode lets a node take work again. NOT_FOUND: no such node.
     * </pre>
     */
    public void undrainNode(io.github.greenroomdev.v1.UndrainNodeRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.UndrainNodeResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUndrainNodeMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service NodeService.
   * <pre>
   * NodeService shows and steers the servers themselves. For administrators: anyone else gets PERMISSION_DENIED, but for
   * GetServerInfo. Errors and `request_id` are as in SessionService.
   * </pre>
   */
  public static final class NodeServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<NodeServiceBlockingV2Stub> {
    private NodeServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected NodeServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new NodeServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * GetServerInfo answers what this server is and can do.
     * </pre>
     */
    public io.github.greenroomdev.v1.GetServerInfoResponse getServerInfo(io.github.greenroomdev.v1.GetServerInfoRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetServerInfoMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetPoolStatus answers how the processes of a node are used. NOT_FOUND: no such node.
     * </pre>
     */
    public io.github.greenroomdev.v1.GetPoolStatusResponse getPoolStatus(io.github.greenroomdev.v1.GetPoolStatusRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetPoolStatusMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListNodes answers a page of the nodes that share the store, by node_id.
     * </pre>
     */
    public io.github.greenroomdev.v1.ListNodesResponse listNodes(io.github.greenroomdev.v1.ListNodesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListNodesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * DrainNode lets a node take no new work, suspends its sessions, and answers at once. NOT_FOUND: no such node.
     * </pre>
     */
    public io.github.greenroomdev.v1.DrainNodeResponse drainNode(io.github.greenroomdev.v1.DrainNodeRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDrainNodeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * UndrainNode lets a node take work again. NOT_FOUND: no such node.
     * </pre>
     */
    public io.github.greenroomdev.v1.UndrainNodeResponse undrainNode(io.github.greenroomdev.v1.UndrainNodeRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUndrainNodeMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service NodeService.
   * <pre>
   * NodeService shows and steers the servers themselves. For administrators: anyone else gets PERMISSION_DENIED, but for
   * GetServerInfo. Errors and `request_id` are as in SessionService.
   * </pre>
   */
  public static final class NodeServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<NodeServiceBlockingStub> {
    private NodeServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected NodeServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new NodeServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * GetServerInfo answers what this server is and can do.
     * </pre>
     */
    public io.github.greenroomdev.v1.GetServerInfoResponse getServerInfo(io.github.greenroomdev.v1.GetServerInfoRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetServerInfoMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetPoolStatus answers how the processes of a node are used. NOT_FOUND: no such node.
     * </pre>
     */
    public io.github.greenroomdev.v1.GetPoolStatusResponse getPoolStatus(io.github.greenroomdev.v1.GetPoolStatusRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetPoolStatusMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListNodes answers a page of the nodes that share the store, by node_id.
     * </pre>
     */
    public io.github.greenroomdev.v1.ListNodesResponse listNodes(io.github.greenroomdev.v1.ListNodesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListNodesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * DrainNode lets a node take no new work, suspends its sessions, and answers at once. NOT_FOUND: no such node.
     * </pre>
     */
    public io.github.greenroomdev.v1.DrainNodeResponse drainNode(io.github.greenroomdev.v1.DrainNodeRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDrainNodeMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * UndrainNode lets a node take work again. NOT_FOUND: no such node.
     * </pre>
     */
    public io.github.greenroomdev.v1.UndrainNodeResponse undrainNode(io.github.greenroomdev.v1.UndrainNodeRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUndrainNodeMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service NodeService.
   * <pre>
   * NodeService shows and steers the servers themselves. For administrators: anyone else gets PERMISSION_DENIED, but for
   * GetServerInfo. Errors and `request_id` are as in SessionService.
   * </pre>
   */
  public static final class NodeServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<NodeServiceFutureStub> {
    private NodeServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected NodeServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new NodeServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * GetServerInfo answers what this server is and can do.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.GetServerInfoResponse> getServerInfo(
        io.github.greenroomdev.v1.GetServerInfoRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetServerInfoMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * GetPoolStatus answers how the processes of a node are used. NOT_FOUND: no such node.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.GetPoolStatusResponse> getPoolStatus(
        io.github.greenroomdev.v1.GetPoolStatusRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetPoolStatusMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * ListNodes answers a page of the nodes that share the store, by node_id.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.ListNodesResponse> listNodes(
        io.github.greenroomdev.v1.ListNodesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListNodesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * DrainNode lets a node take no new work, suspends its sessions, and answers at once. NOT_FOUND: no such node.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.DrainNodeResponse> drainNode(
        io.github.greenroomdev.v1.DrainNodeRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDrainNodeMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * UndrainNode lets a node take work again. NOT_FOUND: no such node.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.UndrainNodeResponse> undrainNode(
        io.github.greenroomdev.v1.UndrainNodeRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUndrainNodeMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_GET_SERVER_INFO = 0;
  private static final int METHODID_GET_POOL_STATUS = 1;
  private static final int METHODID_LIST_NODES = 2;
  private static final int METHODID_DRAIN_NODE = 3;
  private static final int METHODID_UNDRAIN_NODE = 4;

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
        case METHODID_GET_SERVER_INFO:
          serviceImpl.getServerInfo((io.github.greenroomdev.v1.GetServerInfoRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.GetServerInfoResponse>) responseObserver);
          break;
        case METHODID_GET_POOL_STATUS:
          serviceImpl.getPoolStatus((io.github.greenroomdev.v1.GetPoolStatusRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.GetPoolStatusResponse>) responseObserver);
          break;
        case METHODID_LIST_NODES:
          serviceImpl.listNodes((io.github.greenroomdev.v1.ListNodesRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.ListNodesResponse>) responseObserver);
          break;
        case METHODID_DRAIN_NODE:
          serviceImpl.drainNode((io.github.greenroomdev.v1.DrainNodeRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.DrainNodeResponse>) responseObserver);
          break;
        case METHODID_UNDRAIN_NODE:
          serviceImpl.undrainNode((io.github.greenroomdev.v1.UndrainNodeRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.UndrainNodeResponse>) responseObserver);
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
          getGetServerInfoMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.GetServerInfoRequest,
              io.github.greenroomdev.v1.GetServerInfoResponse>(
                service, METHODID_GET_SERVER_INFO)))
        .addMethod(
          getGetPoolStatusMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.GetPoolStatusRequest,
              io.github.greenroomdev.v1.GetPoolStatusResponse>(
                service, METHODID_GET_POOL_STATUS)))
        .addMethod(
          getListNodesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.ListNodesRequest,
              io.github.greenroomdev.v1.ListNodesResponse>(
                service, METHODID_LIST_NODES)))
        .addMethod(
          getDrainNodeMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.DrainNodeRequest,
              io.github.greenroomdev.v1.DrainNodeResponse>(
                service, METHODID_DRAIN_NODE)))
        .addMethod(
          getUndrainNodeMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.UndrainNodeRequest,
              io.github.greenroomdev.v1.UndrainNodeResponse>(
                service, METHODID_UNDRAIN_NODE)))
        .build();
  }

  private static abstract class NodeServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    NodeServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.github.greenroomdev.v1.NodeServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("NodeService");
    }
  }

  private static final class NodeServiceFileDescriptorSupplier
      extends NodeServiceBaseDescriptorSupplier {
    NodeServiceFileDescriptorSupplier() {}
  }

  private static final class NodeServiceMethodDescriptorSupplier
      extends NodeServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    NodeServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (NodeServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new NodeServiceFileDescriptorSupplier())
              .addMethod(getGetServerInfoMethod())
              .addMethod(getGetPoolStatusMethod())
              .addMethod(getListNodesMethod())
              .addMethod(getDrainNodeMethod())
              .addMethod(getUndrainNodeMethod())
              .build();
        }
      }
    }
    return result;
  }
}
