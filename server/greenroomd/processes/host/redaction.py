"""Hides secrets in text from a process, and in the end of its error output."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_MASK = "[redacted]"
_BLANK = "\0"  # stands for one hidden character until the text is cut; stderr text holds no NUL
_MIN_SECRET = 8  # shorter ones would blank out ordinary words
_SECRET_NAME = re.compile(r"(?i)key|token|secret|passw|auth|credential|header|cookie")
_LOOKS_SECRET = re.compile(
    r"sk-[\w-]{16,}"
    r"|gh[pousr]_\w{20,}|github_pat_\w{20,}"
    r"|xox[a-z]-[\w-]{10,}"
    r"|AKIA[0-9A-Z]{16}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|(?i:bearer|basic) +[\w.~+/=-]{8,}"
    r"|(?i:(?<=api[_-]key)|(?<=apikey)|(?<=token)|(?<=secret)|(?<=password))[\"']?\s*[:=]\s*[\"']?[^\s\"',;]{8,}"
)


def secret_values(named: Any, *, name: str = "") -> list[str]:
    """Return the texts in a JSON value that have the name of a secret, such as `ANTHROPIC_API_KEY`, at any depth."""
    if isinstance(named, str):
        return [named] if _SECRET_NAME.search(name) else []
    if isinstance(named, Mapping):
        return [secret for inner in named for secret in secret_values(named[inner], name=inner)]
    if isinstance(named, Sequence):
        return [secret for value in named for secret in secret_values(value, name=name)]
    return []


class Redactor:
    """Hides secrets: the `server`'s in all output, the `session`'s and what looks like a secret in free text.

    A session's tools may print the session's own secrets, but never the server's. Only what
    stands whole in one line or text is found: not a secret that a model spells out over several deltas.
    """

    def __init__(self, server: Iterable[str] = (), session: Iterable[str] = ()) -> None:
        self._servers: set[str] = set()
        self._sessions: set[str] = set()
        self._know(server, session)

    def learn(self, other: Redactor) -> None:
        """From now on, also hide what another redactor hides."""
        self._know(other._servers, other._sessions)

    def _know(self, server: Iterable[str], session: Iterable[str]) -> None:
        self._servers.update(secret for secret in server if len(secret) >= _MIN_SECRET)
        self._sessions.update(secret for secret in session if len(secret) >= _MIN_SECRET)
        known = sorted(self._servers | self._sessions, key=len, reverse=True)
        self._in_json = sorted({form for s in self._servers for form in _in_json(s)}, key=len, reverse=True)
        self._patterns = [re.compile("|".join(map(re.escape, known)))] if known else []
        self._patterns.append(_LOOKS_SECRET)
        self.longest = len(known[0].encode()) if known else 0

    def text(self, text: str, *, last: int | None = None) -> str:
        """Return `text` without secrets; with `last`, only that many of its last characters, cut after hiding."""
        for pattern in self._patterns:
            text = pattern.sub(lambda match: _BLANK * len(match[0]), text)
        if last is not None:
            text = text[-last:]
        return re.sub(f"{_BLANK}+", _MASK, text)

    def json_line(self, line: bytes) -> bytes:
        """Return a line of JSON, or what there is of one, without the server's secrets."""
        for secret in self._in_json:
            if secret in line:
                line = line.replace(secret, _MASK.encode())
        return line


def _in_json(secret: str) -> tuple[bytes, bytes]:
    """Return the two ways to write a text in JSON: JavaScript leaves characters beyond ASCII as they are."""
    plain = json.dumps(secret, ensure_ascii=False)[1:-1]
    return plain.encode(errors="surrogateescape"), json.dumps(secret)[1:-1].encode()


class OutputTail:
    """The last `limit` bytes of an output."""

    def __init__(self, redactor: Redactor, limit: int = 16 * 1024) -> None:
        self._redactor = redactor
        self._limit = limit
        self._bytes = bytearray()

    def append(self, data: bytes) -> None:
        """Add output; at most about twice the limit is kept in memory."""
        size = self._size
        self._bytes += data[-size:]
        if len(self._bytes) > 2 * size:
            del self._bytes[:-size]

    def text(self) -> str:
        """Return the tail, redacted; bytes that are no UTF-8 and control characters are replaced."""
        said = bytes(self._bytes[-self._size :]).decode(errors="replace").replace(_BLANK, "\ufffd")
        return self._redactor.text(said, last=self._limit).strip()

    @property
    def _size(self) -> int:
        """How many bytes to keep: more than the limit, so that a secret across its edge is recognized whole."""
        return self._limit + max(self._redactor.longest, 1024)
