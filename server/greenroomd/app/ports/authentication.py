"""Authentication: who presents these credentials."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from greenroomd.domain.principal import Principal


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a call presents; its text shows no secret."""

    bearer: str | None = field(default=None, repr=False)
    """What follows `Bearer` in the `authorization` header; "" for a header that cannot be read, None for no header."""
    certificate: bytes = field(default=b"", repr=False)
    """The client's certificate as PEM, already verified by TLS; empty for none."""


class Authenticator(Protocol):
    """Knows the callers."""

    async def principal(self, credentials: Credentials) -> Principal:
        """Return who presents the credentials.

        It is cheap to call for each RPC, and again for a call that lasts: what was revoked or has run out is noticed
        within seconds. Raises Unauthenticated, StoreUnavailable.
        """
        ...
