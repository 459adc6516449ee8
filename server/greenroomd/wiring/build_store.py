"""Opens the store, and connects its commits to the tail, the expiry timer and the metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager

from greenroomd.app.maintenance.expiry_timer import DueWakeup
from greenroomd.app.ports.storage import Announce, StoredEvent
from greenroomd.app.watch.tail import Tail
from greenroomd.processes.node.state_dir import node_id
from greenroomd.processes.node.store_record import StoreRecord
from greenroomd.rpc.stream.event_codec import EventCodec
from greenroomd.settings.record import Settings
from greenroomd.store.ownership.owner_record import this_server
from greenroomd.store.sql_store import SqlStore, open_store
from greenroomd.telemetry.metrics import Metrics


@asynccontextmanager
async def opened_store(
    settings: Settings, tail: Tail, due: DueWakeup, metrics: Metrics
) -> AsyncIterator[SqlStore]:
    """Yield the store in the settings; `tail`, `due` and `metrics` are notified of every commit.

    The server owns the database until the block exits. Raises DatabaseInUse, UnsupportedDatabase, KeyFileUnusable,
    SchemaTooNew, StoreUnavailable.
    """
    node = node_id(settings.state_dir)
    record = StoreRecord(settings.state_dir, node)
    with ExitStack() as recording:
        async with open_store(
            settings.database_url.get_secret_value(),
            key_file=settings.state_dir / "keys.json",
            codec=EventCodec,
            announce=_announcing(record, tail, due),
            cached_sessions=settings.cached_sessions,
            poll=settings.poll_interval,
            observer=metrics,
            owner=this_server(node),
            seen=record,
        ) as store:
            recording.enter_context(
                record.of(store.store_id, store.head)
            )  # ends after the store's last commit
            tail.begin(store.head)
            if settings.metrics_listen is not None:
                counts = await store.counted()
                metrics.sessions_counted({state.value: count for state, count in counts.items()})
            yield store


def _announcing(record: StoreRecord, tail: Tail, due: DueWakeup) -> Announce:
    def announce(events: Sequence[StoredEvent], head: int) -> None:
        record.reached(head)  # first: what a watcher has seen, the record knows
        tail.announce(events, head)
        due.announce(events, head)

    return announce
