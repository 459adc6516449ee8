"""Where a server is and how to speak to it: address, encryption, token, and the published service config."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources

import grpc

LARGEST_MESSAGE = 16 * 1024 * 1024  # bytes; above every cap of the contract
USER_AGENT = "greenroom-python"

Token = str | Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How a client reaches its server.

    `tls` is False for a plain connection, True for one that trusts the system's authorities, or the PEM bytes of the
    authority to trust. `token` is sent as a bearer token with every call; a function is asked each time. A token
    on a plain connection can be read on its way: use it so only on the server's own host.
    """

    target: str
    tls: bool | bytes = False
    token: Token = ""

    def credentials(self) -> grpc.ChannelCredentials | None:
        """Return what a secure channel needs; None for a plain one."""
        if self.tls is False:
            return None
        return grpc.ssl_channel_credentials(None if self.tls is True else self.tls)

    def metadata(self) -> Sequence[tuple[str, str]]:
        """Return what every call carries."""
        token = self.token() if callable(self.token) else self.token
        return (("authorization", f"Bearer {token}"),) if token else ()


def channel_options() -> list[tuple[str, str | int]]:
    """Return the options of every channel; `protos/service_config.json` is published inside this package."""
    return [
        ("grpc.service_config", resources.files("greenroom").joinpath("service_config.json").read_text()),
        ("grpc.primary_user_agent", USER_AGENT),
        ("grpc.max_receive_message_length", LARGEST_MESSAGE),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # the wait between attempts is ours; the channel's own must not outlast it
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.min_reconnect_backoff_ms", 1_000),
        ("grpc.max_reconnect_backoff_ms", 2_000),
    ]
