"""Builds what recognizes callers, in the ways that the settings turn on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from greenroomd.app.ports.api_keys import ApiKeyStore
from greenroomd.app.ports.authentication import Authenticator
from greenroomd.identity.api_tokens import ApiTokens
from greenroomd.identity.known_callers import KnownCallers
from greenroomd.settings.record import Settings


@asynccontextmanager
async def authentication(settings: Settings, api_keys: ApiKeyStore) -> AsyncIterator[Authenticator | None]:
    """Yield what knows the callers while the block runs; None if every caller is local."""
    if not settings.authentication:
        yield None
        return
    async with AsyncExitStack() as stack:
        api_tokens = None
        if "token" in settings.authentication:
            api_tokens = ApiTokens(api_keys)
            await stack.enter_async_context(api_tokens.on_duty())
        jwts = None
        if "jwt" in settings.authentication:
            from greenroomd.wiring.build_jwt_bearers import jwt_bearers  # loading its library takes 40 ms

            jwts = await stack.enter_async_context(jwt_bearers(settings))
        certificates = None
        if "mtls" in settings.authentication:
            from greenroomd.identity.certificate_holders import (
                NamedHolders,  # loading its library takes 35 ms
            )

            certificates = NamedHolders(settings.mtls_grants)
        yield KnownCallers(api_tokens=api_tokens, jwts=jwts, certificates=certificates)
