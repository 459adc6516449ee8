"""What was: read back, and ended."""

from __future__ import annotations

from greenroom.v1 import event_pb2, session_pb2
from greenroom.v1.event_service_pb2 import (
    EVENT_ORDER_DESCENDING,
    WATCH_START_BEGINNING,
    ListEventsRequest,
    WatchEventsRequest,
)
from greenroom.v1.profile_service_pb2 import (
    DeleteProfileRequest,
)
from greenroom.v1.session_service_pb2 import (
    CloseSessionRequest,
    DeleteSessionRequest,
    ForkSessionRequest,
    GetSessionRequest,
    ListSessionsRequest,
    SessionFilter,
    StartSessionRequest,
)
from greenroom.v1.turn_service_pb2 import (
    StartTurnRequest,
)
from recorded.play import NOBODY, Play
from story import until


async def look_back(play: Play) -> None:
    """History: by page, in both directions, by type, as a stream."""
    request = ListEventsRequest(session_id=play.runner, page_size=30)
    pages = []
    for _ in range(3):
        pages.append(await play.ask(play.events.ListEvents, request))
        request.page_token = pages[-1].next_page_token
    backwards = ListEventsRequest(workspace_id="-", order=EVENT_ORDER_DESCENDING, page_size=20)
    await play.ask(play.events.ListEvents, backwards)
    kinds = [event_pb2.EVENT_TYPE_TURN_COMPLETED, event_pb2.EVENT_TYPE_APPROVAL_DECIDED]
    await play.ask(play.events.ListEvents, ListEventsRequest(workspace_id="default", types=kinds))
    one = pages[0].events[5]
    await play.ask(
        play.events.ListEvents, ListEventsRequest(session_id=play.runner, after=one.cursor, page_size=5)
    )
    await play.refused(play.events.ListEvents, ListEventsRequest(after="bm90aGluZw"))
    await play.refused(play.events.ListEvents, ListEventsRequest(page_size=-1))
    last = pages[-1].events[-1]
    watch = WatchEventsRequest(session_ids=[play.runner], start=WATCH_START_BEGINNING)
    await play.read(play.events.WatchEvents, watch, until=lambda event: event.event_id == last.event_id)
    play.last_seen = last.cursor


async def end(play: Play) -> None:
    """Sessions closed, refused what they no longer take, and deleted."""
    close = CloseSessionRequest(session_id=play.runner, reason="DONE", request_id=next(play.request_ids))
    await play.sessions.CloseSession(close)
    await until(play.server, play.runner, session_pb2.SESSION_STATE_CLOSED)
    await play.ask(play.sessions.GetSession, GetSessionRequest(session_id=play.runner))
    watch = WatchEventsRequest(session_ids=[play.runner], after=play.last_seen, until_closed=True)
    await play.read(play.events.WatchEvents, watch)
    await play.refused(play.turns.StartTurn, StartTurnRequest(session_id=play.runner, prompt="more"))
    await play.refused(play.sessions.StartSession, StartSessionRequest(session_id=play.runner))
    in_use = DeleteProfileRequest(profile_id="reviewer")
    await play.refused(play.profiles.DeleteProfile, in_use)
    for session in play.made[::4]:
        await play.ask(play.sessions.CloseSession, CloseSessionRequest(session_id=session.session_id))
    await play.ask(play.profiles.DeleteProfile, in_use)
    states = SessionFilter(states=[session_pb2.SESSION_STATE_CLOSED, session_pb2.SESSION_STATE_CREATED])
    await play.ask(play.sessions.ListSessions, ListSessionsRequest(filter=states, page_size=100))
    open_ = DeleteSessionRequest(session_id=play.made[1].session_id)
    await play.refused(play.sessions.DeleteSession, open_)
    gone = DeleteSessionRequest(session_id=play.made[0].session_id, request_id=next(play.request_ids))
    await play.ask(play.sessions.DeleteSession, gone)
    await play.ask(play.sessions.DeleteSession, gone)
    for request in (GetSessionRequest(session_id=gone.session_id), GetSessionRequest(session_id=NOBODY)):
        await play.refused(play.sessions.GetSession, request)
    await play.refused(play.sessions.ForkSession, ForkSessionRequest(session_id=NOBODY))
    await play.refused(play.events.ListEvents, ListEventsRequest(session_id=gone.session_id))
    deleted = ListEventsRequest(types=[event_pb2.EVENT_TYPE_SESSION_DELETED])
    await play.ask(play.events.ListEvents, deleted)
