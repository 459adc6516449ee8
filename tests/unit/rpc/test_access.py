"""What callers may do, see and hear: the whole matrix over a real socket, lists, and streams that outlive a grant."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from greenroom.v1.event_service_pb2 import (
    WATCH_START_BEGINNING,
    ListEventsRequest,
    WatchEventsRequest,
    WatchEventsResponse,
)
from greenroom.v1.node_service_pb2 import GetServerInfoRequest
from greenroom.v1.profile_pb2 import Profile
from greenroom.v1.profile_service_pb2 import CreateProfileRequest, ListProfilesRequest
from greenroom.v1.session_service_pb2 import (
    CloseSessionRequest,
    CreateSessionRequest,
    DeleteSessionRequest,
    GetSessionRequest,
    ListSessionsRequest,
    StartSessionRequest,
    WaitSessionRequest,
)
from greenroom.v1.turn_service_pb2 import GetTurnRequest
from greenroomd.identity.api_tokens import ASKS_EVERY
from greenroomd.rpc.access.open_calls import LOOKS_EVERY
from unit.rpc.access_matrix import CALLERS, Asker, a_target, differences, grants_of
from unit.rpc.callers import Callers, Headers
from unit.rpc.conftest import MOST_WATCHERS, Edge, running_edge
from unit.rpc.refusal import Refusal, refused

C = grpc.StatusCode


@pytest.fixture
def callers() -> Callers:
    """Who is known; `root` may do everything."""
    return Callers()


@pytest.fixture
async def edge(tmp_path: Path, callers: Callers) -> AsyncIterator[Edge]:
    """A server that knows the callers; its own calls are those of `root`."""
    root = callers.add("root", "*=admin")
    async with running_edge(tmp_path, authenticator=callers) as edge:
        edge.headers = root
        yield edge


async def test_each_rpc_answers_each_role_as_the_table_says(edge: Edge, callers: Callers) -> None:
    seen, hidden = await a_target(edge, "lab"), await a_target(edge, "den")
    asking = {
        name: Asker(edge.channel, callers.add(f"caller-{name}", *grants_of(name, "lab"))) for name in CALLERS
    }
    assert await differences(asking, seen, hidden) == []


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ((), "missing"),
        ((("authorization", "Bearer nobody"),), "invalid"),
        ((("authorization", "Basic cm9vdDo="),), "invalid"),
        ((("authorization", "Bearer "),), "invalid"),
        ((("authorization", "Bearer root"), ("authorization", "Bearer root")), "invalid"),
    ],
)
async def test_a_call_without_valid_credentials_is_refused(
    edge: Edge, headers: Headers, problem: str
) -> None:
    refusal = await refused(edge.sessions.GetSession(GetSessionRequest(session_id="x"), metadata=headers))
    assert (refusal.code, refusal.reason) == (C.UNAUTHENTICATED, "UNAUTHENTICATED")
    assert refusal.metadata == {"problem": problem}
    assert "nobody" not in str(refusal.status)
    watch = edge.events.WatchEvents(WatchEventsRequest(), metadata=headers)
    assert (await refused(watch.read())).code is C.UNAUTHENTICATED


def reflecting(edge: Edge) -> Any:
    """Return the stub of reflection, whose types do not know asyncio."""
    channel: Any = edge.channel
    return ServerReflectionStub(channel)


async def test_health_needs_no_credentials_and_reflection_does(edge: Edge) -> None:
    health: Any = HealthStub(edge.channel)
    answer = await health.Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    reflection = reflecting(edge)
    asked = [ServerReflectionRequest(list_services="")]
    # Without a request: a stream that is refused while its client writes ends as INTERNAL in Python.
    refusal = await refused(reflection.ServerReflectionInfo().read())
    assert refusal.code is C.UNAUTHENTICATED
    allowed = reflection.ServerReflectionInfo(iter(asked), metadata=edge.headers)
    assert (await allowed.read()).list_services_response.service


async def test_reflection_may_be_open_or_off(tmp_path: Path, callers: Callers) -> None:
    asked = [ServerReflectionRequest(list_services="")]
    (tmp_path / "open").mkdir()
    async with running_edge(tmp_path / "open", authenticator=callers, reflection="open") as edge:
        answer = await reflecting(edge).ServerReflectionInfo(iter(asked)).read()
        assert answer.list_services_response.service
    (tmp_path / "off").mkdir()
    async with running_edge(tmp_path / "off", authenticator=callers, reflection="off") as edge:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await reflecting(edge).ServerReflectionInfo().read()
        assert raised.value.code() is C.UNIMPLEMENTED


async def test_the_caller_is_the_actor_of_what_it_does(edge: Edge, callers: Callers) -> None:
    ann = callers.add("ann", "lab=operator")
    edge.headers = ann
    made = await edge.create(workspace_id="lab")
    listed = ListEventsRequest(session_id=made.session_id)
    (event,) = (await edge.events.ListEvents(listed, metadata=ann)).events
    assert event.actor == "token:ann"


async def test_request_ids_belong_to_their_caller(edge: Edge, callers: Callers) -> None:
    ann, bob = callers.add("ann", "lab=operator"), callers.add("bob", "lab=operator")
    request = CreateSessionRequest(workspace_id="lab", request_id=str(uuid.uuid4()), config=edge.config)
    first = (await edge.sessions.CreateSession(request, metadata=ann)).session
    assert (await edge.sessions.CreateSession(request, metadata=ann)).session == first
    assert (await edge.sessions.CreateSession(request, metadata=bob)).session != first


async def test_a_repetition_is_answered_though_the_session_is_gone_but_not_if_it_is_hidden(
    edge: Edge, callers: Callers
) -> None:
    ann = callers.add("ann", "lab=admin")
    made, other = await edge.create(workspace_id="lab"), await edge.create(workspace_id="lab")
    close = CloseSessionRequest(session_id=other.session_id, request_id=str(uuid.uuid4()))
    await edge.sessions.CloseSession(close, metadata=ann)
    delete = DeleteSessionRequest(session_id=made.session_id, force=True, request_id=str(uuid.uuid4()))
    await edge.sessions.DeleteSession(delete, metadata=ann)
    await edge.sessions.DeleteSession(delete, metadata=ann)
    callers.add("ann", "den=admin")
    assert (await refused(edge.sessions.CloseSession(close, metadata=ann))).code is C.NOT_FOUND


async def test_lists_of_everything_have_only_what_the_caller_sees_and_full_pages(
    edge: Edge, callers: Callers
) -> None:
    for workspace_id in ("lab", "den", "lab", "pit", "den", "lab"):
        await edge.create(workspace_id=workspace_id)
    for workspace_id in ("lab", "den"):
        profile = Profile(profile_id="green", workspace_id=workspace_id)
        await edge.profiles.CreateProfile(CreateProfileRequest(profile=profile), metadata=edge.headers)
    ann, nobody = callers.add("ann", "lab=viewer", "pit=admin"), callers.add("nobody")

    async def sessions(headers: Headers) -> list[str]:
        found: list[str] = []
        request = ListSessionsRequest(workspace_id="-", page_size=2)
        while True:
            page = await edge.sessions.ListSessions(request, metadata=headers)
            found += [session.workspace_id for session in page.sessions]
            if not page.next_page_token:
                return found
            assert len(page.sessions) == 2, "a page is full while there is more"
            request.page_token = page.next_page_token

    async def events(headers: Headers) -> set[str]:
        request = ListEventsRequest(workspace_id="-")
        return {
            event.workspace_id for event in (await edge.events.ListEvents(request, metadata=headers)).events
        }

    async def profiles(headers: Headers) -> list[str]:
        request = ListProfilesRequest(workspace_id="-")
        page = await edge.profiles.ListProfiles(request, metadata=headers)
        return [profile.workspace_id for profile in page.profiles]

    assert sorted(await sessions(ann)) == ["lab", "lab", "lab", "pit"]
    assert await events(ann) == {"lab", "pit"}
    assert await profiles(ann) == ["lab"]
    assert len(await sessions(edge.headers)) == 6
    assert (await sessions(nobody), await events(nobody), await profiles(nobody)) == ([], set(), [])


async def test_a_hidden_session_is_not_there_for_a_watch_that_resumes(edge: Edge, callers: Callers) -> None:
    ann = callers.add("ann", "lab=viewer")
    seen, hidden = await edge.create(workspace_id="lab"), await edge.create(workspace_id="den")
    listed = ListEventsRequest(session_id=seen.session_id)
    (event,) = (await edge.events.ListEvents(listed, metadata=ann)).events
    both = [seen.session_id, hidden.session_id]
    request = WatchEventsRequest(session_ids=both, after=event.cursor, until_closed=True)
    watch = edge.events.WatchEvents(request, metadata=ann)
    for session in (hidden, seen):
        close = CloseSessionRequest(session_id=session.session_id)
        await edge.sessions.CloseSession(close, metadata=edge.headers)
    frames = [frame async for frame in watch]  # it ends though it never heard of the hidden one
    told = {event.session_id for frame in frames for event in frame.events}
    assert told == {seen.session_id}
    fresh = WatchEventsRequest(session_ids=both)
    assert (await refused(edge.events.WatchEvents(fresh, metadata=ann).read())).code is C.NOT_FOUND


async def test_a_watch_of_a_hidden_session_takes_no_place_from_those_who_may_watch_it(
    edge: Edge, callers: Callers
) -> None:
    ann = callers.add("ann", "lab=viewer")
    seen, hidden = await edge.create(workspace_id="lab"), await edge.create(workspace_id="den")
    listed = ListEventsRequest(session_id=seen.session_id)
    (event,) = (await edge.events.ListEvents(listed, metadata=ann)).events
    resumed = WatchEventsRequest(session_ids=[hidden.session_id], after=event.cursor)
    watches = [edge.events.WatchEvents(resumed, metadata=ann)]
    await watches[0].read()
    own = WatchEventsRequest(session_ids=[hidden.session_id])
    for _ in range(MOST_WATCHERS):
        watches.append(edge.events.WatchEvents(own, metadata=edge.headers))
        await watches[-1].read()
    close = CloseSessionRequest(session_id=hidden.session_id)
    await edge.sessions.CloseSession(close, metadata=edge.headers)
    assert await next_event(watches[-1]) == "den"
    for watch in watches:
        watch.cancel()


async def next_event(watch: Any) -> str:
    """Return the workspace of the next event."""
    while not (frame := await watch.read()).events:
        assert isinstance(frame, WatchEventsResponse)
    return str(frame.events[0].workspace_id)


async def test_a_watch_of_everything_follows_what_its_caller_may_see(edge: Edge, callers: Callers) -> None:
    ann = callers.add("ann", "lab=viewer")
    await edge.create(workspace_id="den")
    await edge.create(workspace_id="lab")
    request = WatchEventsRequest(workspace_id="-", start=WATCH_START_BEGINNING)
    watch = edge.events.WatchEvents(request, metadata=ann)
    assert await next_event(watch) == "lab"
    callers.add("ann", "den=viewer")
    await callers.asked_again()
    await edge.create(workspace_id="lab")
    await edge.create(workspace_id="den")
    assert await next_event(watch) == "den"
    watch.cancel()


async def lasting(edge: Edge, headers: Headers) -> list[Any]:
    """Open one call of each kind that lasts, and wait until it runs."""
    made = await edge.create(workspace_id="lab")
    watch = edge.events.WatchEvents(WatchEventsRequest(workspace_id="lab"), metadata=headers)
    named = edge.events.WatchEvents(WatchEventsRequest(session_ids=[made.session_id]), metadata=headers)
    for each in (watch, named):
        await each.initial_metadata()
        await each.read()
    wait = WaitSessionRequest(session_id=made.session_id, states=[9])  # type: ignore[list-item]
    return [watch, named, edge.sessions.WaitSession(wait, metadata=headers)]


async def end_of(call: Any) -> Refusal:
    """Return how a call that lasts is ended."""

    async def ended() -> None:
        if hasattr(call, "read"):
            while await call.read():
                pass
        await call

    return await refused(ended())


async def test_open_calls_end_with_what_their_caller_lost(edge: Edge, callers: Callers) -> None:
    names = {
        "revoked": callers.add("revoked", "lab=viewer"),
        "hidden": callers.add("hidden", "lab=viewer"),
        "expired": callers.add("expired", "lab=viewer", expire_time=datetime.now(UTC) + timedelta(hours=1)),
        "kept": callers.add("kept", "lab=viewer"),
    }
    calls = {name: await lasting(edge, headers) for name, headers in names.items()}
    callers.forget("revoked")
    callers.add("hidden", "den=viewer")
    callers.add("kept", "lab=admin")
    callers.add("expired", "lab=viewer", expire_time=datetime.now(UTC) + timedelta(milliseconds=100))
    async with asyncio.timeout(60):  # only ever reached by a failing test
        ends = {
            name: await asyncio.gather(*map(end_of, calls[name])) for name in ("revoked", "hidden", "expired")
        }
    assert {(end.code, end.metadata["problem"]) for end in ends["revoked"]} == {
        (C.UNAUTHENTICATED, "invalid")
    }
    assert {(end.code, end.metadata["problem"]) for end in ends["expired"]} == {
        (C.UNAUTHENTICATED, "expired")
    }
    watch, named, wait = ends["hidden"]
    assert (watch.code, watch.metadata) == (C.PERMISSION_DENIED, {"permission": "lab=viewer"})
    assert [named.code, wait.code] == [C.NOT_FOUND, C.NOT_FOUND]
    assert not any(call.done() for call in calls["kept"])
    for call in calls["kept"]:
        call.cancel()


async def test_a_call_is_ended_when_its_credential_runs_out_though_nobody_looks(
    edge: Edge, callers: Callers
) -> None:
    soon = datetime.now(UTC) + timedelta(milliseconds=300)
    ann = callers.add("ann", "lab=viewer", expire_time=soon)
    watch = edge.events.WatchEvents(WatchEventsRequest(workspace_id="lab"), metadata=ann)
    end = await end_of(watch)
    assert (end.code, end.metadata) == (C.UNAUTHENTICATED, {"problem": "expired"})
    assert datetime.now(UTC) >= soon


def test_what_was_revoked_is_noticed_in_time() -> None:
    answer = timedelta(seconds=2)  # what the store and the event loop may take on a busy machine
    assert LOOKS_EVERY + ASKS_EVERY + answer < timedelta(seconds=5)


async def test_a_server_without_authentication_asks_nobody(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        made = await edge.create(workspace_id="lab")
        start = StartSessionRequest(session_id=made.session_id)
        await edge.sessions.StartSession(start, metadata=(("authorization", "Bearer x"),))
        await edge.nodes.GetServerInfo(GetServerInfoRequest())
        assert (await refused(edge.turns.GetTurn(GetTurnRequest(turn_id="x")))).code is C.NOT_FOUND
