"""Accepts or refuses each unit of a batch against the stored state, as if it were committed alone.

Pure except for the codec: stored rows are passed in, rows to write come out, grouped by statement.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from greenroomd.app.ports.storage import EncodedEvent, EventCodec, Request, RequestReplayed, StoredEvent
from greenroomd.domain.errors import OwnershipLost, ProfileNotFound, RequestIdReused, SessionExists
from greenroomd.domain.events import PlacedEvent
from greenroomd.domain.fast_replace import evolve
from greenroomd.domain.retryable_errors import QuotaExceeded
from greenroomd.domain.session import Session
from greenroomd.store.schema.documents import time
from greenroomd.store.schema.rows import Row, approval_row, turn_row
from greenroomd.store.schema.session_rows import label_rows
from greenroomd.store.schema.tables import (
    configs,
    events,
    identities,
    labels,
    requests,
    sessions,
    whole_events,
)
from greenroomd.store.schema.task_rows import task_row
from greenroomd.store.write.batch.prepared_unit import Prepared
from greenroomd.store.write.batch.profile_quota import RemainingQuota

_NAMES = [column.name for column in sessions.columns][1:]  # as in session_row: without the number
_MOVED = _NAMES.index("state")
_TOUCHED = _NAMES.index("config_generation")
_DESCRIPTION = _NAMES.index("description")

Refusal = SessionExists | OwnershipLost | ProfileNotFound | QuotaExceeded | RequestReplayed | RequestIdReused


@dataclass(slots=True)
class StoredState:
    """What is stored about a session, or will be once the batch is committed.

    Units of the same session in one batch see each other's changes here.
    """

    number: int
    """Its number: the revision that created it."""
    gone: bool
    """Whether it was deleted."""
    indexed: tuple[Any, ...]
    """Its state, unsettled, last_active_time and due_time, as in the row."""
    description: str
    """Its description, as in the row."""
    fence: int
    """Its fence."""
    last_sequence: int
    """The sequence of its last event."""
    revision: int
    """The revision of its last commit."""


class BatchPlan:
    """Accepts the units of one batch in turn; `revision` is the last one assigned."""

    def __init__(self, codec: EventCodec, revision: int, created: int) -> None:
        self.revision = revision
        self.changes: dict[str, list[Row]] = defaultdict(list)
        """Changes of stored rows: parameters by the name of their statement."""
        self.inserts: dict[Table, list[Row]] = defaultdict(list)
        """New rows by table; no two of one table have the same key."""
        self.deleted: list[tuple[str, int, int]] = []
        """The sessions to delete: id, number, and the revision of the last event, which becomes the new number."""
        self.told: list[Session] = []
        """The sessions whose limits their profiles are to keep."""
        self.events: list[StoredEvent] = []
        """The accepted events in the order of their revisions, with the ephemeral ones among them."""
        self.transitions: list[tuple[str | None, str | None]] = []
        """The sessions' states before and after, where they differ; None: no session."""
        self._codec = codec
        self._created = created
        self._stored: dict[str, StoredState] = {}
        self._answers: dict[tuple[str, str, str], tuple[bytes, bytes]] = {}
        self._quotas: dict[tuple[str, str], RemainingQuota | None] = {}

    def load_sessions(self, stored: Iterable[Row]) -> None:
        """Load the stored state of the sessions from rows of `look_at_sessions`."""
        for session_id, number, *columns in stored:
            *indexed, description, fence, sequence, revision = columns
            self._stored[session_id] = StoredState(
                number, indexed[0] is None, tuple(indexed), description, fence, sequence, revision
            )

    def load_requests(self, stored: Iterable[Row], *, forgotten: int) -> None:
        """Load the answered requests; ignore those from before `forgotten`, which have expired."""
        for principal, method, request_id, fingerprint, answer, create_time, _ in stored:
            if create_time < forgotten:
                self.changes["delete_request"].append((principal, method, request_id))
            else:
                self._answers[principal, method, request_id] = (fingerprint, answer)

    def load_quota(self, workspace_id: str, profile_id: str, quota: RemainingQuota | None) -> None:
        """Load how many more sessions a profile may have; None if there is no such profile."""
        self._quotas[workspace_id, profile_id] = quota

    def accept(self, prepared: Prepared) -> Session:
        """Number a unit and add its rows; raises a Refusal without adding any."""
        unit, session = prepared.unit, prepared.unit.session
        if unit.request is not None:
            self._refuse_repeated(unit.request)
        stored = self._stored.get(session.session_id)
        if session.revision == 0:
            if stored is not None:
                raise SessionExists(session.session_id)
            if unit.claims_profile:
                self._claim(session.workspace_id, session.profile_id)
            number, sequence = self.revision + 1, 0
        else:
            if (
                stored is None
                or stored.gone
                or stored.revision != session.revision
                or stored.fence > session.fence
            ):
                raise OwnershipLost(session.session_id)
            number, sequence = stored.number, stored.last_sequence
        sequence = self._number(prepared, number, sequence)
        revision = self.revision if unit.events else session.revision
        session = evolve(session, last_sequence=sequence, revision=revision)
        self._take_session(prepared, number, stored, session)
        self._take_parts(prepared, number, session)
        return session

    def _claim(self, workspace_id: str, profile_id: str) -> None:
        quota = self._quotas[workspace_id, profile_id]
        if quota is None:
            raise ProfileNotFound(profile_id)
        quota.claim(profile_id)

    def _refuse_repeated(self, request: Request) -> None:
        known = self._answers.get((request.principal, request.method, request.request_id))
        if known is None:
            return
        fingerprint, answer = known
        if fingerprint != request.fingerprint:
            raise RequestIdReused(request.method)
        raise RequestReplayed(answer)

    def _number(self, prepared: Prepared, number: int, sequence: int) -> int:
        session = prepared.unit.session
        ids = (session.session_id, session.workspace_id)
        kept = self.revision + len(prepared.events) if prepared.unit.deletes else 0
        shown = deque(zip(prepared.unit.ephemeral, prepared.ephemeral, strict=True))
        for place, (event, encoded) in enumerate(zip(prepared.unit.events, prepared.events, strict=True)):
            self._show(shown, place, ids)
            self.revision += 1
            sequence += 1
            record = self._codec.record(encoded.body, sequence=sequence, revision=self.revision)
            self.events.append(StoredEvent(self.revision, *ids, sequence, event.type, event.turn_id, record))
            row = (
                self.revision,
                kept if self.revision == kept else number,
                *ids,
                sequence,
                event.type.value,
                event.turn_id,
                time(event.time),
                encoded.body,
            )
            self.inserts[events].append(row)
            if encoded.whole is not None:
                self.inserts[whole_events].append((self.revision, encoded.whole))
        self._show(shown, len(prepared.events), ids)
        return sequence

    def _show(self, shown: deque[tuple[PlacedEvent, EncodedEvent]], place: int, ids: tuple[str, str]) -> None:
        """Take the ephemeral events up to a place among the unit's durable ones."""
        while shown and shown[0][0].after <= place:
            (_, event), encoded = shown.popleft()
            record = self._codec.record(encoded.body, sequence=0, revision=self.revision)
            self.events.append(StoredEvent(self.revision, *ids, 0, event.type, event.turn_id, record))

    def _take_session(
        self, prepared: Prepared, number: int, stored: StoredState | None, session: Session
    ) -> None:
        row = (*prepared.row[:-2], session.last_sequence, session.revision)
        indexed, description = row[_MOVED:_TOUCHED], row[_DESCRIPTION]
        before = None if stored is None else stored.indexed[0]
        after = None if prepared.unit.deletes else indexed[0]
        if before != after:
            self.transitions.append((before, after))
        decided_on = (number, prepared.unit.session.revision, session.fence)
        if stored is None:
            self.inserts[identities].append((session.session_id, number))
            self.inserts[sessions].append((number, *row))
        elif indexed == stored.indexed:
            self.changes["touch_session"].append((*row[_TOUCHED:], *decided_on))
        else:
            self.changes["move_session"].append((*row[_MOVED:], *decided_on))
        if stored is None or description != stored.description:
            if stored is not None:
                self.changes["delete_labels"].append((number,))
            self.inserts[labels].extend(label_rows(number, session))
        self._stored[session.session_id] = StoredState(
            number,
            prepared.unit.deletes,
            indexed,
            description,
            session.fence,
            session.last_sequence,
            session.revision,
        )

    def _take_parts(self, prepared: Prepared, number: int, session: Session) -> None:
        unit, changes = prepared.unit, self.changes
        if unit.configures:
            generation = session.config_generation
            self.inserts[configs].append((number, generation, prepared.config))
        if unit.turns:
            changes["put_turn"].extend(turn_row(number, turn) for turn in unit.turns)
        if unit.approvals:
            changes["put_approval"].extend(approval_row(number, approval) for approval in unit.approvals)
        if unit.tasks:
            changes["put_task"].extend(task_row(number, task) for task in unit.tasks)
        if prepared.secret is not None:
            changes["put_secret"].append((number, *prepared.secret))
        if unit.request is not None:
            request = unit.request
            key = (request.principal, request.method, request.request_id)
            answer = self._codec.answer(request.method, unit, session)
            about = 0 if unit.deletes else number  # the answer to a deletion outlives the session
            self.inserts[requests].append((*key, request.fingerprint, answer, self._created, about))
            self._answers[key] = (request.fingerprint, answer)
        if unit.answers is not None:
            request = unit.answers
            answer = self._codec.answer(request.method, unit, session)
            changes["amend_answer"].append((answer, request.principal, request.method, request.request_id))
        if unit.tells_profile:
            self.told.append(session)
        if unit.deletes:
            self.deleted.append((session.session_id, number, session.revision))
