"""Threads that look at directories which sessions name or may change, where a file system may hang.

A look-up that hangs costs one thread and its caller's timeout. It holds up neither the event loop, nor the threads
that end processes, nor the exit of the server. A file system that hangs costs a few threads, and holds up no other.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any, TypeVar

T = TypeVar("T")

THREADS = 32
"""How many look-ups may hang before the next one has to wait."""
THREADS_PER_FILESYSTEM = 4
"""How many of them may hang in one file system, so that the others are left for other file systems."""
LOOK_UP_TIMEOUT = timedelta(seconds=30)
"""How long a caller waits for a look-up, the wait for a free thread included."""
HANGS_AFTER = timedelta(seconds=2)
"""After how long a look-up is taken to hang: if all threads of a file system do, the next look-up there is refused."""


class FilesystemHangs(Exception):
    """The file system did not answer in time; the text says for how long it was asked."""


@dataclass(slots=True, eq=False)
class LookUp:
    """One look-up, waiting or under way."""

    filesystem: str
    """The file system that is asked."""
    look: Callable[[], Any]
    """What the thread calls."""
    job: Future[Any] = field(default_factory=Future)
    """Gets what `look` returns or raises."""
    handed_over: float = 0.0
    """When it was given to the threads, by the monotonic clock in seconds."""


@dataclass(slots=True)
class FilesystemQueue:
    """The look-ups in one file system."""

    under_way: list[LookUp] = field(default_factory=list)
    """Those given to the threads, oldest first."""
    waiting: deque[LookUp] = field(default_factory=deque)
    """Those that wait until one of the others is over; they have no thread."""


class FilesystemPool:
    """At most `threads` daemon threads, started when they are needed, and at most `per_filesystem` in one file system.

    `concurrent.futures` is no choice: it joins its threads at exit, and one that hangs would hold up the exit.
    """

    def __init__(
        self,
        threads: int = THREADS,
        timeout: timedelta = LOOK_UP_TIMEOUT,
        *,
        per_filesystem: int = THREADS_PER_FILESYSTEM,
        hangs_after: timedelta = HANGS_AFTER,
    ) -> None:
        self._most = threads
        self._per_filesystem = per_filesystem
        self._timeout = timeout
        self._hangs_after = hangs_after
        self._ready: queue.SimpleQueue[LookUp] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._filesystems: defaultdict[str, FilesystemQueue] = defaultdict(FilesystemQueue)
        self._threads = 0
        self._unfinished = 0

    async def run(
        self, filesystem: str, look: Callable[[], T], discard: Callable[[T], object] = lambda _found: None
    ) -> T:
        """Return what `look` returns, called in a thread; raises what it raises, or FilesystemHangs.

        `filesystem` names the only one that `look` asks; if it hangs already, `look` is not called. A cancelled caller
        does not wait for `look`. What `look` returns when nobody waits any more goes to `discard`.
        """
        look_up = LookUp(filesystem, look)
        job: Future[T] = look_up.job
        self._submit(look_up)
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                return await asyncio.wrap_future(job)
        except BaseException as error:
            self._give_up(look_up)
            job.add_done_callback(lambda job: _discard(job, discard))
            if isinstance(error, TimeoutError):
                raise _hangs(self._timeout) from None
            raise

    def _submit(self, look_up: LookUp) -> None:
        with self._lock:
            there = self._filesystems[look_up.filesystem]
            if len(there.under_way) < self._per_filesystem:
                self._hand_over(look_up, there)
            elif there.under_way[-1].handed_over < monotonic() - self._hangs_after.total_seconds():
                raise _hangs(self._hangs_after)
            else:
                there.waiting.append(look_up)

    def _hand_over(self, look_up: LookUp, there: FilesystemQueue) -> None:
        look_up.handed_over = monotonic()
        there.under_way.append(look_up)
        self._unfinished += 1
        self._ready.put(look_up)
        if self._unfinished > self._threads and self._threads < self._most:
            self._threads += 1
            threading.Thread(target=self._work, name="filesystem", daemon=True).start()

    def _give_up(self, look_up: LookUp) -> None:
        look_up.job.cancel()
        with self._lock:
            there = self._filesystems.get(look_up.filesystem)
            if there is not None and look_up in there.waiting:  # else it is under way, or over
                there.waiting.remove(look_up)

    def _work(self) -> None:
        while True:
            look_up = self._ready.get()
            job = look_up.job
            if job.set_running_or_notify_cancel():
                try:
                    found = look_up.look()
                except BaseException as error:  # it is the caller's
                    job.set_exception(error)
                else:
                    job.set_result(found)
                    del found
            self._finished(look_up)
            del job, look_up  # else this thread keeps what was found until its next job

    def _finished(self, look_up: LookUp) -> None:
        with self._lock:
            self._unfinished -= 1
            there = self._filesystems[look_up.filesystem]
            there.under_way.remove(look_up)
            if there.waiting:
                self._hand_over(there.waiting.popleft(), there)
            elif not there.under_way:
                del self._filesystems[look_up.filesystem]


def _hangs(waited: timedelta) -> FilesystemHangs:
    return FilesystemHangs(f"the file system did not answer within {waited.total_seconds():g} s")


def _discard(job: Future[T], discard: Callable[[T], object]) -> None:
    if not job.cancelled() and job.exception() is None:
        discard(job.result())
