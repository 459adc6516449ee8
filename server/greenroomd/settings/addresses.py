"""The addresses on which the server listens, and which of them need protection."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BeforeValidator, ValidationInfo


class HostPort(NamedTuple):
    """A TCP address. An IPv6 host has no brackets; port 0 means any free port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only programs on this machine can reach it."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def is_local(listen: str) -> bool:
    """Whether only programs on this machine can reach the address `host:port` or `unix:/path`."""
    return listen.startswith("unix:") or _parsed(listen).is_loopback


def lacking(given: Mapping[str, Any]) -> list[str]:
    """Return the settings, by name, that an address needs which other machines reach, and that are not there."""
    tls = [] if given.get("tls_cert_file") else ["tls_cert_file with tls_key_file"]
    return tls if given.get("authentication") else [*tls, "authentication"]


def _parsed(value: str) -> HostPort:
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:]+)\]|([^:\[\]/]+)):([0-9]{1,5})", value)
    if match is None or int(match[3]) > 65535:
        raise ValueError("should be host:port")
    return HostPort(match[1] or match[2], int(match[3]))


def _listen(value: str, info: ValidationInfo) -> str:
    if value.startswith("unix:") and not value.startswith("unix:/"):
        raise ValueError("should be unix: and an absolute path")
    if not is_local(value) and not info.data.get("insecure"):
        missing = " and ".join(lacking(info.data))
        if missing:
            raise ValueError(
                f"{_parsed(value).host} is not a loopback address: whoever reaches the port could run commands here. "
                f"Set {missing}; or insecure = true, if nobody else can reach it; or listen on 127.0.0.1 or unix:/path"
            )
    return value


def _metrics(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, str):
        return value
    address = _parsed(value)
    if not address.is_loopback and not info.data.get("insecure"):
        raise ValueError(
            f"{address.host} is not a loopback address, and metrics have neither TLS nor authentication: "
            "set insecure = true if only the right ones can reach it"
        )
    return address


ListenAddress = Annotated[str, AfterValidator(_listen)]
MetricsAddress = Annotated[HostPort, BeforeValidator(_metrics)]
