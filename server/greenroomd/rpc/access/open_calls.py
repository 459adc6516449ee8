"""Ends a call that lasts once its caller may no longer have it: its credential ran out, was revoked or lost a grant."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from greenroomd.app.ports.authentication import Authenticator, Credentials
from greenroomd.domain.errors import GreenroomError, Unauthenticated
from greenroomd.domain.principal import Principal
from greenroomd.domain.retryable_errors import Unavailable
from greenroomd.rpc.rpc_context import Call

LOOKS_EVERY = timedelta(seconds=1.5)
"""How often the credentials of open calls are looked at again. Together with the age of what an authenticator
remembers, less than the 5 s that are promised.
"""


@dataclass(slots=True, eq=False)
class _OpenCall:
    """One call that lasts."""

    call: Call
    allowed: Callable[[], Awaitable[None]]
    """Raises if the caller may no longer have what it asked for."""
    limit: asyncio.Timeout
    """Ends the call."""
    refusal: GreenroomError | None = None
    """Why it was ended; None: its credential ran out."""

    def expire_with(self, principal: Principal) -> None:
        """End the call when the credential runs out."""
        if principal.expire_time is None:
            self.limit.reschedule(None)
        else:
            left = (principal.expire_time - datetime.now(UTC)).total_seconds()
            self.limit.reschedule(asyncio.get_running_loop().time() + left)

    def end(self, refusal: GreenroomError) -> None:
        """End the call with an error."""
        self.refusal = refusal
        self.limit.reschedule(asyncio.get_running_loop().time())


class OpenCalls:
    """The calls that last, by credentials: each is looked at once, however many calls it has."""

    def __init__(self, authenticator: Authenticator, *, every: timedelta = LOOKS_EVERY) -> None:
        self._authenticator = authenticator
        self._every = every.total_seconds()
        self._calls: dict[Credentials, set[_OpenCall]] = {}

    @asynccontextmanager
    async def attending(
        self, call: Call, credentials: Credentials, allowed: Callable[[], Awaitable[None]]
    ) -> AsyncIterator[None]:
        """Let the block run until the caller may no longer have it; then cancel it, and raise why.

        After each change of the caller's grants, `allowed` decides whether the call may go on.
        """
        limit = asyncio.timeout(None)
        opened = _OpenCall(call, allowed, limit)
        try:
            async with limit:
                self._calls.setdefault(credentials, set()).add(opened)
                opened.expire_with(call.principal)
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            raise opened.refusal or Unauthenticated(
                "the credentials have expired", problem="expired"
            ) from None
        finally:
            same = self._calls[credentials]
            same.discard(opened)
            if not same:
                del self._calls[credentials]

    async def look(self) -> None:
        """Look at the credentials of all open calls, again and again."""
        while True:
            await asyncio.sleep(self._every)
            for credentials in list(self._calls):
                await self._look_at(credentials)

    async def _look_at(self, credentials: Credentials) -> None:
        try:
            principal = await self._authenticator.principal(credentials)
        except Unauthenticated as refusal:
            for opened in self._calls.get(credentials, ()):
                opened.end(refusal)
            return
        except Unavailable:
            return  # nobody can have revoked it in a database that does not answer
        for opened in list(self._calls.get(credentials, ())):
            before, opened.call.principal = opened.call.principal, principal
            if principal.expire_time != before.expire_time:
                opened.expire_with(principal)
            if principal.grants != before.grants:
                await _regranted(opened)


async def _regranted(opened: _OpenCall) -> None:
    try:
        await opened.allowed()
    except Unavailable:
        return
    except GreenroomError as refusal:
        opened.end(refusal)
        return
    if opened.call.when_regranted is not None:
        opened.call.when_regranted()
