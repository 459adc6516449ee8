"""Error output as it comes: whole lines, without secrets, and only so much of it a second."""

from __future__ import annotations

import time
from collections.abc import Callable

from greenroomd.processes.host.redaction import Redactor

LONGEST_LINE = 4 * 1024
"""How many characters of a line are shown."""

MOST_PER_SECOND = 64 * 1024
"""How many bytes are shown in a second; what comes beyond them is only counted."""

_BLANK = "\0"  # the redactor's own sign; no text of a process may hold it


class StderrLines:
    """Cuts error output into pieces of whole lines.

    Only a whole line is searched for secrets, so none is shown of which a part has not come yet.
    """

    def __init__(self, redactor: Redactor, clock: Callable[[], float] = time.monotonic) -> None:
        self._redactor = redactor
        self._clock = clock
        self._line = bytearray()
        self._overlong = False
        self._second = 0.0
        self._shown = 0
        self._left_out = 0

    def feed(self, data: bytes) -> str:
        """Return the lines that have become complete, each with its newline; "" for none."""
        *complete, rest = data.split(b"\n")
        lines = []
        for piece in complete:
            self._extend(piece)
            lines.append(self._taken())
        self._extend(rest)
        return "".join(lines)

    def close(self) -> str:
        """Return a last line that has no end; "" for none."""
        return self._taken() if self._line or self._left_out else ""

    def _extend(self, piece: bytes) -> None:
        """Add to the line; keep just enough beyond the cut to find a secret that crosses it."""
        room = self._kept - len(self._line)
        self._overlong |= len(piece) > room
        self._line += piece[: max(0, room)]

    def _taken(self) -> str:
        """Return the line and begin the next one; "" if too much was shown in this second."""
        size = len(self._line)
        line, self._line, overlong, self._overlong = bytes(self._line), bytearray(), self._overlong, False
        now = self._clock()
        if now - self._second >= 1.0:
            self._second, self._shown = now, 0
        if self._shown + size > MOST_PER_SECOND:
            self._left_out += 1
            return ""
        self._shown += size
        note, self._left_out = _note(self._left_out), 0
        text = self._redactor.text(line.decode(errors="replace").replace(_BLANK, "\ufffd"))
        cut = overlong or len(text) > LONGEST_LINE
        return f"{note}{text[:LONGEST_LINE]}{' [cut]' if cut else ''}\n"

    @property
    def _kept(self) -> int:
        return 4 * LONGEST_LINE + max(self._redactor.longest, 1024)


def _note(left_out: int) -> str:
    return f"[{left_out} lines left out: too many in a second]\n" if left_out else ""
