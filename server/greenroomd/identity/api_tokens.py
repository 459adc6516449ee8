"""Recognizes API tokens: keys are read once and kept in memory, and what the command line changes is asked for."""

from __future__ import annotations

import asyncio
import hmac
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from greenroomd.app.background import background_tasks, restarting
from greenroomd.app.ports.api_keys import ApiKeyStore
from greenroomd.domain.api_key import ApiKey
from greenroomd.domain.errors import Unauthenticated
from greenroomd.domain.principal import Principal, PrincipalKind
from greenroomd.domain.retryable_errors import Unavailable
from greenroomd.identity.api_token import parse_token
from greenroomd.identity.refusals import expired, invalid

ASKS_EVERY: Final = timedelta(seconds=1)
"""How often the store is asked which keys have changed."""
SAVES_EVERY: Final = timedelta(seconds=30)
"""How often it is stored when keys were used."""
MOST_KEYS: Final = 10_000
"""How many keys are kept in memory."""
MOST_UNKNOWN: Final = 1_000
"""How many ids are kept of which it is known that they name no key."""
LOOK_UPS: Final = 2
"""How many keys are read at once: guesses must not keep all reads of the store waiting."""

T = TypeVar("T")

_NO_DIGEST: Final = bytes(32)


class ApiTokens:
    """The tokens of stored keys."""

    def __init__(self, store: ApiKeyStore) -> None:
        self._store = store
        self._known: OrderedDict[str, tuple[ApiKey, Principal]] = OrderedDict()
        self._unknown: OrderedDict[str, None] = OrderedDict()
        self._last_change = 0
        self._reading = asyncio.Semaphore(LOOK_UPS)
        self._used: dict[str, datetime] = {}

    async def principal(self, token: str) -> Principal:
        """Return who bears a token; raises Unauthenticated, StoreUnavailable.

        What is wrong with a token is told only to whoever knows its secret.
        """
        parsed = parse_token(token)
        if parsed is None:
            raise invalid()
        key_id, digest = parsed
        found = self._known.get(key_id) or await self._look_up(key_id)
        same = hmac.compare_digest(_NO_DIGEST if found is None else found[0].digest, digest)
        if found is None or not same:
            raise invalid()
        key, principal = found
        now = datetime.now(UTC)
        if key.revoke_time is not None:
            raise Unauthenticated("the credentials have been revoked", problem="revoked")
        if key.expire_time is not None and key.expire_time <= now:
            raise expired()
        self._used[key_id] = now
        return principal

    @asynccontextmanager
    async def on_duty(self) -> AsyncIterator[None]:
        """Follow the changes of keys, and store their use, while the block runs."""
        async with background_tasks(
            restarting("api_key_changes", self._follow), restarting("api_key_uses", self._save)
        ):
            yield
        with suppress(Unavailable):
            await self._save_uses()

    async def _look_up(self, key_id: str) -> tuple[ApiKey, Principal] | None:
        """Read a key, and keep it until it changes."""
        if key_id in self._unknown:
            return None
        async with self._reading:
            while key_id not in self._known:
                before = self._last_change
                key = await self._store.api_key(key_id)
                if before != self._last_change:
                    continue  # what was read may have been changed before the last look at changes
                if key is None:
                    _keep(self._unknown, key_id, None, MOST_UNKNOWN)
                    return None
                self._keep(key)
        return self._known.get(key_id)

    def _keep(self, key: ApiKey) -> None:
        principal = Principal(
            kind=PrincipalKind.TOKEN, subject=key.key_id, grants=key.grants, expire_time=key.expire_time
        )
        _keep(self._known, key.key_id, (key, principal), MOST_KEYS)

    async def _follow(self) -> None:
        """Take over what has changed, again and again. While the store does not answer, nobody can change anything."""
        while True:
            with suppress(Unavailable):
                last, changed = await self._store.changed_api_keys(self._last_change)
                if last != self._last_change:
                    self._last_change = last
                    for key in changed:
                        self._unknown.pop(key.key_id, None)
                        if key.key_id in self._known:
                            self._keep(key)
            await asyncio.sleep(ASKS_EVERY.total_seconds())

    async def _save(self) -> None:
        while True:
            await asyncio.sleep(SAVES_EVERY.total_seconds())
            with suppress(Unavailable):
                await self._save_uses()

    async def _save_uses(self) -> None:
        uses, self._used = self._used, {}
        if uses:
            await self._store.save_uses(uses)


def _keep(kept: OrderedDict[str, T], key_id: str, value: T, most: int) -> None:
    kept[key_id] = value
    if len(kept) > most:
        kept.popitem(last=False)
