"""What `make bench` runs: every figure beside a bare grpc.aio server in the same run."""
