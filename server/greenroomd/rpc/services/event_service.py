"""EventService: the event log as a live stream and as history."""

from __future__ import annotations

from greenroom.v1 import event_service_pb2 as pb
from greenroomd.app.ports.event_log import EventLog
from greenroomd.app.ports.storage import BEGINNING, Position, Selection
from greenroomd.app.usecases.sessions import Sessions
from greenroomd.app.watch.watch import Watch
from greenroomd.domain.errors import CursorBelowFloor, EventNotFound, Violation
from greenroomd.rpc.convert import requests
from greenroomd.rpc.convert.enums import EVENT_TYPES
from greenroomd.rpc.page_token import page_size, page_token, position_of
from greenroomd.rpc.rpc_context import Call
from greenroomd.rpc.stream import wire
from greenroomd.rpc.stream.cursor_codec import wait_until_reached
from greenroomd.rpc.stream.draining import Drain
from greenroomd.rpc.stream.event_codec import EventCodec
from greenroomd.rpc.stream.watch_frames import records_of
from greenroomd.rpc.stream.watch_stream import Watching

MAX_CHUNK_BYTES = 1024 * 1024

_EVENT = wire.tag(1, wire.LEN)
_NEXT = wire.tag(2, wire.LEN)
_DATA = wire.tag(2, wire.LEN)
_TOTAL = wire.tag(3, wire.VARINT)


class EventService:
    """Serves the event log; the contract says what each method promises."""

    def __init__(
        self, sessions: Sessions, store: EventLog, watch: Watch, codec: EventCodec, drain: Drain
    ) -> None:
        self._sessions = sessions
        self._store = store
        self._watch = watch
        self._codec = codec
        self._watching = Watching(sessions, store, watch, codec.cursors, drain)

    async def WatchEvents(self, request: pb.WatchEventsRequest, call: Call) -> None:
        """Stream events as they are committed."""
        head = self._watch.head  # before any await, so that no event after the call is missed
        plan = await self._watching.plan(request, call, head)
        await self._watching.stream(plan, call)

    async def ListEvents(self, request: pb.ListEventsRequest, call: Call) -> bytes:
        """Return a page of history."""
        problems = call.problems
        limit = page_size(request.page_size, problems)
        types = EVENT_TYPES.members(request.types, "types", problems)
        if request.order not in pb.EventOrder.values():
            problems.append(Violation("order", f"{request.order} is no EventOrder"))
        workspace = None if request.session_id else requests.workspace_of(request.workspace_id, problems)
        call.refuse_problems()
        if request.session_id:
            await self._sessions.get(request.session_id)
        sessions = frozenset({request.session_id} if request.session_id else ())
        selection = Selection(session_ids=sessions, workspace_id=workspace, types=types, within=call.visible)
        return await self._page(request, selection, limit)

    async def GetEvent(self, request: pb.GetEventRequest, call: Call) -> None:
        """Stream one event in full."""
        requests.required("event_id", request.event_id, call.problems)
        call.refuse_problems()
        revision = self._codec.cursors.revision_of_event(request.event_id)
        try:
            event, body = await self._store.whole_event(revision)
        except EventNotFound:
            raise EventNotFound(request.event_id) from None
        if request.session_id not in ("", event.session_id):
            raise EventNotFound(request.event_id)
        whole = self._codec.numbered(body, sequence=event.sequence, revision=revision)
        total = _TOTAL + wire.varint(len(whole))
        if len(whole) <= MAX_CHUNK_BYTES:
            await call.write(wire.record(_EVENT, whole) + total)
            return
        await call.write(event.record + total)
        for start in range(0, len(whole), MAX_CHUNK_BYTES):
            await call.write(wire.record(_DATA, whole[start : start + MAX_CHUNK_BYTES]))

    async def _page(self, request: pb.ListEventsRequest, selection: Selection, limit: int) -> bytes:
        descending = request.order == pb.EVENT_ORDER_DESCENDING
        place = position_of(request.page_token, request)
        if place is not None:
            after = place.key
        elif request.after:
            after = await wait_until_reached(request.after, self._codec.cursors, self._store)
            after += descending  # a cursor points behind its event, so the event itself is before it
        else:
            after = self._watch.head + 1 if descending else BEGINNING
        page = await self._store.events(selection, after=after, limit=limit, descending=descending)
        answer = records_of(page)
        if page and await self._follows(selection, after=page[-1].revision, descending=descending):
            answer += wire.record(_NEXT, page_token(Position(page[-1].revision, ""), request).encode())
        return answer

    async def _follows(self, selection: Selection, *, after: int, descending: bool) -> bool:
        """Whether there is an event behind a page; a page also ends at a size in bytes, so only a look shows it."""
        try:
            return bool(await self._store.events(selection, after=after, limit=1, descending=descending))
        except CursorBelowFloor:  # cut since the page was read: whoever asks for the next one is told so
            return True
