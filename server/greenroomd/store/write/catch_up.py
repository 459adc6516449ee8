"""Catches up with other nodes: publishes their commits here, in the order of the log."""

from __future__ import annotations

import asyncio

import structlog

from greenroomd.store.write.pending import CatchUp, fail, succeed
from greenroomd.store.write.publisher import Publisher
from greenroomd.store.write.remote_events import RemoteEventReader, RemoteEvents

log = structlog.get_logger(__name__)


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
            except Exception as error:  # if no caller waits for it, it will be requested again
                log.warning("not_caught_up", after=self.seen, error=str(error))
                self._loop.call_soon_threadsafe(fail, [asked], error)
                return
            self.seen = missed.head
            self._loop.call_soon_threadsafe(self._publisher.publish_remote, missed)
        self._loop.call_soon_threadsafe(succeed, asked, None)
