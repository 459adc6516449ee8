"""What else of the environment the server reads or sets, besides its settings."""

import os


def disable_grpc_fork_handlers() -> None:
    """Keep gRPC from preparing for forks; call it before grpc is imported. We fork only to exec, which needs none."""
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"


def search_path() -> str:
    """Return the PATH on which programs are looked for."""
    return os.environ.get("PATH", os.defpath)
