"""The port to storage: what the application asks of the database, in its own words.

Adapters live in `greenroomd.store`. All revisions are of the one counter of the store: they rise in commit order, and
every durable event has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic, NamedTuple, Protocol, TypeVar

from greenroomd.domain.approval import Approval
from greenroomd.domain.config import Secret
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.session import Session
from greenroomd.domain.states import State
from greenroomd.domain.turn import Turn

T = TypeVar("T")


class StoredEvent(NamedTuple):
    """A durable event as it rests and travels.

    `record` is the complete `events` record of a stream frame (tag, length, message): frames are concatenations of
    records, so each event is serialized once for all its readers. An ephemeral event has sequence 0 and, as revision,
    the head at its time.
    """

    revision: int
    session_id: str
    workspace_id: str
    sequence: int
    type: EventType
    turn_id: str
    record: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedEvent:
    """An event's bytes before numbering: a serialized partial message to which its numbers are appended.

    `whole` is the untruncated form, kept apart, where `body` had to be truncated for streaming.
    """

    body: bytes
    whole: bytes | None = None


class EventCodec(Protocol):
    """Turns events into bytes; handed to the store, which does not know the format."""

    def encode(self, event: Event, session: Session) -> EncodedEvent:
        """Return the event without its numbers."""
        ...

    def record(self, body: bytes, *, sequence: int, revision: int) -> bytes:
        """Return the complete stream record of a numbered event."""
        ...

    def answer(self, method: str, unit: Unit, session: Session) -> bytes:
        """Return the serialized response of a mutation, for its replay."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A mutation's identity: the same id with the same fingerprint replays the first answer for 24 hours."""

    principal: str
    method: str
    request_id: str
    fingerprint: bytes


class RequestReplayed(Exception):
    """A unit's request was answered before, perhaps a moment ago; nothing was written. `answer` is that answer."""

    def __init__(self, answer: bytes) -> None:
        super().__init__("the request was answered before")
        self.answer = answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Everything that one decision changes in one session; all of it is committed, or nothing.

    `session` is the row after the decision. Its `revision` is still that of the row it was decided on: 0 inserts
    (SessionExists if the id is taken), any other value is compared and set together with the fence (OwnershipLost).
    A fence equal to or above the stored one is accepted. Without events the row is still compared and set, and keeps
    its revision. `configures` stores `session.config` as generation `session.config_generation`; otherwise the config
    is that of the stored generation, and is not written. `turns` and `approvals` replace the rows of the same id.
    `request` is inserted with its answer, or the unit is refused: RequestReplayed, RequestIdReused. `claims_profile`
    inserts the session only if its profile exists (ProfileNotFound) and takes one more session that is not CLOSED
    (QuotaExceeded). `answers` is a request of before whose recorded answer this unit replaces: what its caller is
    going to be told once all that it asked for is done. `deletes` removes the session with everything of it but the
    last of its events (`session.deleted`), which stays for those who read on from a cursor.
    """

    session: Session
    events: Sequence[Event] = ()
    configures: bool = False
    turns: Sequence[Turn] = ()
    approvals: Sequence[Approval] = ()
    oauth_token: Secret | None = None
    request: Request | None = None
    answers: Request | None = None
    claims_profile: bool = False
    deletes: bool = False


class OrderBy(StrEnum):
    """The sort key of a list of sessions."""

    CREATE_TIME = "create_time"
    LAST_ACTIVE_TIME = "last_active_time"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionQuery:
    """Which sessions, in which order; `workspace_id` None means all. Ranges are half open: from ≤ t < to."""

    workspace_id: str | None
    states: frozenset[State] = frozenset()
    user_id: str | None = None
    profile_id: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    live_only: bool = False
    created_from: datetime | None = None
    created_to: datetime | None = None
    active_from: datetime | None = None
    active_to: datetime | None = None
    order_by: OrderBy = OrderBy.CREATE_TIME
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """Where a keyset page ended: the sort key (microseconds since the epoch, or a number) and the id."""

    key: int
    id: str


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page; `next` is None at the end. A watch from `revision` misses nothing that follows the page."""

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
        """Return all events of one session."""
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
    """When time alone changes a session next; `number` orders those of the same time."""

    time: datetime
    number: int
    session_id: str


Announce = Callable[[Sequence[StoredEvent], int], None]
"""Called on the event loop, in commit order, once a batch is durable and before its callers wake: events, new head.

The first revision of a call is the last head + 1, unless other nodes have committed in between: then it is higher, and
what lies between has to be read.
"""


class Store(Protocol):
    """The durable state. Every method may raise StoreUnavailable."""

    @property
    def store_id(self) -> str:
        """The id given to the database when it was created; part of every cursor."""
        ...

    @property
    def head(self) -> int:
        """The revision of the last commit that this node knows of."""
        ...

    async def reach(self, revision: int) -> int:
        """Return the head, which is at or above a revision if the log has come to it on any node.

        What other nodes have committed up to the head is announced by then.
        """
        ...

    async def commit(self, unit: Unit) -> Session:
        """Make a unit durable and return the session with its new revision and last sequence.

        Raises SessionExists, OwnershipLost, ProfileNotFound, QuotaExceeded, RequestReplayed or RequestIdReused as
        `Unit` tells; the unit has then changed nothing. A caller that is cancelled while it waits does not undo it.
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

        These are the live ones, those in CREATED with start mode AUTO, and failed ones that will be started again.
        """
        ...

    async def due(self, *, after: Due | None = None, limit: int) -> Sequence[Due]:
        """Return the sessions that time alone will change, nearest first, also those that are overdue."""
        ...

    async def counted(self) -> Mapping[State, int]:
        """Return how many sessions are in each state; reads through all of them."""
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
        """Return the next matching events after a revision (before it, if descending), none above `up_to`.

        `limit` bounds their number; a page also ends at about 1 MiB, but holds at least one event if there is any.
        Raises CursorBelowFloor if `after` + 1 is below the selection's floor: events would be skipped. A descending
        page just ends at what is left.
        """
        ...

    async def whole_event(self, revision: int) -> tuple[StoredEvent, bytes]:
        """Return an event and its untruncated form as the codec encoded it, without numbers; raises EventNotFound."""
        ...

    async def floor(self, selection: Selection) -> int:
        """Return the oldest revision from which on nothing of a selection is missing."""
        ...
