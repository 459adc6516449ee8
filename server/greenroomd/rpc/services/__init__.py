"""The gRPC services, one file each, with health and reflection."""
