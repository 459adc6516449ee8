"""Accepting and refusing: each unit of a batch against what is stored, as if it were committed alone.

Pure but for the codec: what is stored is handed in, what is to be written comes out as rows, by statement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from greenroomd.app.storage import EncodedEvent, EventCodec, Request, RequestReplayed, StoredEvent, Unit
from greenroomd.domain.errors import OwnershipLost, RequestIdReused, SessionExists
from greenroomd.domain.session import Session
from greenroomd.store.documents import config_text, time
from greenroomd.store.rows import Row, approval_row, label_rows, session_row, turn_row
from greenroomd.store.secrets import Keyring
from greenroomd.store.tables import sessions

_NAMES = [column.name for column in sessions.columns]
_MOVED = _NAMES.index("state")
_TOUCHED = _NAMES.index("config_generation")
_DESCRIPTION = _NAMES.index("description")

Refusal = SessionExists | OwnershipLost | RequestReplayed | RequestIdReused


@dataclass(frozen=True, slots=True)
class Prepared:
    """A unit with everything made that needs no number."""

    unit: Unit
    row: tuple[Any, ...]
    events: Sequence[EncodedEvent]
    secret: Row | None

    @property
    def size(self) -> int:
        """Roughly the bytes it will write."""
        return 1024 + sum(len(event.body) + len(event.whole or b"") for event in self.events)


def prepare(unit: Unit, codec: EventCodec, keyring: Keyring) -> Prepared:
    """Encode a unit; raises whatever the codec does, before anybody else is concerned."""
    session = unit.session
    if session.revision == 0 and not unit.events:
        raise ValueError("a session's first commit needs an event: it has no revision otherwise")
    return Prepared(
        unit,
        session_row(session),
        [codec.encode(event, session) for event in unit.events],
        None if unit.oauth_token is None else keyring.seal(session.session_id, unit.oauth_token),
    )


@dataclass(slots=True)
class Standing:
    """What is stored of a session, or will be once the batch is committed.

    `indexed` is its state, unsettled and last_active_time, as in the row.
    """

    indexed: tuple[Any, ...]
    description: str
    fence: int
    last_sequence: int
    revision: int


class Judge:
    """Takes the units of one batch in turn; `revision` is the last one given."""

    def __init__(self, codec: EventCodec, revision: int, created: int) -> None:
        self.revision = revision
        self.rows: dict[str, list[Row]] = defaultdict(list)
        """The accepted rows by the name of their statement."""
        self.deleted: list[tuple[str, int]] = []
        """The sessions to remove, each with the one revision that stays."""
        self.events: list[StoredEvent] = []
        """The accepted events in the order of their revisions."""
        self._codec = codec
        self._created = created
        self._standing: dict[str, Standing] = {}
        self._answers: dict[tuple[str, str, str], tuple[bytes, bytes]] = {}

    def know_sessions(self, stored: Iterable[Row]) -> None:
        """Learn what is stored of the sessions, from rows of `statements.STANDING`."""
        for session_id, state, unsettled, active, description, fence, sequence, revision in stored:
            indexed = (state, unsettled, active)
            self._standing[session_id] = Standing(indexed, description, fence, sequence, revision)

    def know_requests(self, stored: Iterable[Row], *, forgotten: int) -> None:
        """Learn which requests were answered; those from before `forgotten` are taken as never made."""
        for principal, method, request_id, fingerprint, answer, create_time in stored:
            if create_time < forgotten:
                self.rows["delete_request"].append((principal, method, request_id))
            else:
                self._answers[principal, method, request_id] = (fingerprint, answer)

    def accept(self, prepared: Prepared) -> Session:
        """Number a unit and take its rows; raises a Refusal, then nothing of it is taken."""
        unit, session = prepared.unit, prepared.unit.session
        if unit.request is not None:
            self._refuse_repeated(unit.request)
        standing = self._standing.get(session.session_id)
        if session.revision == 0:
            if standing is not None:
                raise SessionExists(session.session_id)
        elif standing is None or standing.revision != session.revision or standing.fence > session.fence:
            raise OwnershipLost(f"session {session.session_id} has been changed by somebody else")
        sequence = self._number(prepared, 0 if standing is None else standing.last_sequence)
        revision = self.revision if unit.events else session.revision
        session = replace(session, last_sequence=sequence, revision=revision)
        self._take_session(prepared, standing, session)
        self._take_parts(prepared, session)
        return session

    def _refuse_repeated(self, request: Request) -> None:
        known = self._answers.get((request.principal, request.method, request.request_id))
        if known is None:
            return
        fingerprint, answer = known
        if fingerprint != request.fingerprint:
            raise RequestIdReused
        raise RequestReplayed(answer)

    def _number(self, prepared: Prepared, sequence: int) -> int:
        session = prepared.unit.session
        ids = (session.session_id, session.workspace_id)
        for event, encoded in zip(prepared.unit.events, prepared.events, strict=True):
            self.revision += 1
            sequence += 1
            record = self._codec.record(encoded.body, sequence=sequence, revision=self.revision)
            self.events.append(StoredEvent(self.revision, *ids, sequence, event.type, event.turn_id, record))
            row = (
                self.revision,
                *ids,
                sequence,
                event.type.value,
                event.turn_id,
                time(event.time),
                encoded.body,
            )
            self.rows["insert_event"].append(row)
            if encoded.whole is not None:
                self.rows["insert_whole_event"].append((self.revision, encoded.whole))
        return sequence

    def _take_session(self, prepared: Prepared, standing: Standing | None, session: Session) -> None:
        row = (*prepared.row[:-2], session.last_sequence, session.revision)
        indexed = row[_MOVED:_TOUCHED]
        if standing is None:
            self.rows["insert_session"].append(row)
        else:
            decided_on = (session.session_id, prepared.unit.session.revision, session.fence)
            if indexed == standing.indexed:
                self.rows["touch_session"].append((*row[_TOUCHED:], *decided_on))
            else:
                self.rows["move_session"].append((*row[_MOVED:], *decided_on))
        if standing is None or row[_DESCRIPTION] != standing.description:
            if standing is not None:
                self.rows["delete_labels"].append((session.session_id,))
            self.rows["insert_label"].extend(label_rows(session))
        self._standing[session.session_id] = Standing(
            indexed, row[_DESCRIPTION], session.fence, session.last_sequence, session.revision
        )

    def _take_parts(self, prepared: Prepared, session: Session) -> None:
        unit, rows = prepared.unit, self.rows
        if unit.configures:
            generation = session.config_generation
            rows["insert_config"].append((session.session_id, generation, config_text(session.config)))
        rows["put_turn"].extend(map(turn_row, unit.turns))
        rows["put_approval"].extend(map(approval_row, unit.approvals))
        if prepared.secret is not None:
            rows["put_secret"].append(prepared.secret)
        if unit.request is not None:
            request = unit.request
            key = (request.principal, request.method, request.request_id)
            answer = self._codec.answer(request.method, unit, session)
            rows["insert_request"].append((*key, request.fingerprint, answer, self._created))
            self._answers[key] = (request.fingerprint, answer)
        if unit.deletes:
            # It keeps standing until the batch ends: a session made anew in it would be removed with the old one.
            self.deleted.append((session.session_id, session.revision))
