"""Shows what a shell command writes while it runs, which the CLI tells only at the command's end.

As observed with the CLI 2.1.332: the output of each command goes to a file in its TMPDIR,
`claude-<uid>/<slug>/<conversation>/tasks/<id>.output`. A frame names the id once the command has run for some seconds.
"""

from __future__ import annotations

import asyncio
import os
import re
import stat
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from greenroomd.app.background import background_tasks, restarting
from greenroomd.domain.frames.background_frames import TaskBegan
from greenroomd.domain.frames.frame import Frame
from greenroomd.domain.frames.message_frames import UserEchoed
from greenroomd.domain.frames.tool_frames import ToolOutputWritten
from greenroomd.domain.task import TaskKind
from greenroomd.processes.filesystem.filesystem_pool import FilesystemHangs, FilesystemPool
from greenroomd.processes.host.redaction import Redactor

EVERY: Final = 0.25
"""Seconds between looks at a command's file."""

MOST_BYTES: Final = 32 * 1024
"""How much of the output one look shows; of more, the newest lines."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(slots=True, eq=False)
class Command:
    """A command that runs."""

    task_id: str
    """What the CLI's file of its output is called."""
    offset: int = 0
    """How far the file was read."""


class CommandOutput:
    """Follows the commands of one process; `show` takes what they write."""

    def __init__(
        self, tmp: Path, filesystem: FilesystemPool, redactor: Redactor, show: Callable[[Frame], None]
    ) -> None:
        self._tmp = tmp
        self._filesystem = filesystem
        self._redactor = redactor
        self._show = show
        self._running: dict[str, Command] = {}
        self._begun = asyncio.Event()

    def heard(self, frame: Frame) -> None:
        """Begin to follow a command that the frame names; leave those alone of which it tells the results.

        Nothing is shown of a command behind its result, which repeats all of it.
        """
        match frame:
            case TaskBegan(kind=TaskKind.SHELL, task_id=task_id, tool_use_id=call) if call and _ID.fullmatch(
                task_id
            ):
                self._running.setdefault(call, Command(task_id))
                self._begun.set()
            case UserEchoed() if self._running:
                for block in frame.blocks:
                    self._running.pop(str(block.get("tool_use_id", "")), None)

    def following(self) -> AbstractAsyncContextManager[None]:
        """Show what commands write until the block ends."""
        return background_tasks(restarting("command_output", self._follow))

    async def _follow(self) -> None:
        while True:
            if not self._running:
                self._begun.clear()
                await self._begun.wait()
            for call, command in list(self._running.items()):
                await self._look(call, command)
            await asyncio.sleep(EVERY)

    async def _look(self, call: str, command: Command) -> None:
        look = partial(_read_on, self._tmp, command.task_id, command.offset)
        try:
            data, command.offset = await self._filesystem.run(str(self._tmp), look)
        except (OSError, FilesystemHangs):  # it is gone, or no file of the CLI's
            self._running.pop(call, None)
            return
        if data and self._running.get(call) is command:
            text = self._redactor.text(data.decode(errors="replace"))
            self._show(ToolOutputWritten(raw=data, tool_use_id=call, text=text))


def _read_on(tmp: Path, task_id: str, offset: int) -> tuple[bytes, int]:
    """Return the whole lines behind an offset, and the offset behind them; raises OSError.

    The session's commands can write there: a link is not followed, a named pipe is not waited for.
    """
    for path in tmp.glob(f"claude-*/*/*/tasks/{task_id}.output"):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise OSError("not a regular file")
            begin = max(offset, status.st_size - MOST_BYTES)
            data = os.pread(descriptor, MOST_BYTES, begin)
        finally:
            os.close(descriptor)
        if begin > offset:  # in the middle of a line
            skipped = data.find(b"\n") + 1
            data, begin = data[skipped:], begin + skipped
        # A secret must not be shown in two parts; a line that is longer than a look is shown all the same.
        end = data.rfind(b"\n") + 1 if len(data) < MOST_BYTES else len(data)
        return data[:end], begin + end
    return b"", offset
