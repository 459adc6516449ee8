"""Messages (`*_pb2`) and stubs (`*_pb2_grpc`) of the protobuf package `greenroom.v1`."""
