"""Sessions that do not run: made, listed, changed, refused."""

from __future__ import annotations

import itertools

from google.protobuf.field_mask_pb2 import FieldMask

from greenroom.v1 import session_pb2
from greenroom.v1.config_pb2 import SessionConfig
from greenroom.v1.session_pb2 import Session
from greenroom.v1.session_service_pb2 import (
    START_MODE_MANUAL,
    CloseSessionRequest,
    CreateSessionRequest,
    GetSessionRequest,
    ListSessionsRequest,
    RestartSessionRequest,
    ResumeSessionRequest,
    SessionFilter,
    SuspendSessionRequest,
    UpdateSessionRequest,
    WaitSessionRequest,
)
from greenroom.v1.turn_service_pb2 import (
    DecideApprovalRequest,
    InterruptTurnRequest,
    ListApprovalsRequest,
    ListTurnsRequest,
)
from recorded.play import NOBODY, Play


async def make_sessions(play: Play) -> None:
    """Sessions that do not start: made, repeated, refused."""
    for number in range(24):
        request = CreateSessionRequest(
            config=play.config(system_prompt=f"number {number}"),
            profile_id="reviewer" if number % 4 == 0 else "",
            user_id=f"user-{number % 3}",
            display_name=f"Sitzung № {number}",
            labels={"team": "red" if number % 2 else "blue", "number": str(number)},
            start_mode=START_MODE_MANUAL,
            request_id=next(play.request_ids),
        )
        request.metadata.update({"nested": {"n": number, "text": 'quote " \\ 🎭'}})
        play.made.append((await play.ask(play.sessions.CreateSession, request)).session)
        if number % 5 == 0:
            await play.ask(play.sessions.CreateSession, request)
    taken = CreateSessionRequest(config=play.config(), session_id=play.made[0].session_id)
    await play.refused(play.sessions.CreateSession, taken)
    bad = CreateSessionRequest(
        config=SessionConfig(working_dir="relative", max_turns=0, allowed_tools=["read"], temperature=2),
        session_id="no",
        user_id="two words",
        labels={"Bad": ""},
    )
    await play.refused(play.sessions.CreateSession, bad)
    unknown = CreateSessionRequest(config=play.config(), profile_id="nobody")
    await play.refused(play.sessions.CreateSession, unknown)
    await play.ask(
        play.sessions.CreateSession, CreateSessionRequest(config=play.config(), validate_only=True)
    )


async def list_sessions(play: Play) -> None:
    """Lists: every order, filters alone and together, page by page."""
    for order in ("create_time asc", "create_time desc", "last_active_time", "last_active_time desc"):
        request = ListSessionsRequest(order_by=order, page_size=7)
        while True:
            page = await play.ask(play.sessions.ListSessions, request)
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
    created = [session_pb2.SESSION_STATE_CREATED]
    middle = play.made[8].create_time
    for wanted in (
        SessionFilter(user_id="user-1"),
        SessionFilter(profile_id="reviewer"),
        SessionFilter(labels={"team": "red"}),
        SessionFilter(labels={"team": "blue", "number": "4"}),
        SessionFilter(states=created, user_id="user-2"),
        SessionFilter(states=[session_pb2.SESSION_STATE_CLOSED]),
        SessionFilter(live_only=True),
        SessionFilter(created_after=middle),
        SessionFilter(created_before=middle, labels={"team": "red"}),
    ):
        await play.ask(play.sessions.ListSessions, ListSessionsRequest(filter=wanted))
    for order, wanted in itertools.product(
        ("create_time desc", "last_active_time asc"),
        (SessionFilter(user_id="user-1"), SessionFilter(labels={"team": "red"}, states=created)),
    ):
        request = ListSessionsRequest(order_by=order, filter=wanted, page_size=6)
        request.page_token = (await play.ask(play.sessions.ListSessions, request)).next_page_token
        await play.ask(play.sessions.ListSessions, request)
    full = ListSessionsRequest(view=session_pb2.SESSION_VIEW_FULL, page_size=2)
    await play.ask(play.sessions.ListSessions, full)
    for wrong in (
        ListSessionsRequest(page_size=-1),
        ListSessionsRequest(order_by="colour"),
        ListSessionsRequest(page_token="bm90aGluZw"),
    ):
        await play.refused(play.sessions.ListSessions, wrong)


async def change_sessions(play: Play) -> None:
    """Updates by mask and etag, of description and config."""
    session = play.made[1]
    for paths in (
        ["display_name"],
        ["labels.team", "metadata"],
        ["config.model"],
        ["config.environment.A"],
    ):
        change = Session(
            session_id=session.session_id,
            etag=session.etag,
            display_name="renamed",
            labels={"team": "green"},
            config=SessionConfig(model="haiku", environment={"A": "1"}),
        )
        request = UpdateSessionRequest(session=change, update_mask=FieldMask(paths=paths))
        request.request_id = next(play.request_ids)
        await play.ask(play.sessions.UpdateSession, request)
        session = (await play.ask(play.sessions.UpdateSession, request)).session
    stale = Session(session_id=session.session_id, etag=play.made[1].etag)
    mask = FieldMask(paths=["display_name"])
    await play.refused(play.sessions.UpdateSession, UpdateSessionRequest(session=stale, update_mask=mask))
    for path in ("config.working_dir", "state", "config.colour"):
        request = UpdateSessionRequest(
            session=Session(session_id=session.session_id), update_mask=FieldMask(paths=[path])
        )
        await play.refused(play.sessions.UpdateSession, request)
    await play.ask(play.sessions.GetSession, GetSessionRequest(session_id=session.session_id))


async def refuse_moves(play: Play) -> None:
    """What a session that never ran, or that is not there, does not take."""
    for session_id in (play.made[3].session_id, NOBODY):
        await play.refused(play.sessions.SuspendSession, SuspendSessionRequest(session_id=session_id))
        await play.refused(play.sessions.ResumeSession, ResumeSessionRequest(session_id=session_id))
        await play.refused(play.sessions.RestartSession, RestartSessionRequest(session_id=session_id))
        await play.refused(play.turns.InterruptTurn, InterruptTurnRequest(session_id=session_id))
    await play.refused(play.sessions.CloseSession, CloseSessionRequest(session_id=NOBODY))
    await play.refused(play.turns.ListTurns, ListTurnsRequest(session_id=NOBODY))
    await play.refused(play.turns.ListApprovals, ListApprovalsRequest(session_id=NOBODY))
    await play.refused(play.turns.DecideApproval, DecideApprovalRequest(approval_id=NOBODY))
    wait = WaitSessionRequest(session_id=play.made[3].session_id, states=[session_pb2.SESSION_STATE_READY])
    wait.timeout.FromMilliseconds(1)
    await play.ask(play.sessions.WaitSession, wait)
