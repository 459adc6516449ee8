"""Builds what recognizes callers, in the ways that the settings turn on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog

from greenroomd.app.ports.api_keys import ApiKeyStore
from greenroomd.app.ports.authentication import Authenticator
from greenroomd.identity.api_tokens import ApiTokens
from greenroomd.identity.certificate_holders import NamedHolders
from greenroomd.identity.claimed_grants import ClaimedGrants
from greenroomd.identity.jwt_bearers import JwtBearers
from greenroomd.identity.key_sources import from_file, from_url
from greenroomd.identity.known_callers import KnownCallers
from greenroomd.identity.signing_keys import KeysUnusable, SigningKeys
from greenroomd.settings.record import Settings

log = structlog.get_logger(__name__)

FILE_REFRESH: Final = timedelta(seconds=2)
"""How often a file of keys is compared with what was read."""
URL_REFRESH: Final = timedelta(minutes=15)
"""How often a URL is asked for keys."""
URL_PATIENCE: Final = timedelta(minutes=1)
"""How often it is asked at most because a token names a key that is not known."""


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
            jwts = await stack.enter_async_context(_jwts(settings))
        certificates = NamedHolders(settings.mtls_grants) if "mtls" in settings.authentication else None
        yield KnownCallers(api_tokens=api_tokens, jwts=jwts, certificates=certificates)


@asynccontextmanager
async def _jwts(settings: Settings) -> AsyncIterator[JwtBearers]:
    """Yield what knows the bearers of JSON Web Tokens; raises KeysUnusable for a file that cannot be used."""
    source, issuer, audience = settings.jwt_keys, settings.jwt_issuer, settings.jwt_audience
    assert source is not None
    assert issuer is not None
    assert audience is not None
    is_file = source.startswith("/")
    load = from_file(Path(source)) if is_file else from_url(source, settings.jwt_ca_file)
    keys = SigningKeys(
        load,
        refresh=FILE_REFRESH if is_file else URL_REFRESH,
        patience=FILE_REFRESH if is_file else URL_PATIENCE,
    )
    try:
        await keys.read()
    except KeysUnusable as error:
        if is_file:
            raise
        log.warning("jwt_keys_unusable", error=str(error))  # the issuer may start later than this server
    grants = ClaimedGrants(settings.jwt_grants_claim, settings.jwt_group_grants)
    async with keys.on_duty():
        yield JwtBearers(keys, issuer=issuer, audience=audience, grants=grants)
