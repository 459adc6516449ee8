"""API keys: what the server knows of a token that it gave to a program."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from greenroomd.domain.principal import Grants


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is stored of a token: never the token itself."""

    key_id: str
    """The part of the token that is no secret; it names the key in commands and events."""
    name: str
    """A name for people."""
    digest: bytes = field(repr=False)
    """The SHA-256 of the secret."""
    grants: Grants
    """What its bearer may do."""
    create_time: datetime
    """When it was made."""
    expire_time: datetime | None = None
    """From when on it is refused; None: never."""
    revoke_time: datetime | None = None
    """When it was revoked; None: it was not."""
    use_time: datetime | None = None
    """When it was used last, up to a minute ago; None: never."""

    def state(self, now: datetime) -> str:
        """Return `active`, `expired` or `revoked`."""
        if self.revoke_time is not None:
            return "revoked"
        return "expired" if self.expire_time is not None and self.expire_time <= now else "active"
