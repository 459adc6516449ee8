"""The guard of all RPCs: asks who calls, then whether the caller may, before anything is read for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

from greenroomd.app.background import background_tasks, restarting
from greenroomd.app.ports.authentication import Authenticator
from greenroomd.app.usecases.workspaces import Workspaces
from greenroomd.domain.errors import NotFound
from greenroomd.domain.principal import LOCAL, Principal
from greenroomd.rpc.access.access_check import AccessCheck
from greenroomd.rpc.access.access_table import Rule
from greenroomd.rpc.access.credentials import credentials_of
from greenroomd.rpc.access.open_calls import OpenCalls
from greenroomd.rpc.rpc_context import Call, Context
from greenroomd.rpc.stream.cursor_codec import CursorCodec

_UNATTENDED: AbstractAsyncContextManager[None] = nullcontext()


class Guard:
    """Admits calls. Without an `authenticator` everybody is LOCAL: for a server that only this machine can reach.

    With `certificates` it looks at those of the clients too.
    """

    def __init__(
        self,
        workspaces: Workspaces,
        cursors: CursorCodec,
        authenticator: Authenticator | None = None,
        *,
        certificates: bool = False,
    ) -> None:
        self._check = AccessCheck(workspaces, cursors)
        self._authenticator = authenticator
        self._certificates = certificates
        self._open_calls = None if authenticator is None else OpenCalls(authenticator)

    async def principal(self, context: Context) -> Principal:
        """Return who calls; raises Unauthenticated, StoreUnavailable."""
        if self._authenticator is None:
            return LOCAL
        credentials = credentials_of(context, certificates=self._certificates)
        return await self._authenticator.principal(credentials)

    async def check(self, rule: Rule, request: Any, call: Call) -> NotFound | None:
        """Decide whether the caller may have what a request names, as `AccessCheck.check` does."""
        return await self._check.check(rule, request, call.principal.grants)

    def attending(self, rule: Rule, request: Any, call: Call) -> AbstractAsyncContextManager[None]:
        """End the block, if the call is one that lasts, once its caller may no longer have it, and raise why."""
        if self._open_calls is None or not rule.lasting:
            return _UNATTENDED

        async def allowed() -> None:
            if (absent := await self.check(rule, request, call)) is not None:
                raise absent

        credentials = credentials_of(call.context, certificates=self._certificates)
        return self._open_calls.attending(call, credentials, allowed)

    @asynccontextmanager
    async def on_duty(self) -> AsyncIterator[None]:
        """Look after the calls that last while the block runs."""
        if self._open_calls is None:
            yield
            return
        async with background_tasks(restarting("open_calls", self._open_calls.look)):
            yield
