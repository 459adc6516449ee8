"""Callers for tests of the edge: an authenticator that knows them by name, and what they send."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from greenroomd.app.ports.authentication import Credentials
from greenroomd.domain.errors import Unauthenticated
from greenroomd.domain.principal import Grants, Principal, PrincipalKind

Headers = tuple[tuple[str, str], ...]


@dataclass
class Callers:
    """Takes the name of a caller for its credential."""

    known: dict[str, Principal] = field(default_factory=dict)
    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, name: str, *grants: str, expire_time: datetime | None = None) -> Headers:
        """Make a caller known, or change what it may do; return the headers of its calls."""
        self.known[name] = Principal(
            kind=PrincipalKind.TOKEN, subject=name, grants=Grants.of(grants), expire_time=expire_time
        )
        return (("authorization", f"Bearer {name}"),)

    def forget(self, name: str) -> None:
        """Know a caller no more."""
        del self.known[name]

    async def asked_again(self) -> None:
        """Wait until somebody was asked for, after this call."""
        self._asked.clear()
        await self._asked.wait()

    async def principal(self, credentials: Credentials) -> Principal:
        """Return the caller of that name."""
        self._asked.set()
        if credentials.bearer is None:
            raise Unauthenticated("the call carries no credentials", problem="missing")
        if credentials.bearer not in self.known:
            raise Unauthenticated("the credentials are not valid")
        return self.known[credentials.bearer]
