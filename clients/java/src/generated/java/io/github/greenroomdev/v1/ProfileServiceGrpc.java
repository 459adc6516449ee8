package io.github.greenroomdev.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * ProfileService keeps named configs. Errors, `request_id` and `etag` are as in SessionService.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class ProfileServiceGrpc {

  private ProfileServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "greenroom.v1.ProfileService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.CreateProfileRequest,
      io.github.greenroomdev.v1.CreateProfileResponse> getCreateProfileMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateProfile",
      requestType = io.github.greenroomdev.v1.CreateProfileRequest.class,
      responseType = io.github.greenroomdev.v1.CreateProfileResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.CreateProfileRequest,
      io.github.greenroomdev.v1.CreateProfileResponse> getCreateProfileMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.CreateProfileRequest, io.github.greenroomdev.v1.CreateProfileResponse> getCreateProfileMethod;
    if ((getCreateProfileMethod = ProfileServiceGrpc.getCreateProfileMethod) == null) {
      synchronized (ProfileServiceGrpc.class) {
        if ((getCreateProfileMethod = ProfileServiceGrpc.getCreateProfileMethod) == null) {
          ProfileServiceGrpc.getCreateProfileMethod = getCreateProfileMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.CreateProfileRequest, io.github.greenroomdev.v1.CreateProfileResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateProfile"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.CreateProfileRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.CreateProfileResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProfileServiceMethodDescriptorSupplier("CreateProfile"))
              .build();
        }
      }
    }
    return getCreateProfileMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.GetProfileRequest,
      io.github.greenroomdev.v1.GetProfileResponse> getGetProfileMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetProfile",
      requestType = io.github.greenroomdev.v1.GetProfileRequest.class,
      responseType = io.github.greenroomdev.v1.GetProfileResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.GetProfileRequest,
      io.github.greenroomdev.v1.GetProfileResponse> getGetProfileMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.GetProfileRequest, io.github.greenroomdev.v1.GetProfileResponse> getGetProfileMethod;
    if ((getGetProfileMethod = ProfileServiceGrpc.getGetProfileMethod) == null) {
      synchronized (ProfileServiceGrpc.class) {
        if ((getGetProfileMethod = ProfileServiceGrpc.getGetProfileMethod) == null) {
          ProfileServiceGrpc.getGetProfileMethod = getGetProfileMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.GetProfileRequest, io.github.greenroomdev.v1.GetProfileResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetProfile"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.GetProfileRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.GetProfileResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProfileServiceMethodDescriptorSupplier("GetProfile"))
              .build();
        }
      }
    }
    return getGetProfileMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.ListProfilesRequest,
      io.github.greenroomdev.v1.ListProfilesResponse> getListProfilesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListProfiles",
      requestType = io.github.greenroomdev.v1.ListProfilesRequest.class,
      responseType = io.github.greenroomdev.v1.ListProfilesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.ListProfilesRequest,
      io.github.greenroomdev.v1.ListProfilesResponse> getListProfilesMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.ListProfilesRequest, io.github.greenroomdev.v1.ListProfilesResponse> getListProfilesMethod;
    if ((getListProfilesMethod = ProfileServiceGrpc.getListProfilesMethod) == null) {
      synchronized (ProfileServiceGrpc.class) {
        if ((getListProfilesMethod = ProfileServiceGrpc.getListProfilesMethod) == null) {
          ProfileServiceGrpc.getListProfilesMethod = getListProfilesMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.ListProfilesRequest, io.github.greenroomdev.v1.ListProfilesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListProfiles"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.ListProfilesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.ListProfilesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProfileServiceMethodDescriptorSupplier("ListProfiles"))
              .build();
        }
      }
    }
    return getListProfilesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.UpdateProfileRequest,
      io.github.greenroomdev.v1.UpdateProfileResponse> getUpdateProfileMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateProfile",
      requestType = io.github.greenroomdev.v1.UpdateProfileRequest.class,
      responseType = io.github.greenroomdev.v1.UpdateProfileResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.UpdateProfileRequest,
      io.github.greenroomdev.v1.UpdateProfileResponse> getUpdateProfileMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.UpdateProfileRequest, io.github.greenroomdev.v1.UpdateProfileResponse> getUpdateProfileMethod;
    if ((getUpdateProfileMethod = ProfileServiceGrpc.getUpdateProfileMethod) == null) {
      synchronized (ProfileServiceGrpc.class) {
        if ((getUpdateProfileMethod = ProfileServiceGrpc.getUpdateProfileMethod) == null) {
          ProfileServiceGrpc.getUpdateProfileMethod = getUpdateProfileMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.UpdateProfileRequest, io.github.greenroomdev.v1.UpdateProfileResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateProfile"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.UpdateProfileRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.UpdateProfileResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProfileServiceMethodDescriptorSupplier("UpdateProfile"))
              .build();
        }
      }
    }
    return getUpdateProfileMethod;
  }

  private static volatile io.grpc.MethodDescriptor<io.github.greenroomdev.v1.DeleteProfileRequest,
      io.github.greenroomdev.v1.DeleteProfileResponse> getDeleteProfileMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteProfile",
      requestType = io.github.greenroomdev.v1.DeleteProfileRequest.class,
      responseType = io.github.greenroomdev.v1.DeleteProfileResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<io.github.greenroomdev.v1.DeleteProfileRequest,
      io.github.greenroomdev.v1.DeleteProfileResponse> getDeleteProfileMethod() {
    io.grpc.MethodDescriptor<io.github.greenroomdev.v1.DeleteProfileRequest, io.github.greenroomdev.v1.DeleteProfileResponse> getDeleteProfileMethod;
    if ((getDeleteProfileMethod = ProfileServiceGrpc.getDeleteProfileMethod) == null) {
      synchronized (ProfileServiceGrpc.class) {
        if ((getDeleteProfileMethod = ProfileServiceGrpc.getDeleteProfileMethod) == null) {
          ProfileServiceGrpc.getDeleteProfileMethod = getDeleteProfileMethod =
              io.grpc.MethodDescriptor.<io.github.greenroomdev.v1.DeleteProfileRequest, io.github.greenroomdev.v1.DeleteProfileResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteProfile"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.DeleteProfileRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  io.github.greenroomdev.v1.DeleteProfileResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ProfileServiceMethodDescriptorSupplier("DeleteProfile"))
              .build();
        }
      }
    }
    return getDeleteProfileMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static ProfileServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ProfileServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ProfileServiceStub>() {
        @java.lang.Override
        public ProfileServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ProfileServiceStub(channel, callOptions);
        }
      };
    return ProfileServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static ProfileServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ProfileServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ProfileServiceBlockingV2Stub>() {
        @java.lang.Override
        public ProfileServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ProfileServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return ProfileServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static ProfileServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ProfileServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ProfileServiceBlockingStub>() {
        @java.lang.Override
        public ProfileServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ProfileServiceBlockingStub(channel, callOptions);
        }
      };
    return ProfileServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static ProfileServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ProfileServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ProfileServiceFutureStub>() {
        @java.lang.Override
        public ProfileServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ProfileServiceFutureStub(channel, callOptions);
        }
      };
    return ProfileServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * ProfileService keeps named configs. Errors, `request_id` and `etag` are as in SessionService.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * CreateProfile stores a profile. ALREADY_EXISTS: the workspace has one of that name.
     * </pre>
     */
    default void createProfile(io.github.greenroomdev.v1.CreateProfileRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.CreateProfileResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateProfileMethod(), responseObserver);
    }

    /**
     * <pre>
     * GetProfile answers a profile. NOT_FOUND: no such profile.
     * </pre>
     */
    default void getProfile(io.github.greenroomdev.v1.GetProfileRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.GetProfileResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetProfileMethod(), responseObserver);
    }

    /**
     * <pre>
     * ListProfiles answers a page of profiles, by name.
     * </pre>
     */
    default void listProfiles(io.github.greenroomdev.v1.ListProfilesRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.ListProfilesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListProfilesMethod(), responseObserver);
    }

    /**
     * <pre>
     * UpdateProfile changes what the mask names; sessions that exist keep their config. NOT_FOUND: no such profile.
     * ABORTED: etag.
     * </pre>
     */
    default void updateProfile(io.github.greenroomdev.v1.UpdateProfileRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.UpdateProfileResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateProfileMethod(), responseObserver);
    }

    /**
     * <pre>
     * DeleteProfile removes a profile. NOT_FOUND: no such profile. FAILED_PRECONDITION: sessions that are not CLOSED use it
     * (PROFILE_IN_USE). ABORTED: etag.
     * </pre>
     */
    default void deleteProfile(io.github.greenroomdev.v1.DeleteProfileRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.DeleteProfileResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteProfileMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service ProfileService.
   * <pre>
   * ProfileService keeps named configs. Errors, `request_id` and `etag` are as in SessionService.
   * </pre>
   */
  public static abstract class ProfileServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return ProfileServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service ProfileService.
   * <pre>
   * ProfileService keeps named configs. Errors, `request_id` and `etag` are as in SessionService.
   * </pre>
   */
  public static final class ProfileServiceStub
      extends io.grpc.stub.AbstractAsyncStub<ProfileServiceStub> {
    private ProfileServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ProfileServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ProfileServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * CreateProfile stores a profile. ALREADY_EXISTS: the workspace has one of that name.
     * </pre>
     */
    public void createProfile(io.github.greenroomdev.v1.CreateProfileRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.CreateProfileResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateProfileMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * GetProfile answers a profile. NOT_FOUND: no such profile.
     * </pre>
     */
    public void getProfile(io.github.greenroomdev.v1.GetProfileRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.GetProfileResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetProfileMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * ListProfiles answers a page of profiles, by name.
     * </pre>
     */
    public void listProfiles(io.github.greenroomdev.v1.ListProfilesRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.ListProfilesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListProfilesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * UpdateProfile changes what the mask names; sessions that exist keep their config. NOT_FOUND: no such profile.
     * ABORTED: etag.
     * </pre>
     */
    public void updateProfile(io.github.greenroomdev.v1.UpdateProfileRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.UpdateProfileResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateProfileMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * DeleteProfile removes a profile. NOT_FOUND: no such profile. FAILED_PRECONDITION: sessions that are not CLOSED use it
     * (PROFILE_IN_USE). ABORTED: etag.
     * </pre>
     */
    public void deleteProfile(io.github.greenroomdev.v1.DeleteProfileRequest request,
        io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.DeleteProfileResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteProfileMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service ProfileService.
   * <pre>
   * ProfileService keeps named configs. Errors, `request_id` and `etag` are as in SessionService.
   * </pre>
   */
  public static final class ProfileServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<ProfileServiceBlockingV2Stub> {
    private ProfileServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ProfileServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ProfileServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * CreateProfile stores a profile. ALREADY_EXISTS: the workspace has one of that name.
     * </pre>
     */
    public io.github.greenroomdev.v1.CreateProfileResponse createProfile(io.github.greenroomdev.v1.CreateProfileRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateProfileMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetProfile answers a profile. NOT_FOUND: no such profile.
     * </pre>
     */
    public io.github.greenroomdev.v1.GetProfileResponse getProfile(io.github.greenroomdev.v1.GetProfileRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetProfileMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListProfiles answers a page of profiles, by name.
     * </pre>
     */
    public io.github.greenroomdev.v1.ListProfilesResponse listProfiles(io.github.greenroomdev.v1.ListProfilesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListProfilesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * UpdateProfile changes what the mask names; sessions that exist keep their config. NOT_FOUND: no such profile.
     * ABORTED: etag.
     * </pre>
     */
    public io.github.greenroomdev.v1.UpdateProfileResponse updateProfile(io.github.greenroomdev.v1.UpdateProfileRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateProfileMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * DeleteProfile removes a profile. NOT_FOUND: no such profile. FAILED_PRECONDITION: sessions that are not CLOSED use it
     * (PROFILE_IN_USE). ABORTED: etag.
     * </pre>
     */
    public io.github.greenroomdev.v1.DeleteProfileResponse deleteProfile(io.github.greenroomdev.v1.DeleteProfileRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteProfileMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service ProfileService.
   * <pre>
   * ProfileService keeps named configs. Errors, `request_id` and `etag` are as in SessionService.
   * </pre>
   */
  public static final class ProfileServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<ProfileServiceBlockingStub> {
    private ProfileServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ProfileServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ProfileServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * CreateProfile stores a profile. ALREADY_EXISTS: the workspace has one of that name.
     * </pre>
     */
    public io.github.greenroomdev.v1.CreateProfileResponse createProfile(io.github.greenroomdev.v1.CreateProfileRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateProfileMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * GetProfile answers a profile. NOT_FOUND: no such profile.
     * </pre>
     */
    public io.github.greenroomdev.v1.GetProfileResponse getProfile(io.github.greenroomdev.v1.GetProfileRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetProfileMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * ListProfiles answers a page of profiles, by name.
     * </pre>
     */
    public io.github.greenroomdev.v1.ListProfilesResponse listProfiles(io.github.greenroomdev.v1.ListProfilesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListProfilesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * UpdateProfile changes what the mask names; sessions that exist keep their config. NOT_FOUND: no such profile.
     * ABORTED: etag.
     * </pre>
     */
    public io.github.greenroomdev.v1.UpdateProfileResponse updateProfile(io.github.greenroomdev.v1.UpdateProfileRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateProfileMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * DeleteProfile removes a profile. NOT_FOUND: no such profile. FAILED_PRECONDITION: sessions that are not CLOSED use it
     * (PROFILE_IN_USE). ABORTED: etag.
     * </pre>
     */
    public io.github.greenroomdev.v1.DeleteProfileResponse deleteProfile(io.github.greenroomdev.v1.DeleteProfileRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteProfileMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service ProfileService.
   * <pre>
   * ProfileService keeps named configs. Errors, `request_id` and `etag` are as in SessionService.
   * </pre>
   */
  public static final class ProfileServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<ProfileServiceFutureStub> {
    private ProfileServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ProfileServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ProfileServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * CreateProfile stores a profile. ALREADY_EXISTS: the workspace has one of that name.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.CreateProfileResponse> createProfile(
        io.github.greenroomdev.v1.CreateProfileRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateProfileMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * GetProfile answers a profile. NOT_FOUND: no such profile.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.GetProfileResponse> getProfile(
        io.github.greenroomdev.v1.GetProfileRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetProfileMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * ListProfiles answers a page of profiles, by name.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.ListProfilesResponse> listProfiles(
        io.github.greenroomdev.v1.ListProfilesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListProfilesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * UpdateProfile changes what the mask names; sessions that exist keep their config. NOT_FOUND: no such profile.
     * ABORTED: etag.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.UpdateProfileResponse> updateProfile(
        io.github.greenroomdev.v1.UpdateProfileRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateProfileMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * DeleteProfile removes a profile. NOT_FOUND: no such profile. FAILED_PRECONDITION: sessions that are not CLOSED use it
     * (PROFILE_IN_USE). ABORTED: etag.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<io.github.greenroomdev.v1.DeleteProfileResponse> deleteProfile(
        io.github.greenroomdev.v1.DeleteProfileRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteProfileMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_CREATE_PROFILE = 0;
  private static final int METHODID_GET_PROFILE = 1;
  private static final int METHODID_LIST_PROFILES = 2;
  private static final int METHODID_UPDATE_PROFILE = 3;
  private static final int METHODID_DELETE_PROFILE = 4;

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
        case METHODID_CREATE_PROFILE:
          serviceImpl.createProfile((io.github.greenroomdev.v1.CreateProfileRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.CreateProfileResponse>) responseObserver);
          break;
        case METHODID_GET_PROFILE:
          serviceImpl.getProfile((io.github.greenroomdev.v1.GetProfileRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.GetProfileResponse>) responseObserver);
          break;
        case METHODID_LIST_PROFILES:
          serviceImpl.listProfiles((io.github.greenroomdev.v1.ListProfilesRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.ListProfilesResponse>) responseObserver);
          break;
        case METHODID_UPDATE_PROFILE:
          serviceImpl.updateProfile((io.github.greenroomdev.v1.UpdateProfileRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.UpdateProfileResponse>) responseObserver);
          break;
        case METHODID_DELETE_PROFILE:
          serviceImpl.deleteProfile((io.github.greenroomdev.v1.DeleteProfileRequest) request,
              (io.grpc.stub.StreamObserver<io.github.greenroomdev.v1.DeleteProfileResponse>) responseObserver);
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
          getCreateProfileMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.CreateProfileRequest,
              io.github.greenroomdev.v1.CreateProfileResponse>(
                service, METHODID_CREATE_PROFILE)))
        .addMethod(
          getGetProfileMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.GetProfileRequest,
              io.github.greenroomdev.v1.GetProfileResponse>(
                service, METHODID_GET_PROFILE)))
        .addMethod(
          getListProfilesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.ListProfilesRequest,
              io.github.greenroomdev.v1.ListProfilesResponse>(
                service, METHODID_LIST_PROFILES)))
        .addMethod(
          getUpdateProfileMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.UpdateProfileRequest,
              io.github.greenroomdev.v1.UpdateProfileResponse>(
                service, METHODID_UPDATE_PROFILE)))
        .addMethod(
          getDeleteProfileMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              io.github.greenroomdev.v1.DeleteProfileRequest,
              io.github.greenroomdev.v1.DeleteProfileResponse>(
                service, METHODID_DELETE_PROFILE)))
        .build();
  }

  private static abstract class ProfileServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    ProfileServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return io.github.greenroomdev.v1.ProfileServiceProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("ProfileService");
    }
  }

  private static final class ProfileServiceFileDescriptorSupplier
      extends ProfileServiceBaseDescriptorSupplier {
    ProfileServiceFileDescriptorSupplier() {}
  }

  private static final class ProfileServiceMethodDescriptorSupplier
      extends ProfileServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    ProfileServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (ProfileServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new ProfileServiceFileDescriptorSupplier())
              .addMethod(getCreateProfileMethod())
              .addMethod(getGetProfileMethod())
              .addMethod(getListProfilesMethod())
              .addMethod(getUpdateProfileMethod())
              .addMethod(getDeleteProfileMethod())
              .build();
        }
      }
    }
    return result;
  }
}
