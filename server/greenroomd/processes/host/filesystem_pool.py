"""Threads that look at directories which sessions name, where a file system may hang.

A look-up that hangs costs one thread and its caller's patience. It holds up neither the event loop, nor the threads
that end processes, nor the exit of the server.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from typing import Any, TypeVar

T = TypeVar("T")

THREADS = 32
"""How many look-ups may hang before the next one has to wait."""
PATIENCE = timedelta(seconds=30)
"""How long a caller waits for a look-up, the wait for a free thread included."""


class FilesystemHangs(Exception):
    """The file system did not answer in time; the text says for how long it was asked."""


class FilesystemPool:
    """At most `threads` daemon threads, started when they are needed.

    `concurrent.futures` is no choice: it joins its threads at exit, and one that hangs would hold up the exit.
    """

    def __init__(self, threads: int = THREADS, patience: timedelta = PATIENCE) -> None:
        self._most = threads
        self._patience = patience
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._unfinished = 0

    async def run(self, look: Callable[[], T], discard: Callable[[T], object] = lambda _found: None) -> T:
        """Return what `look` returns, called in a thread; raises what it raises, or FilesystemHangs.

        A cancelled caller does not wait for it. What `look` returns when nobody waits any more goes to `discard`.
        """
        job: Future[T] = Future()
        self._submit(job, look)
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                return await asyncio.wrap_future(job)
        except BaseException as error:
            job.cancel()
            job.add_done_callback(lambda job: _discard(job, discard))
            if isinstance(error, TimeoutError):
                waited = f"within {self._patience.total_seconds():g} s"
                raise FilesystemHangs(f"the file system did not answer {waited}") from None
            raise

    def _submit(self, job: Future[T], look: Callable[[], T]) -> None:
        with self._lock:
            self._unfinished += 1
            grow = self._unfinished > self._threads and self._threads < self._most
            self._threads += grow
        self._jobs.put((job, look))
        if grow:
            threading.Thread(target=self._work, name="filesystem", daemon=True).start()

    def _work(self) -> None:
        while True:
            job, look = self._jobs.get()
            if job.set_running_or_notify_cancel():
                try:
                    found = look()
                except BaseException as error:  # it is the caller's
                    job.set_exception(error)
                else:
                    job.set_result(found)
            del job, look  # else this thread keeps what was found until its next job
            with self._lock:
                self._unfinished -= 1


def _discard(job: Future[T], discard: Callable[[T], object]) -> None:
    if not job.cancelled() and job.exception() is None:
        discard(job.result())
