"""One batch: the units that waited together, written in bulk in one transaction.

Only the transaction that holds the lock of the `meta` row writes. So a batch takes the lock, reads the rows on which
its units were decided, refuses units that come too late, and writes the others with one statement for each kind of row.
It needs no savepoints, and no unit can affect another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from greenroomd.app.ports.storage import EventCodec, RequestReplayed, StoredEvent
from greenroomd.domain.errors import OwnershipLost, ProfileNotFound, RequestIdReused, SessionExists
from greenroomd.domain.retryable_errors import DatabaseTakenOver, QuotaExceeded
from greenroomd.domain.session import Session
from greenroomd.store.engine import Database
from greenroomd.store.schema.documents import time
from greenroomd.store.schema.tables import requests
from greenroomd.store.write.batch.batch_plan import BatchPlan, Refusal
from greenroomd.store.write.batch.bulk_insert import BulkInsert
from greenroomd.store.write.batch.prepared_unit import Prepared
from greenroomd.store.write.batch.profile_limits import ProfileLimits
from greenroomd.store.write.batch.profile_quota import ProfileQuotas
from greenroomd.store.write.batch.statements import Statements

REPLAYED_FOR: Final = timedelta(hours=24)

_FORGOTTEN_EVERY: Final = 100  # answers; then twice as many old ones are deleted, so they cannot pile up
_REFUSALS: Final = (
    SessionExists,
    OwnershipLost,
    ProfileNotFound,
    QuotaExceeded,
    RequestReplayed,
    RequestIdReused,
)
_GUARDED = frozenset({"move_session", "touch_session"})


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of a batch.

    All of it is published once the batch is committed.
    """

    outcomes: Sequence[Session | Refusal]
    """The outcome of each unit."""
    events: Sequence[StoredEvent]
    """All events in the order of their revisions."""
    transitions: Sequence[tuple[str | None, str | None]]
    """The sessions' states before and after, where they differ; None: no session."""
    before: int
    """The head before the batch."""
    head: int
    """The head after the batch."""


class BatchWriter:
    """Writes batches; holds the statements and parameters that all of them share."""

    def __init__(self, database: Database, codec: EventCodec, fence: int) -> None:
        self._database = database
        self._fence = fence
        self._statements = Statements(database)
        self._insert = BulkInsert(database)
        self._quotas = ProfileQuotas(database)
        self._limits = ProfileLimits(database)
        self._codec = codec
        self._answered = 0

    def write(
        self, connection: Connection, units: Sequence[Prepared], *, batch: str, at: datetime
    ) -> Written:
        """Write units in an open transaction, which the caller commits; `batch` is its id in the database.

        Raises DatabaseTakenOver before writing anything.
        """
        wanted = sum(len(prepared.events) for prepared in units)
        last = self._take_revisions(connection, wanted, batch)
        plan = BatchPlan(self._codec, last - wanted, time(at))
        self._look(connection, plan, units, forgotten=time(at - REPLAYED_FOR))
        outcomes: list[Session | Refusal] = []
        for prepared in units:
            try:
                outcomes.append(plan.accept(prepared))
            except _REFUSALS as refusal:
                outcomes.append(refusal)
        self._store(connection, plan)
        for session in plan.told:
            key = (session.workspace_id, session.profile_id)
            self._limits.tell(connection, *key, session.plan_limits, at=at)
        self._forget_answers(connection, len(plan.inserts[requests]), time(at - REPLAYED_FOR))
        if plan.revision != last:
            connection.exec_driver_sql(self._statements.return_revisions, (plan.revision,))
        return Written(outcomes, plan.events, plan.transitions, last - wanted, plan.revision)

    def acquire_write_lock(self, connection: Connection, *, batch: str) -> None:
        """Lock the `meta` row and record the batch id, without taking revisions; raises DatabaseTakenOver."""
        self._take_revisions(connection, 0, batch)

    def is_last(self, connection: Connection, batch: str) -> bool:
        """Whether `batch` is the last one committed; waits for a commit in progress.

        Raises DatabaseTakenOver if another server has become the owner: it may have committed more since.
        """
        last, fence = connection.exec_driver_sql(self._statements.last_batch).one()
        if last == batch:
            return True
        if fence != self._fence:
            raise DatabaseTakenOver
        return False

    def _take_revisions(self, connection: Connection, wanted: int, batch: str) -> int:
        """Lock the `meta` row and reserve revisions in one statement; return the last of them."""
        taken = connection.exec_driver_sql(self._statements.take_revisions, (wanted, batch, self._fence))
        row = taken.one_or_none()
        if row is None:
            raise DatabaseTakenOver
        return int(row[0])

    def _look(
        self, connection: Connection, plan: BatchPlan, units: Sequence[Prepared], *, forgotten: int
    ) -> None:
        """Read the rows on which the units were decided."""
        ids = self._database.listed(list({prepared.unit.session.session_id for prepared in units}))
        plan.load_sessions(connection.exec_driver_sql(self._statements.look_at_sessions, (ids,)))
        claimed = {
            (prepared.unit.session.workspace_id, prepared.unit.session.profile_id)
            for prepared in units
            if prepared.unit.claims_profile
        }
        for workspace_id, profile_id in claimed:
            plan.load_quota(workspace_id, profile_id, self._quotas.of(connection, workspace_id, profile_id))
        asked: dict[tuple[str, str], list[str]] = defaultdict(list)
        for prepared in units:
            if request := prepared.unit.request:
                asked[request.principal, request.method].append(request.request_id)
        for scope, request_ids in asked.items():
            ids = self._database.listed(request_ids)
            stored = connection.exec_driver_sql(self._statements.look_at_requests, (ids, *scope))
            plan.load_requests(stored, forgotten=forgotten)

    def _forget_answers(self, connection: Connection, new: int, forgotten: int) -> None:
        """Now and then delete some recorded answers that have expired."""
        self._answered += new
        if self._answered >= _FORGOTTEN_EVERY:
            connection.exec_driver_sql(self._statements.forget_requests, (forgotten, 2 * self._answered))
            self._answered = 0

    def _store(self, connection: Connection, plan: BatchPlan) -> None:
        for name, parameters in plan.changes.items():
            result = connection.exec_driver_sql(getattr(self._statements, name), parameters)
            if name in _GUARDED and result.rowcount != len(parameters):
                raise AssertionError(
                    f"{name} changed {result.rowcount} of {len(parameters)} rows under the lock"
                )
        for table, rows in plan.inserts.items():
            self._insert(connection, table, rows)
        for session_id, number, kept in plan.deleted:
            connection.exec_driver_sql(self._statements.renumber_identity, (kept, session_id))
            for sql in self._statements.delete_session:
                connection.exec_driver_sql(sql, (number,))
