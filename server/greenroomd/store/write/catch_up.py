"""Catches up with other nodes: publishes their commits here, in the order of the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from greenroomd.store.write.pending import CatchUp, fail, succeed
from greenroomd.store.write.publisher import Publisher
from greenroomd.store.write.remote_events import RemoteEventReader, RemoteEvents

log = structlog.get_logger(__name__)


class Notices:
    """Turns notifications of commits into requests to catch up, one at a time, however many arrive.

    Every user of the database can send notifications, including false ones. Runs on the event loop.
    """

    def __init__(self, publisher: Publisher, catch_up: Callable[[int], asyncio.Future[None]]) -> None:
        self._publisher = publisher
        self._catch_up = catch_up
        self._highest = 0  # in the notifications since the last request began
        self._under_way = False

    def notice(self, revision: int) -> None:
        """Catch up soon if the log may have reached a revision that this node does not know."""
        if revision > self._publisher.head:
            self._highest = max(self._highest, revision)
            if not self._under_way:
                self._request()

    def _request(self) -> None:
        self._under_way = True
        up_to, self._highest = self._highest, 0
        self._catch_up(up_to).add_done_callback(self._finished)

    def _finished(self, done: asyncio.Future[None]) -> None:
        done.exception()  # it was logged, and the poll will request it again
        self._under_way = False
        self.notice(self._highest)


class RemoteCommits:
    """Follows the commits of other nodes, on the writer's thread."""

    def __init__(
        self, reader: RemoteEventReader, publisher: Publisher, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.seen = publisher.head
        """Everything up to this revision has been passed on to be published."""
        self._reader = reader
        self._publisher = publisher
        self._loop = loop

    def before_batch(self, before: int) -> None:
        """Publish what others have committed up to `before`, the head before a batch of ours."""
        try:
            missed = self._reader.read(after=self.seen, up_to=before)
        except Exception:  # the batch is durable, even if the commits before it cannot be read
            missed = RemoteEvents(None, before)  # watchers will read it from the store
        self._loop.call_soon_threadsafe(self._publisher.publish_remote, missed)

    def catch_up(self, asked: CatchUp) -> None:
        """Publish everything that others have committed."""
        if asked.up_to > self.seen:
            try:
                missed = self._reader.read(after=self.seen)
            except Exception as error:
                log.warning("not_caught_up", after=self.seen, error=str(error))
                self._loop.call_soon_threadsafe(fail, [asked], error)
                return
            self.seen = missed.head
            self._loop.call_soon_threadsafe(self._publisher.publish_remote, missed)
        self._loop.call_soon_threadsafe(succeed, asked, None)
