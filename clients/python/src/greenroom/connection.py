"""Where a server is and how to speak to it: address, encryption, token, and the published service config."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import resources

import grpc

LARGEST_MESSAGE = 16 * 1024 * 1024  # bytes; above every cap of the contract
USER_AGENT = "greenroom-python"

Token = str | Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How to encrypt the connection, and whom to trust. All files are given as their bytes, in PEM."""

    ca: bytes | None = None
    """The authorities to trust; None: those of the system."""
    certificate: bytes | None = None
    """The client's own certificate, where the server asks for one, followed by those of its authorities."""
    key: bytes | None = field(default=None, repr=False)
    """The private key of `certificate`."""
    server_name: str = ""
    """The name that the server's certificate has to have; empty: the host in the target."""

    def __post_init__(self) -> None:
        """Raise ValueError for half a pair."""
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How a client reaches its server.

    `tls` is False for a plain connection, True for one that trusts the system's authorities, the PEM bytes of the
    authority to trust, or a `Tls` that says more. `token` is sent as a bearer token with every call; a function is
    asked each time, such as a `TokenFile`. Raises ValueError for a token that would leave this machine unencrypted.
    """

    target: str
    tls: bool | bytes | Tls = False
    token: Token = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Refuse to send a token where others could read it."""
        if self.token and self.tls is False and not stays_here(self.target):
            raise ValueError(f"the token for {self.target} could be read on its way: use tls")

    def credentials(self) -> grpc.ChannelCredentials | None:
        """Return what a secure channel needs; None for a plain one."""
        if self.tls is False:
            return None
        if isinstance(self.tls, Tls):
            return grpc.ssl_channel_credentials(self.tls.ca, self.tls.key, self.tls.certificate)
        return grpc.ssl_channel_credentials(None if self.tls is True else self.tls)

    def options(self) -> list[tuple[str, str | int]]:
        """Return the options of the channel."""
        named = isinstance(self.tls, Tls) and self.tls.server_name
        override = [("grpc.ssl_target_name_override", named)] if named else []
        return [*channel_options(), *override]

    def metadata(self) -> Sequence[tuple[str, str]]:
        """Return what every call carries."""
        token = self.token() if callable(self.token) else self.token
        return (("authorization", f"Bearer {token}"),) if token else ()


def stays_here(target: str) -> bool:
    """Whether a connection to the target of a channel does not leave this machine."""
    if target.startswith(("unix:", "unix-abstract:")):
        return True
    address = re.sub(r"^(dns:(///)?|ipv4:|ipv6:|passthrough:///)", "", target)
    host = re.sub(r":\d*$", "", address) if address.count(":") == 1 or "]" in address else address
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


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
