"""Keeps secrets out of what is shown: of text from a process, and of the last that it said on stderr."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

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


def secret_values(environment: Mapping[str, str]) -> list[str]:
    """Return the values of variables whose names promise a secret, such as `ANTHROPIC_API_KEY`."""
    return [value for name, value in environment.items() if _SECRET_NAME.search(name)]


class Redactor:
    """Hides known secrets, and in free text also what looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({s for s in secrets if len(s) >= _MIN_SECRET}, key=len, reverse=True)
        self._in_json = [json.dumps(s)[1:-1].encode() for s in known]
        self._patterns = [re.compile("|".join(map(re.escape, known)))] if known else []
        self._patterns.append(_LOOKS_SECRET)
        self.longest = len(known[0].encode()) if known else 0

    def text(self, text: str, *, last: int | None = None) -> str:
        """Return *text* without secrets; with *last*, only that many of its last characters, cut after hiding."""
        for pattern in self._patterns:
            text = pattern.sub(lambda match: _BLANK * len(match[0]), text)
        if last is not None:
            text = text[-last:]
        return re.sub(f"{_BLANK}+", _MASK, text)

    def json_line(self, line: bytes) -> bytes:
        """Return a line of JSON without the known secrets; what merely looks like one stays (it may be code)."""
        for secret in self._in_json:
            if secret in line:
                line = line.replace(secret, _MASK.encode())
        return line


class Tail:
    """The last *limit* bytes that were said, however much it was."""

    def __init__(self, redactor: Redactor, limit: int = 16 * 1024) -> None:
        self._redactor = redactor
        self._limit = limit
        # What is kept beyond the limit lets a secret that lies across its edge be recognized whole.
        self._kept = limit + max(redactor.longest, 1024)
        self._bytes = bytearray()

    def append(self, data: bytes) -> None:
        """Take what was said; memory stays bounded."""
        self._bytes += data[-self._kept :]
        if len(self._bytes) > 2 * self._kept:
            del self._bytes[: -self._kept]

    def text(self) -> str:
        """Return the tail, redacted; bytes that are no UTF-8 and control characters are replaced."""
        said = bytes(self._bytes[-self._kept :]).decode(errors="replace").replace(_BLANK, "\ufffd")
        return self._redactor.text(said, last=self._limit).strip()
