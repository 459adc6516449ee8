"""The keys with which an issuer signs its JSON Web Tokens: read at the start, and again when they change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from greenroomd.app.background import background_tasks, restarting
from greenroomd.identity.keys_unusable import KeysUnusable

log = structlog.get_logger(__name__)

SMALLEST_RSA: Final = 2048
"""Bits of the smallest RSA key that is used."""

_BY_TYPE: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    ("RSA", ""): frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("EC", "P-521"): frozenset({"ES512"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA"}),
    ("OKP", "Ed448"): frozenset({"EdDSA"}),
}
"""By type and curve of a key, the algorithms that it is for. A key says that itself: a token cannot choose another."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key."""

    public: Any
    """The key, as `cryptography` has it."""
    algorithms: frozenset[str]
    """The algorithms with which it may be used."""


Load = Callable[[], Awaitable[bytes | None]]
"""Reads a JSON Web Key Set; None if it has not changed since the last time. Raises KeysUnusable."""


class SigningKeys:
    """The keys of an issuer, by `kid`.

    They are read again every `refresh`, and for an unknown `kid`, but then at most every `patience`: whoever invents
    some must not keep the server reading.
    """

    def __init__(self, load: Load, *, refresh: timedelta, patience: timedelta) -> None:
        self.generation = 0
        """Rises whenever the keys change: what an older one has proven is to be proven again."""
        self._load = load
        self._refresh = refresh.total_seconds()
        self._patience = patience.total_seconds()
        self._keys: Mapping[str, SigningKey] = {}
        self._raw = b""
        self._reading = asyncio.Lock()
        self._not_before = 0.0

    async def find(self, kid: str) -> SigningKey | None:
        """Return a key; None if the issuer has none with this `kid`."""
        found = self._keys.get(kid)
        if found is not None:
            return found
        async with self._reading:  # whoever comes meanwhile waits for the same reading
            now = asyncio.get_running_loop().time()
            if kid not in self._keys and now >= self._not_before:
                self._not_before = now + self._patience
                await self._read_or_keep()
        return self._keys.get(kid)

    async def read(self) -> None:
        """Read the keys if they have changed; raises KeysUnusable."""
        raw = await self._load()
        if raw is not None and raw != self._raw:
            self._keys, self._raw = parse_keys(raw), raw
            self.generation += 1

    @asynccontextmanager
    async def on_duty(self) -> AsyncIterator[None]:
        """Read the keys again and again while the block runs."""
        async with background_tasks(restarting("jwt_keys", self._follow)):
            yield

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._refresh)
            async with self._reading:
                await self._read_or_keep()

    async def _read_or_keep(self) -> None:
        """Read the keys; if that fails, those that are known stay."""
        try:
            await self.read()
        except KeysUnusable as error:
            log.warning("jwt_keys_unusable", error=str(error))


def parse_keys(raw: bytes) -> Mapping[str, SigningKey]:
    """Return the usable keys of a JSON Web Key Set; raises KeysUnusable if it is none.

    Left out are keys without a `kid`, of other kinds (secrets, too short, not for signatures), and two of one `kid`.
    """
    try:
        entries = list(json.loads(raw)["keys"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise KeysUnusable("this is no JSON Web Key Set") from None
    found: dict[str, SigningKey | None] = {}
    for entry in entries:
        kid = entry.get("kid") if isinstance(entry, dict) else None
        if isinstance(kid, str) and kid:
            found[kid] = None if kid in found else _key_of(entry)
    return {kid: key for kid, key in found.items() if key is not None}


def _key_of(entry: Mapping[str, Any]) -> SigningKey | None:
    curve = "" if entry.get("kty") == "RSA" else str(entry.get("crv"))
    algorithms = _BY_TYPE.get((str(entry.get("kty")), curve))
    operations = entry.get("key_ops")
    signs = operations is None or (isinstance(operations, list) and "verify" in operations)
    if algorithms is None or entry.get("use", "sig") != "sig" or not signs:
        return None
    if "alg" in entry:
        algorithms &= {str(entry["alg"])}
    if not algorithms:
        return None
    public = {name: value for name, value in entry.items() if name not in ("d", "p", "q", "dp", "dq", "qi")}
    try:
        key = jwt.PyJWK(public, algorithm=min(algorithms)).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    if isinstance(key, RSAPublicKey) and key.key_size < SMALLEST_RSA:
        return None
    return SigningKey(key, algorithms)
