"""The port to stored API keys. The operator's command line changes them; the server reads them and notes their use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from greenroomd.domain.api_key import ApiKey


class ApiKeyStore(Protocol):
    """The stored keys. Every method may raise StoreUnavailable."""

    async def api_key(self, key_id: str) -> ApiKey | None:
        """Return a key; None if there is none with this id."""
        ...

    async def changed_api_keys(self, after: int) -> tuple[int, Sequence[ApiKey]]:
        """Return the number of the last change of any key, and the keys that were changed after the change `after`."""
        ...

    async def save_uses(self, uses: Mapping[str, datetime]) -> None:
        """Store durably when keys were used last, by id; a key that is gone is left out."""
        ...
