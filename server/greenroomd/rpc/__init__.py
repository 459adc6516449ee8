"""The gRPC edge: turns requests into calls of the use cases, results into messages, and errors into statuses."""
