"""The gRPC edge: requests become calls of the use cases, their answers become messages, their errors statuses."""
