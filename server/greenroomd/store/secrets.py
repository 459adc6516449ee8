"""Secrets at rest: encrypted with AES-256-GCM. The key is in a file of its own, never in the database.

The key file holds `{"current": <id>, "keys": {<id>: <base64>}}`. Each sealed value names its key, so that old keys
still open their values after a new key becomes current. All nodes on one database need the same file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from greenroomd.domain.config import ApiKey, Secret
from greenroomd.domain.retryable_errors import StoreUnavailable

_NONCE_BYTES: Final = 12
_API_KEY: Final = "\0api-key\0"
"""Comes before a sealed API key; no token can begin with it, since it is no visible ASCII."""


class KeyFileUnusable(Exception):
    """The key file cannot be used; the text says what to do."""


class Keyring:
    """The keys of one file. A value is bound to its session: it cannot be opened in another session's row."""

    def __init__(self, path: Path, current: str, keys: Mapping[str, bytes]) -> None:
        self._path = path
        self._current = current
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}

    def holds(self, key_id: str) -> bool:
        """Whether a value sealed under this key can be opened."""
        return key_id in self._ciphers

    def seal(self, session_id: str, secret: Secret) -> tuple[str, bytes]:
        """Return the id of the key and the sealed value."""
        nonce = os.urandom(_NONCE_BYTES)
        text = (_API_KEY if isinstance(secret, ApiKey) else "") + secret.reveal()
        sealed = self._ciphers[self._current].encrypt(nonce, text.encode(), session_id.encode())
        return self._current, nonce + sealed

    def open(self, session_id: str, key_id: str, sealed: bytes) -> Secret:
        """Return a sealed value; raises StoreUnavailable if the key is missing or wrong."""
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise StoreUnavailable(f"a token is sealed under key {key_id}, which {self._path} does not hold")
        try:
            value = cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], session_id.encode())
        except (InvalidTag, ValueError) as error:
            raise StoreUnavailable(f"the stored token of session {session_id} has been altered") from error
        text = value.decode()
        return ApiKey(text.removeprefix(_API_KEY)) if text.startswith(_API_KEY) else Secret(text)


def open_keyring(path: Path) -> Keyring:
    """Return the keys in the file; create it with a new key if it does not exist. Raises KeyFileUnusable."""
    if not path.exists():
        _create(path)
    mode = path.stat().st_mode
    if mode & 0o077:
        raise KeyFileUnusable(f"{path} is open to others (mode {mode & 0o777:o}); run: chmod 600 {path}")
    try:
        document = json.loads(path.read_text(encoding="ascii"))
        current = document["current"]
        keys = {key_id: base64.b64decode(key, validate=True) for key_id, key in document["keys"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise KeyFileUnusable(f"{path} is not a key file of this service: {error}") from error
    for key_id, key in keys.items():
        if key_id != _id_of(key):
            raise KeyFileUnusable(f"{path}: key {key_id} is not the key it is called by; restore the file")
    if current not in keys:
        raise KeyFileUnusable(f"{path} does not hold its current key {current}; restore the file")
    return Keyring(path, current, keys)


def _id_of(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()[:16]


def _create(path: Path) -> None:
    """Create a file with one new key atomically, even if several nodes do so at once."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = AESGCM.generate_key(bit_length=256)
    document = {"current": _id_of(key), "keys": {_id_of(key): base64.b64encode(key).decode()}}
    # A random name: in a container, a crashed predecessor may have had the same pid.
    draft = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        json.dump(document, file)
        file.flush()
        os.fsync(file.fileno())
    try:
        with suppress(FileExistsError):  # another node was first; use its key
            os.link(draft, path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)  # the file's name must be as durable as the values sealed with its key
    finally:
        os.close(folder)
