"""The files in which the CLI stores conversations: copies them for a fork, and deletes them.

As observed with the CLI 2.1.330: a conversation is `projects/<slug of a directory>/<id>.jsonl`, one record a
line, complete when a turn has ended. Beside it there may be a directory `<id>` with those of subagents. The CLI finds
a conversation by its id alone, under any slug. `projects` is the workspace's; all else that the CLI writes, such as
plans and tasks, is in the conversation's own directory. Conversations from before that have it beside `projects`.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from greenroomd.domain.errors import ConversationLost
from greenroomd.domain.retryable_errors import StoreUnavailable
from greenroomd.processes.claude.workspace_directories import CONVERSATION_ID, Workspace
from greenroomd.processes.filesystem.filesystem_pool import FilesystemHangs, FilesystemPool
from greenroomd.processes.host.finish import finish

_SLUG = re.compile(rb'"slug":"([a-z0-9]+(?:-[a-z0-9]+)*)"')

LONGEST_RECORD: Final = 64 * 1024 * 1024
"""How many bytes of a record are read at most; a longer one is not the CLI's."""


WORK_TIMEOUT: Final = timedelta(minutes=2)
"""How long a copy or a deletion may take; a conversation of a gigabyte takes some seconds."""


class NotATranscript(OSError):
    """The file is none that the CLI has written."""


class TranscriptFiles:
    """The adapter of the port `Transcripts` for the processes' directories below `state_dir`."""

    def __init__(self, state_dir: Path, threads: FilesystemPool | None = None) -> None:
        self._state_dir = state_dir
        self._threads = threads or FilesystemPool(timeout=WORK_TIMEOUT, hangs_after=WORK_TIMEOUT)

    async def copy(self, workspace_id: str, conversation: str, copy: str) -> None:
        """Copy a conversation as it is now to the id `copy`."""
        await self._do(workspace_id, partial(_copy, conversation=conversation, copy=copy))

    async def remove(self, workspace_id: str, conversation: str) -> None:
        """Delete all files of a conversation."""
        await self._do(workspace_id, partial(_remove, conversation=conversation))

    async def _do(self, workspace_id: str, work: Callable[[Path], None]) -> None:
        config_dir = Workspace.within(self._state_dir, workspace_id).config_dir
        try:
            # Finish even if the caller is cancelled: its clean-up must not run before this.
            await finish(self._threads.run(str(config_dir), partial(work, config_dir)))
        except (OSError, FilesystemHangs) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise StoreUnavailable(f"the files of a conversation cannot be changed: {why}") from error


def salvage(config_dir: Path, conversation: str) -> bool:
    """Whether a crash in the first turn left a conversation that can be resumed.

    The CLI refuses to begin a conversation whose file exists, and to resume one without messages. So a file without a
    message, or one that is no transcript, is deleted.
    """
    for transcript in _named(config_dir, conversation, "projects/*/{}.jsonl"):
        try:
            if any(b'"type":"user"' in record for record in _records(transcript)):
                return True
        except NotATranscript:
            pass
        transcript.unlink()
    return False


def _copy(config_dir: Path, conversation: str, copy: str) -> None:
    transcript = next(iter(_named(config_dir, conversation, "projects/*/{}.jsonl")), None)
    if transcript is None:
        raise ConversationLost(conversation)
    own, its = (f'"sessionId":"{name}"'.encode() for name in (conversation, copy))
    written = transcript.with_name(f"{copy}.jsonl")
    made = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with os.fdopen(os.open(written, made, 0o600), "wb") as target:
        try:
            for record in _records(transcript):
                target.write(record.replace(own, its))
        except NotATranscript:
            raise ConversationLost(conversation) from None
        target.flush()
        os.fsync(target.fileno())
    aside = transcript.with_suffix("")
    plans, plans_of_copy = (config_dir.parent / "configs" / name / "plans" for name in (conversation, copy))
    for folder, copied in ((aside, written.with_suffix("")), (plans, plans_of_copy)):
        if folder.is_dir() and not folder.is_symlink():
            shutil.copytree(folder, copied, symlinks=True, dirs_exist_ok=True)
    _sync(written.parent)


def _records(transcript: Path) -> Iterator[bytes]:
    """Yield the complete records; raises NotATranscript.

    A tool of the session may have put anything there. A symbolic link is not followed, a named pipe is not waited for,
    and a record is not read on without end.
    """
    try:
        descriptor = os.open(transcript, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise NotATranscript(error.errno, "not a regular file") from None
        raise
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotATranscript(errno.EINVAL, "not a regular file")
        while record := file.readline(LONGEST_RECORD):
            if record.endswith(b"\n"):
                yield record
            elif len(record) == LONGEST_RECORD:
                raise NotATranscript(errno.EFBIG, "a record is too long")
            # else torn: the record was never complete


def _remove(config_dir: Path, conversation: str) -> None:
    plans = _plans(config_dir, conversation)
    patterns = ("*/{}*", "projects/*/{}*", "../homes/{}", "../configs/{}")
    found = [path for each in patterns for path in _named(config_dir, conversation, each)]
    found += [path for path in plans if not _is_mentioned(config_dir, conversation, path.name)]
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _plans(config_dir: Path, conversation: str) -> list[Path]:
    """Return the plans that a conversation has written; a file has the conversation's other name, its `slug`."""
    slugs: set[str] = set()
    for transcript in _named(config_dir, conversation, "projects/*/{}.jsonl"):
        with suppress(NotATranscript):
            for record in _records(transcript):
                slugs.update(slug.decode() for slug in _SLUG.findall(record))
    return [path for slug in sorted(slugs) for path in config_dir.glob(f"plans/{slug}*.md")]


def _is_mentioned(config_dir: Path, conversation: str, plan: str) -> bool:
    """Whether another conversation, such as a fork, still names a plan. Plans are rare: only then all are read."""
    for transcript in config_dir.glob("projects/*/*.jsonl"):
        if transcript.stem != conversation:
            with suppress(NotATranscript):
                if any(plan.encode() in record for record in _records(transcript)):
                    return True
    return False


def _named(root: Path, conversation: str, pattern: str) -> Iterable[Path]:
    return root.glob(pattern.format(conversation)) if CONVERSATION_ID.fullmatch(conversation) else ()


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
