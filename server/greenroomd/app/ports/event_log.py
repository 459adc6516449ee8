"""The log of events: how an event is stored and sent, which ones a reader wants, and reading them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from greenroomd.app.ports.committer import Unit
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.principal import NOWHERE
from greenroomd.domain.session import Session

BEGINNING: Final = -1
"""The revision before the oldest event that is left, wherever that is: only the store knows while it reads."""


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


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events: of some sessions, of a workspace, or (both unset) of the whole store; `types` empty means all.

    `within` is what the reader may see: only events of these workspaces; None means of any.
    """

    session_ids: frozenset[str] = frozenset()
    workspace_id: str | None = None
    types: frozenset[EventType] = field(default_factory=frozenset)
    within: frozenset[str] | None = None

    @classmethod
    def of_session(cls, session_id: str) -> Selection:
        """Return the selection of all events of one session."""
        return cls(frozenset({session_id}))

    @property
    def workspaces(self) -> frozenset[str] | None:
        """The workspaces to which all of its events belong; None: any."""
        if self.workspace_id is None:
            return self.within
        named = frozenset({self.workspace_id})
        return named if self.within is None else named & self.within or NOWHERE

    def matches(self, event: StoredEvent) -> bool:
        """Whether the event belongs to the selection."""
        return (
            (not self.session_ids or event.session_id in self.session_ids)
            and (self.workspace_id is None or event.workspace_id == self.workspace_id)
            and (not self.types or event.type in self.types)
            and (self.within is None or event.workspace_id in self.within)
        )


Announce = Callable[[Sequence[StoredEvent], int], None]
"""Called with (events, new head) in commit order, once a batch is durable and before its callers wake.

Runs on the event loop.

Ephemeral events stand among the durable ones in the order in which they happened.

The first revision of a call is the last head + 1, unless other nodes have committed in between: then it is higher, and
the events in between must be read from the store.
"""


class EventLog(Protocol):
    """Reads the log. Every method may raise StoreUnavailable."""

    @property
    def head(self) -> int:
        """The revision of the last commit that this node knows of."""
        ...

    async def reach(self, revision: int) -> int:
        """Return the head, after catching up with other nodes if it is below `revision`.

        Everything that other nodes have committed up to the returned head has been announced by then.
        """
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
        just ends at the floor. After BEGINNING, a page begins at the floor, and is never refused.
        """
        ...

    async def whole_event(self, revision: int) -> tuple[StoredEvent, bytes]:
        """Return an event and its untruncated form as the codec encoded it, without numbers; raises EventNotFound."""
        ...

    async def floor(self, selection: Selection) -> int:
        """Return the lowest revision from which on no event of a selection is missing."""
        ...
