"""Committing: what one decision changes in one session, written as a whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from greenroomd.domain.approval import Approval
from greenroomd.domain.config import Secret
from greenroomd.domain.events import Event, PlacedEvent
from greenroomd.domain.session import Session
from greenroomd.domain.task import Task
from greenroomd.domain.turn import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A mutation's identity: for 24 hours, the same id with the same fingerprint replays the first answer."""

    principal: str
    """The caller, within whose name the id is unique."""
    method: str
    """The name of the RPC, such as `StartTurn`."""
    request_id: str
    """The caller's UUID, in lower case."""
    fingerprint: bytes
    """A digest of the rest of the request."""


class RequestReplayed(Exception):
    """The unit's request was answered before, perhaps a moment ago, so nothing was written. `answer` is that answer."""

    def __init__(self, answer: bytes) -> None:
        super().__init__("the request was answered before")
        self.answer = answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Everything that one decision changes in one session, committed as a whole or not at all.

    If the commit is refused, it raises one of the errors named at the fields.
    """

    session: Session
    """The row after the decision. Its `revision` is that of the row on which the decision was based: 0 inserts the row
    (SessionExists if the id is taken); any other value must still be the stored one, and `fence` must not be below the
    stored one (OwnershipLost). Without events the row is written too, and keeps its revision.
    """
    events: Sequence[Event] = ()
    """The durable events of the change, in order."""
    ephemeral: Sequence[PlacedEvent] = ()
    """Ephemeral events, which are announced together with `events`, each in its place among them."""
    configures: bool = False
    """Whether to store `session.config` as generation `session.config_generation`. If not, the config is that of the
    stored generation, and is not written.
    """
    turns: Sequence[Turn] = ()
    """Turns to insert or replace, by id."""
    approvals: Sequence[Approval] = ()
    """Approvals to insert or replace, by id."""
    tasks: Sequence[Task] = ()
    """Background tasks to insert or replace, by id within the session."""
    oauth_token: Secret | None = None
    """The session's token to store; None leaves the stored one."""
    request: Request | None = None
    """The request to record with its answer (RequestReplayed or RequestIdReused if it is recorded already)."""
    answers: Request | None = None
    """An earlier request whose recorded answer this unit replaces, since everything that it asked for is now done."""
    claims_profile: bool = False
    """Whether to insert the session only if its profile exists (ProfileNotFound) and has quota left for one more
    session that is not CLOSED (QuotaExceeded).
    """
    tells_profile: bool = False
    """Whether to keep the session's `plan_limits` in its profile too, if that still exists."""
    deletes: bool = False
    """Whether to delete the session and everything that belongs to it, except its last event (`session.deleted`), which
    stays for watchers that resume from a cursor.
    """


class Committer(Protocol):
    """Commits units, and knows the answers of the last day. Every method may raise StoreUnavailable."""

    async def commit(self, unit: Unit) -> Session:
        """Commit a unit; return the session with its new revision and last sequence.

        Raises SessionExists, OwnershipLost, ProfileNotFound, QuotaExceeded, RequestReplayed or RequestIdReused as
        `Unit` describes; then nothing has changed. Cancelling the caller while it waits does not undo the commit.
        """
        ...

    async def answer(self, request: Request) -> bytes | None:
        """Return the recorded answer of a request, None if it is new; raises RequestIdReused."""
        ...
