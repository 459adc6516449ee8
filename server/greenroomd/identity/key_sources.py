"""Where an issuer's keys come from: a file that is read again when it changes, or an https URL."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from greenroomd.identity.keys_unusable import KeysUnusable
from greenroomd.identity.signing_keys import Load

MOST_BYTES: Final = 1024 * 1024
"""The size of the largest key set that is read."""
TIMEOUT: Final = 10.0
"""How long an issuer may take to answer, in seconds."""


def from_file(path: Path) -> Load:
    """Return what reads keys from a file, in a thread, if the file is another or has been written."""
    seen: tuple[int, int, int] | None = None

    def read() -> bytes | None:
        nonlocal seen
        try:
            with path.open("rb") as file:
                status = path.stat()
                is_now = (status.st_ino, status.st_mtime_ns, status.st_size)
                if is_now == seen:
                    return None
                raw = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise KeysUnusable(f"{path}: {error.strerror}") from None
        if len(raw) > MOST_BYTES:
            raise KeysUnusable(f"{path} is larger than {MOST_BYTES} bytes")
        seen = is_now
        return raw

    async def load() -> bytes | None:
        return await asyncio.to_thread(read)

    return load


def from_url(url: str, authorities: Path | None) -> Load:
    """Return what asks an https URL for keys; it follows no redirection.

    `authorities` is a file of certificates to trust; None: those that every program trusts.
    """
    import ssl

    import httpx2  # takes 0.1 s, which a start without this does not need

    async def load() -> bytes | None:
        try:
            trusted = ssl.create_default_context(cafile=authorities)
            async with (
                httpx2.AsyncClient(verify=trusted, timeout=TIMEOUT, trust_env=False) as client,
                asyncio.timeout(TIMEOUT),
                client.stream("GET", url) as answer,
            ):
                if answer.status_code != 200:
                    raise KeysUnusable(f"{url} answers {answer.status_code}")
                raw = b""
                async for chunk in answer.aiter_bytes():
                    raw += chunk
                    if len(raw) > MOST_BYTES:
                        raise KeysUnusable(f"{url} answers more than {MOST_BYTES} bytes")
                return raw
        except (httpx2.HTTPError, OSError) as error:  # a TimeoutError is an OSError
            raise KeysUnusable(f"{url} does not answer: {type(error).__name__}") from None

    return load
