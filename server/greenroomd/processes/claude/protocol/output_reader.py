"""Reads what the CLI writes: answers go to those who wait for them, everything else becomes frames."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from greenroomd.app.ports.processes import ProcessFailed
from greenroomd.domain.frames.frame import Frame, StderrWritten
from greenroomd.domain.frames.tool_frames import PermissionAsked, PermissionWithdrawn
from greenroomd.processes.claude.parsing.framing import Framer, Overlong
from greenroomd.processes.claude.parsing.stream_json import ControlAnswer, ControlAsked, parse
from greenroomd.processes.claude.parsing.tool_calls import ToolCalls
from greenroomd.processes.claude.protocol.control_channel import ControlChannel, unserved
from greenroomd.processes.claude.protocol.frame_buffer import FrameBuffer
from greenroomd.processes.claude.protocol.permission_ids import PermissionIds
from greenroomd.processes.host.redaction import Redactor
from greenroomd.processes.host.stderr_lines import StderrLines


class OutputReader:
    """Parses output piece by piece; `post` sends a line to the CLI without waiting, `heard` is told of each frame."""

    def __init__(
        self,
        control: ControlChannel,
        permission_ids: PermissionIds,
        redactor: Redactor,
        post: Callable[[bytes], None],
        heard: Callable[[Frame], None] = lambda _frame: None,
    ) -> None:
        self.frames = FrameBuffer()
        """The frames that wait to be taken."""
        self._control = control
        self._permission_ids = permission_ids
        self._redactor = redactor
        self._post = post
        self._heard = heard
        self._framer = Framer()
        self._stderr = StderrLines(redactor)
        self._tool_calls = ToolCalls()

    def received(self, data: bytes) -> bool:
        """Parse a piece of output; False asks to stop reading until frames have been taken."""
        for line in self._framer.feed(data):
            self._read(line)
        # Full or not, an answer that somebody waits for must be read; that wait is bounded.
        return self._control.waiting or not self.frames.full

    def closed(self) -> None:
        """Parse what is left of a last line, then end `frames` and every wait for an answer."""
        line = self._framer.close()
        if line is not None:
            self._read(line)
        self.frames.close()
        self._control.close()

    def complained(self, data: bytes) -> None:
        """Pass on a piece of error output as far as it does not pile up; it is empty at the end."""
        text = self._stderr.feed(data) if data else self._stderr.close()
        if text:
            self.show(StderrWritten(raw=text.encode(), text=text))

    def show(self, frame: Frame) -> None:
        """Add a frame that the CLI has not written, unless its own pile up already."""
        if not self.frames.full:
            self.frames.append(frame)

    def _read(self, line: bytes | Overlong) -> None:
        hidden = self._redactor.json_line
        self._take(parse(Overlong(hidden(line.beginning)) if isinstance(line, Overlong) else hidden(line)))

    def _take(self, said: Frame | ControlAnswer | ControlAsked) -> None:
        if isinstance(said, ControlAnswer):
            self._control.answered(said)
        elif isinstance(said, ControlAsked):
            with contextlib.suppress(ProcessFailed):  # it has gone: nobody waits for the answer
                self._post(unserved(said.request_id, said.noted.subtype))
            self.frames.append(said.noted)
        elif isinstance(said, PermissionAsked | PermissionWithdrawn):
            self.frames.append(self._permission_ids.renamed(said))
        else:
            self._heard(said)
            for frame in self._tool_calls.read(said):
                self.frames.append(frame)
