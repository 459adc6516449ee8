"""Environment variables that the server reads or sets besides its settings."""

import os


def disable_grpc_fork_handlers() -> None:
    """Disable gRPC's fork handlers: we fork only to exec, which does not need them. Call it before importing grpc."""
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"


def search_path() -> str:
    """Return the PATH on which to look for programs."""
    return os.environ.get("PATH", os.defpath)
