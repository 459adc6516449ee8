"""One WatchEvents call from its request to its last frame: start, snapshot, live events, end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from greenroom.v1 import event_service_pb2 as pb
from greenroom.v1.session_pb2 import Session as SessionMessage
from greenroomd.app.ports.event_log import EventLog
from greenroomd.app.ports.storage import BEGINNING, Position, Selection, SessionQuery, StoredEvent
from greenroomd.app.usecases.sessions import Sessions
from greenroomd.app.watch.tail import Batch
from greenroomd.app.watch.watch import FRAME_BYTES, Watch
from greenroomd.domain.errors import InvalidRequest, SessionNotFound, Violation
from greenroomd.domain.events import EventType
from greenroomd.domain.session import Session
from greenroomd.domain.states import State
from greenroomd.rpc.convert import requests
from greenroomd.rpc.convert.enums import EVENT_TYPES
from greenroomd.rpc.convert.session_proto import session_message
from greenroomd.rpc.rpc_context import Call
from greenroomd.rpc.stream.cursor_codec import MAX_REVISION, CursorCodec, wait_until_reached
from greenroomd.rpc.stream.draining import Drain
from greenroomd.rpc.stream.watch_frames import Frames, records_of

MAX_SESSIONS = 1000
SNAPSHOT_PAGE = 500
RETRY_DELAY = timedelta(seconds=1)

_ENDS = frozenset({EventType.SESSION_CLOSED, EventType.SESSION_DELETED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The plan of one watch."""

    selection: Selection
    """The events that the request asks for."""
    named: Sequence[Session]
    """The sessions that the request names and that are not deleted, read after the call began."""
    deleted_at: int
    """The revision of the last deletion among the named sessions; 0 if none is deleted."""
    after: int
    """The watch begins with the event after this revision; BEGINNING: with the oldest that is left."""
    live_at: int
    """The stream is live once it has passed this revision."""
    ephemeral: bool
    """Whether to send ephemeral events too."""
    snapshot: bool
    """Whether the stream begins with a snapshot of the sessions."""
    ends: bool
    """Whether the stream ends once all named sessions have ended."""

    @property
    def followed(self) -> Selection:
        """The selection, plus the events that end a session if the watch needs them to detect its own end."""
        if not self.ends or not self.selection.types:
            return self.selection
        return replace(self.selection, types=self.selection.types | _ENDS)


class Watching:
    """Plans watches and writes their frames."""

    def __init__(
        self, sessions: Sessions, store: EventLog, watch: Watch, cursors: CursorCodec, drain: Drain
    ) -> None:
        self._sessions = sessions
        self._store = store
        self._watch = watch
        self._cursors = cursors
        self._drain = drain
        self._frames = Frames(cursors)

    async def plan(self, request: pb.WatchEventsRequest, call: Call, head: int) -> Plan:
        """Return the plan for a request; `head` is the last revision when the request arrived.

        Raises InvalidRequest with all problems, and InvalidCursor. Raises SessionNotFound only if the request has no
        cursor: a resuming client may name sessions that are deleted by now, and has yet to see their deletion. A
        session that the caller may not see is treated as one that is not there.
        """
        problems = call.problems
        selection = replace(_selection_of(request, problems), within=call.visible)
        if request.start not in pb.WatchStart.values():
            problems.append(Violation("start", f"{request.start} is no WatchStart"))
        resumed = request.WhichOneof("position") == "after"
        from_now = not resumed and request.start != pb.WATCH_START_BEGINNING
        if request.initial_state and not from_now:
            problems.append(Violation("initial_state", "may be asked for only with start NOW"))
        if request.until_closed and not request.session_ids:
            problems.append(Violation("until_closed", "may be asked for only with session_ids"))
        if problems:
            raise InvalidRequest(problems)
        after = live_at = head
        if resumed:  # first, so that this node then knows all that the client saw at another one
            after = await wait_until_reached(request.after, self._cursors, self._store)
        named, gone, hidden = await self._named(selection)
        if hidden:
            ids = frozenset(hidden.get(each, each) for each in selection.session_ids)
            selection = replace(selection, session_ids=ids)
        if gone and not resumed:
            raise SessionNotFound(gone[0])
        if not from_now:
            last = await self._store.events(selection, after=head + 1, limit=1, descending=True)
            if not resumed and last:
                after = BEGINNING
            live_at = max(after, last[0].revision) if last else after
        return Plan(
            selection=selection,
            named=named,
            deleted_at=await self._last_revision(replace(selection, session_ids=frozenset(gone))),
            after=after,
            live_at=live_at,
            ephemeral=request.include_ephemeral,
            snapshot=request.initial_state,
            ends=request.until_closed,
        )

    async def _named(
        self, selection: Selection
    ) -> tuple[Sequence[Session], Sequence[str], Mapping[str, str]]:
        """Return the sessions that a selection names, the ids that have none which the caller may see, and hidden ones.

        Of a hidden session, nothing may be noticed: also its watchers are not counted. So it gets an id that no session
        has.
        """
        named, gone, hidden = [], [], {}
        for session_id in sorted(selection.session_ids):
            try:
                session = await self._sessions.get(session_id)
            except SessionNotFound:
                gone.append(session_id)
            else:
                if selection.within is None or session.workspace_id in selection.within:
                    named.append(session)
                else:
                    gone.append(session_id)
                    hidden[session_id] = f"hidden:{session_id}"
        return named, gone, hidden

    async def _last_revision(self, gone: Selection) -> int:
        """Return the revision of the last stored event of deleted sessions, 0 if none is left."""
        if not gone.session_ids:
            return 0
        theirs = replace(gone, types=frozenset())
        last = await self._store.events(theirs, after=MAX_REVISION, limit=1, descending=True)
        return last[0].revision if last else 0

    async def stream(self, plan: Plan, call: Call) -> None:
        """Write the serialized frames of a watch until it ends or the server shuts down.

        What the caller may see is compared before each frame: a changed grant applies to the next one. Raises
        WatcherCapReached before the first frame, CursorBelowFloor, and SessionNotFound for a session that the caller
        may not see any more.
        """
        progress = _Progress(plan)
        while not await self._follow(plan, progress, call):
            plan = self._narrowed(plan, call.visible)
        if not progress.ended:
            await call.write(self._frames.draining(RETRY_DELAY, progress.position))

    def _narrowed(self, plan: Plan, visible: frozenset[str] | None) -> Plan:
        """Return the plan for what the caller may see now."""
        hidden = [named for named in plan.named if visible is not None and named.workspace_id not in visible]
        if hidden:
            raise SessionNotFound(hidden[0].session_id)
        return replace(plan, selection=replace(plan.selection, within=visible), snapshot=False)

    async def _follow(self, plan: Plan, progress: _Progress, call: Call) -> bool:
        """Write frames until the watch ends; return False if what the caller may see has changed before."""
        asked, stop, end = plan.selection.types, self._drain.stop, progress.end
        within = plan.selection.within
        with self._watch.following(
            plan.followed, after=progress.position, ephemeral=plan.ephemeral, measure=True, stop=stop
        ) as follower:
            call.when_regranted = follower.wake
            if not progress.begun:
                progress.begun = True
                # The headers tell the client that it misses nothing from here on, pieces of messages neither.
                await call.context.send_initial_metadata(())
            if plan.snapshot:
                async for frame in self._snapshot(plan):
                    await call.write(frame)
            while call.visible == within:
                if not progress.synced and progress.position >= plan.live_at:
                    progress.synced = True
                    await call.write(self._frames.synced(progress.position))
                    continue
                if end is not None and progress.synced and end.is_reached(progress.position):
                    progress.ended = True
                    return True
                if stop.begun:
                    return True
                batch = follower.look()
                if batch is None:
                    await follower.more()
                    continue
                progress.position = batch.revision
                if end is not None:
                    end.see(batch.events)
                await call.write(self._frame(batch, asked))
        return False

    def _frame(self, batch: Batch, asked: frozenset[EventType]) -> bytes:
        """Return the frame of a batch; a bookmark if none of its events was asked for."""
        if batch.dropped:
            return self._frames.gap(batch.dropped, batch.revision)
        if not batch.events:
            return self._frames.bookmark(batch.revision)
        if not asked or all(event.type in asked for event in batch.events):
            return batch.rendered(self._whole)
        records = records_of(event for event in batch.events if event.type in asked)
        return (
            self._frames.events(records, batch.revision) if records else self._frames.bookmark(batch.revision)
        )

    def _whole(self, batch: Batch) -> bytes:
        return self._frames.events(batch.records, batch.revision)

    async def _snapshot(self, plan: Plan) -> AsyncIterator[bytes]:
        """Yield frames of the watched sessions as they are now; later changes follow as events."""
        if plan.selection.session_ids:
            for frame in self._of_sessions(plan.named):
                yield frame
            return
        query = SessionQuery(workspace_id=plan.selection.workspace_id, within=plan.selection.within)
        after: Position | None = None
        while True:
            page = await self._sessions.list(query, after=after, limit=SNAPSHOT_PAGE)
            for frame in self._of_sessions(page.items):
                yield frame
            if page.next is None:
                return
            after = page.next

    def _of_sessions(self, sessions: Iterable[Session]) -> Iterator[bytes]:
        held: list[SessionMessage] = []
        size = 0
        for session in sessions:
            message = session_message(session, full=False)
            size += message.ByteSize()
            if held and size > FRAME_BYTES:
                yield self._frames.sessions(held)
                held, size = [], message.ByteSize()
            held.append(message)
        if held:
            yield self._frames.sessions(held)


class _Progress:
    """How far a watch has come."""

    def __init__(self, plan: Plan) -> None:
        self.position = plan.after
        """The watch has seen everything up to this revision."""
        self.begun = False
        """Whether the headers have been sent."""
        self.synced = False
        """Whether the client was told that the stream is live."""
        self.ended = False
        """Whether the watch ended by itself, not by the server's shutdown."""
        self.end = _End(plan.named, plan.deleted_at) if plan.ends else None
        """Tracks the end of the named sessions, if the watch ends with them."""


class _End:
    """Tracks which named sessions are still open, and the revision at which the others had all ended."""

    def __init__(self, named: Iterable[Session], deleted_at: int) -> None:
        self._open = {session.session_id for session in named if session.state is not State.CLOSED}
        closed = (session.revision for session in named if session.state is State.CLOSED)
        self._revision = max((deleted_at, *closed))

    def see(self, events: Iterable[StoredEvent]) -> None:
        """Note the sessions that these events end."""
        for event in events:
            if event.type in _ENDS:
                self._open.discard(event.session_id)

    def is_reached(self, position: int) -> bool:
        """Whether a watch that has come to `position` has seen the end of every named session."""
        return not self._open and position >= self._revision


def _selection_of(request: pb.WatchEventsRequest, problems: list[Violation]) -> Selection:
    types = EVENT_TYPES.members(request.types, "types", problems)
    if not request.session_ids:
        workspace = requests.workspace_of(request.workspace_id, problems)
        return Selection(workspace_id=workspace, types=types)
    if len(request.session_ids) > MAX_SESSIONS:
        text = f"must have at most {MAX_SESSIONS} entries, has {len(request.session_ids)}"
        problems.append(Violation("session_ids", text))
    session_ids = request.session_ids[:MAX_SESSIONS]  # the rest is only counted
    for index, session_id in enumerate(session_ids):
        requests.required(f"session_ids[{index}]", session_id, problems)
    return Selection(session_ids=frozenset(session_ids), types=types)
