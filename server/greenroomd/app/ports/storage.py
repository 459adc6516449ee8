"""The port to storage: what the application needs from the database, in its own terms.

Adapters live in `greenroomd.store`. The store has one counter of revisions: they rise in commit order, and every
durable event has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, NamedTuple, Protocol, TypeVar

from greenroomd.domain.approval import Approval
from greenroomd.domain.config import Secret
from greenroomd.domain.events import Event, EventType, PlacedEvent
from greenroomd.domain.session import Session
from greenroomd.domain.states import State
from greenroomd.domain.turn import Turn

T = TypeVar("T")


class StoredEvent(NamedTuple):
    """An event as it is stored and sent.

    Each event is serialized once for all readers: a stream's frame is a concatenation of records.
    """

    revision: int
    """Its number in the store's log; an ephemeral event has that of the durable event before it."""
    session_id: str
    """Its session."""
    workspace_id: str
    """Its session's workspace."""
    sequence: int
    """Its number in its session; 0 for an ephemeral event."""
    type: EventType
    """What happened."""
    turn_id: str
    """The turn that it belongs to; "" for none."""
    record: bytes
    """The complete `events` record of a stream's frame: tag, length, message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedEvent:
    """An event's bytes before it is numbered: a serialized message to which its numbers will be appended.

    `whole` is the untruncated form, stored separately, if `body` had to be truncated for streaming.
    """

    body: bytes
    whole: bytes | None = None


class EventCodec(Protocol):
    """Turns events into bytes. The store is given one, since it does not know the format."""

    def encode(self, event: Event, session: Session) -> EncodedEvent:
        """Return the event without its numbers."""
        ...

    def record(self, body: bytes, *, sequence: int, revision: int) -> bytes:
        """Return the complete stream record of a numbered event."""
        ...

    def answer(self, method: str, unit: Unit, session: Session) -> bytes:
        """Return the serialized response of a mutation, to be recorded for replays."""
        ...


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
    deletes: bool = False
    """Whether to delete the session and everything that belongs to it, except its last event (`session.deleted`), which
    stays for watchers that resume from a cursor.
    """


class OrderBy(StrEnum):
    """The sort key of a list of sessions."""

    CREATE_TIME = "create_time"
    LAST_ACTIVE_TIME = "last_active_time"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionQuery:
    """Which sessions to list, in which order. Time ranges are half open: from ≤ t < to."""

    workspace_id: str | None
    """The workspace; None: all of them."""
    states: frozenset[State] = frozenset()
    """The states; empty: all."""
    user_id: str | None = None
    """The end user; None: any."""
    profile_id: str | None = None
    """The profile; None: any."""
    labels: tuple[tuple[str, str], ...] = ()
    """The labels (key, value) that a session must have, all of them."""
    live_only: bool = False
    """Whether to list only sessions that may have a process."""
    created_from: datetime | None = None
    """The earliest creation time."""
    created_to: datetime | None = None
    """The first creation time that is too late."""
    active_from: datetime | None = None
    """The earliest time of the last activity."""
    active_to: datetime | None = None
    """The first time of the last activity that is too late."""
    order_by: OrderBy = OrderBy.CREATE_TIME
    """The sort key; sessions with the same key come in the order of their creation."""
    descending: bool = False
    """Whether the newest come first."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: the sort key (microseconds since the epoch, or a number) and the id of its last item."""

    key: int
    id: str


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; `next` is None at the end. A watch from `revision` misses no later change."""

    items: Sequence[T]
    next: Position | None
    revision: int


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events: of some sessions, of a workspace, or (both unset) of the whole store; `types` empty means all."""

    session_ids: frozenset[str] = frozenset()
    workspace_id: str | None = None
    types: frozenset[EventType] = field(default_factory=frozenset)

    @classmethod
    def of_session(cls, session_id: str) -> Selection:
        """Return the selection of all events of one session."""
        return cls(frozenset({session_id}))

    def matches(self, event: StoredEvent) -> bool:
        """Whether the event belongs to the selection."""
        return (
            (not self.session_ids or event.session_id in self.session_ids)
            and (self.workspace_id is None or event.workspace_id == self.workspace_id)
            and (not self.types or event.type in self.types)
        )


@dataclass(frozen=True, slots=True)
class Due:
    """When the passing of time changes a session next; `number` orders sessions with the same time."""

    time: datetime
    number: int
    session_id: str


Announce = Callable[[Sequence[StoredEvent], int], None]
"""Called with (events, new head) in commit order, once a batch is durable and before its callers wake.

Runs on the event loop.

Ephemeral events stand among the durable ones in the order in which they happened.

The first revision of a call is the last head + 1, unless other nodes have committed in between: then it is higher, and
the events in between must be read from the store.
"""


class Store(Protocol):
    """All durable state. Every method may raise StoreUnavailable."""

    @property
    def store_id(self) -> str:
        """The id given to the database when it was created; part of every cursor."""
        ...

    @property
    def head(self) -> int:
        """The revision of the last commit that this node knows of."""
        ...

    async def reach(self, revision: int) -> int:
        """Return the head, after catching up with other nodes if it is below `revision`.

        Everything that other nodes have committed up to the returned head has been announced by then.
        """
        ...

    async def commit(self, unit: Unit) -> Session:
        """Commit a unit; return the session with its new revision and last sequence.

        Raises SessionExists, OwnershipLost, ProfileNotFound, QuotaExceeded, RequestReplayed or RequestIdReused as
        `Unit` describes; then nothing has changed. Cancelling the caller while it waits does not undo the commit.
        """
        ...

    async def answer(self, request: Request) -> bytes | None:
        """Return the recorded answer of a request, None if it is new; raises RequestIdReused."""
        ...

    async def session(self, session_id: str) -> Session:
        """Return a session as last committed; raises SessionNotFound."""
        ...

    async def sessions(self, query: SessionQuery, *, after: Position | None, limit: int) -> Page[Session]:
        """Return one page of sessions."""
        ...

    async def unsettled(self) -> Sequence[Session]:
        """Return the sessions that need care after a start.

        These are the live ones, those in CREATED with start mode AUTO, and failed ones with a planned restart.
        """
        ...

    async def due(self, *, after: Due | None = None, limit: int) -> Sequence[Due]:
        """Return the sessions without an owner that have a deadline, earliest first, including overdue ones."""
        ...

    async def counted(self) -> Mapping[State, int]:
        """Return how many sessions are in each state. Reads all sessions."""
        ...

    async def oauth_token(self, session_id: str) -> Secret | None:
        """Return the session's token, if it has one."""
        ...

    async def turn(self, turn_id: str) -> Turn:
        """Return a turn; raises TurnNotFound."""
        ...

    async def turns(self, session_id: str, *, after: Position | None, limit: int) -> Page[Turn]:
        """Return one page of a session's turns by number, oldest first."""
        ...

    async def open_turns(self, session_id: str) -> Sequence[Turn]:
        """Return the queued and running turns of a session, by number."""
        ...

    async def approval(self, approval_id: str) -> Approval:
        """Return an approval; raises ApprovalNotFound."""
        ...

    async def approvals(self, session_id: str, *, after: Position | None, limit: int) -> Page[Approval]:
        """Return one page of a session's approvals, oldest first."""
        ...

    async def events(
        self,
        selection: Selection,
        *,
        after: int,
        limit: int,
        up_to: int | None = None,
        descending: bool = False,
    ) -> Sequence[StoredEvent]:
        """Return the next matching events after a revision (before it if descending), none above `up_to`.

        A page has at most `limit` events and about 1 MiB, but at least one event if there is any. Raises
        CursorBelowFloor if `after` + 1 is below the selection's floor, since events would be skipped. A descending page
        just ends at the floor.
        """
        ...

    async def whole_event(self, revision: int) -> tuple[StoredEvent, bytes]:
        """Return an event and its untruncated form as the codec encoded it, without numbers; raises EventNotFound."""
        ...

    async def floor(self, selection: Selection) -> int:
        """Return the lowest revision from which on no event of a selection is missing."""
        ...
