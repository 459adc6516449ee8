"""Publishes commits: to the cache, to followers of the log, to the metrics, and to the callers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from greenroomd.app.ports.observers import SessionObserver
from greenroomd.app.ports.storage import Announce, Unit
from greenroomd.domain.session import Session
from greenroomd.store.read.session_cache import SessionCache
from greenroomd.store.write.batch.batch import Written
from greenroomd.store.write.batch.batch_plan import Refusal
from greenroomd.store.write.pending import PendingCommit
from greenroomd.store.write.remote_events import RemoteEvents


class Publisher:
    """Publishes commits in order, on the event loop."""

    def __init__(
        self, cache: SessionCache, announce: Announce, observer: SessionObserver, *, head: int
    ) -> None:
        self.head = head
        """The revision of the last commit that this node knows of."""
        self.deleted = asyncio.Event()
        """Set whenever a session was deleted; the erasure clears it."""
        self._cache = cache
        self._announce = announce
        self._observer = observer

    def publish(self, batch: Sequence[PendingCommit], written: Written) -> None:
        """Publish a batch of this node, then wake its callers."""
        try:
            self.head = max(self.head, written.head)
            for pending, outcome in zip(batch, written.outcomes, strict=True):
                self._keep(pending.prepared.unit, outcome)
            for before, after in written.transitions:
                self._observer.session_moved(before, after)
            if written.events:
                self._observer.events_committed(sum(event.sequence > 0 for event in written.events))
                self._announce(written.events, self.head)
        finally:
            for pending, outcome in zip(batch, written.outcomes, strict=True):
                if pending.done.done():  # its caller was cancelled
                    continue
                if isinstance(outcome, Exception):
                    pending.done.set_exception(outcome)
                else:
                    pending.done.set_result(outcome)

    def publish_remote(self, remote: RemoteEvents) -> None:
        """Publish what other nodes have committed."""
        if remote.events is None:
            self._cache.clear()
        for event in remote.events or ():
            self._cache.forget(event.session_id)
        self.head = max(self.head, remote.head)
        self._announce(remote.events or (), self.head)

    def _keep(self, unit: Unit, outcome: Session | Refusal) -> None:
        """Update the cache after a commit; a session whose unit was refused may have been changed by another node."""
        if isinstance(outcome, Session) and unit.deletes:
            self.deleted.set()
            self._cache.forget(outcome.session_id)
        elif isinstance(outcome, Session):
            self._cache.put_committed(outcome)
        else:
            self._cache.forget(unit.session.session_id)
