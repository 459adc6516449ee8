"""Cuts a stream of bytes into lines, whatever pieces it comes in, without a limit that a real answer could hit."""

from __future__ import annotations

from dataclasses import dataclass

MAX_LINE_BYTES = 64 * 2**20  # lines of 5 MB were seen: the CLI prints a long answer as one, twice
KEPT_OF_OVERLONG = 64 * 1024


@dataclass(frozen=True, slots=True)
class Overlong:
    """A line beyond the limit: `beginning` is its first 64 KiB, the rest is skipped."""

    beginning: bytes


class Framer:
    """Pieces in, lines out (without newline, empty ones left out); the result does not depend on the pieces.

    Each byte is looked at once and copied at most twice, so a long line costs time in proportion to its length.
    """

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max = max_line_bytes
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[bytes | Overlong]:
        """Take a piece of the stream and return the lines that it completes."""
        *ends, rest = data.split(b"\n")
        lines = []
        for end in ends:
            self._add(end)
            if (line := self.close()) is not None:
                lines.append(line)
        self._add(rest)
        return lines

    def close(self) -> bytes | Overlong | None:
        """Return the line that has begun, as if it ended here; None if none has."""
        line = b"".join(self._pieces)
        overlong = self._size > self._max
        self._pieces.clear()
        self._size = 0
        if overlong:
            return Overlong(line[:KEPT_OF_OVERLONG])
        return line or None

    def _add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= self._max:
            self._pieces.append(piece)
        elif self._kept() < KEPT_OF_OVERLONG or len(self._pieces) > 1:
            self._pieces.append(piece[:KEPT_OF_OVERLONG])
            self._pieces = [b"".join(self._pieces)[:KEPT_OF_OVERLONG]]

    def _kept(self) -> int:
        return len(self._pieces[0]) if self._pieces else 0
