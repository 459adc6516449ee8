"""Builds what recognizes the bearers of JSON Web Tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog

from greenroomd.identity.claimed_grants import ClaimedGrants
from greenroomd.identity.jwt_bearers import JwtBearers
from greenroomd.identity.key_sources import from_file, from_url
from greenroomd.identity.keys_unusable import KeysUnusable
from greenroomd.identity.signing_keys import SigningKeys
from greenroomd.settings.record import Settings

log = structlog.get_logger(__name__)

FILE_REFRESH: Final = timedelta(seconds=2)
"""How often a file of keys is compared with what was read."""
URL_REFRESH: Final = timedelta(minutes=15)
"""How often a URL is asked for keys."""
URL_PATIENCE: Final = timedelta(minutes=1)
"""How often it is asked at most because a token names a key that is not known."""


@asynccontextmanager
async def jwt_bearers(settings: Settings) -> AsyncIterator[JwtBearers]:
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
