"""The Python clients against a real server: request ids, typed errors, and streams across a kill of the server."""

import asyncio
import threading
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from datetime import timedelta

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from fake_cli.installed import turn as script
from greenroom import Client, Error, EtagMismatch, InvalidRequest, NotFound, SyncClient, Unavailable
from greenroom.asyncio_calls import Closing, followed
from greenroom.resumption import Backoff, WatchProgress
from greenroom.v1 import turn_pb2
from greenroom.v1.config_pb2 import SessionConfig
from greenroom.v1.event_pb2 import EVENT_TYPE_SESSION_DELETED, Event
from greenroom.v1.event_service_pb2 import WATCH_START_BEGINNING, WatchEventsRequest
from greenroom.v1.session_pb2 import SESSION_STATE_ACTIVE, SESSION_STATE_CLOSED, Session
from greenroom.v1.session_service_pb2 import (
    CloseSessionRequest,
    CreateSessionRequest,
    UpdateSessionRequest,
    WaitSessionRequest,
)
from greenroom.v1.turn_service_pb2 import ListTurnsRequest, RunTurnRequest
from greenroom_server import GreenroomServer
from story import TURN_ENDS, history, names, sequences


@pytest.fixture
async def client(server: GreenroomServer) -> AsyncIterator[Client]:
    async with Client(server.address) as client:
        yield client


@pytest.fixture
def sync_client(server: GreenroomServer) -> Iterator[SyncClient]:
    with SyncClient(server.address) as client:
        yield client


def creation(server: GreenroomServer, **fields: object) -> CreateSessionRequest:
    return CreateSessionRequest(config=SessionConfig(working_dir=str(server.work)), **fields)  # type: ignore[arg-type]


async def create(client: Client, server: GreenroomServer) -> Session:
    return (await client.sessions.CreateSession(creation(server))).session


async def test_every_change_carries_a_request_id_of_its_own(client: Client, server: GreenroomServer) -> None:
    session = await create(client, server)
    turns = [await client.run_turn(session.session_id, "hello").result() for _ in range(2)]
    assert len({uuid.UUID(turn.request_id) for turn in turns}) == 2


async def test_a_request_id_that_is_given_is_kept(client: Client, server: GreenroomServer) -> None:
    request = creation(server, request_id=str(uuid.uuid4()))
    first = await client.sessions.CreateSession(request)
    assert await client.sessions.CreateSession(request) == first


async def test_refusals_are_typed(client: Client, server: GreenroomServer) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await client.sessions.CreateSession(
            CreateSessionRequest(
                config=SessionConfig(working_dir=str(server.work), temperature=7, max_turns=-1)
            )
        )
    assert refused.value.reason == "INVALID_FIELD"
    assert {each.field for each in refused.value.violations} == {"config.temperature", "config.max_turns"}
    with pytest.raises(NotFound) as missing:
        await client.run_turn(str(uuid.uuid4()), "hello").result()
    assert (missing.value.reason, missing.value.code) == ("SESSION_NOT_FOUND", grpc.StatusCode.NOT_FOUND)


async def test_a_stale_etag_tells_the_current_one(client: Client, server: GreenroomServer) -> None:
    session = await create(client, server)
    mask = FieldMask(paths=["display_name"])
    first = UpdateSessionRequest(
        session=Session(session_id=session.session_id, display_name="a"), update_mask=mask
    )
    await client.sessions.UpdateSession(first)
    stale = Session(session_id=session.session_id, display_name="b", etag=session.etag)
    with pytest.raises(EtagMismatch) as refused:
        await client.sessions.UpdateSession(UpdateSessionRequest(session=stale, update_mask=mask))
    assert refused.value.etag not in ("", session.etag)


@pytest.mark.timeout(180)  # it starts the server four times
async def test_a_watch_goes_on_across_a_kill_of_the_server(client: Client, server: GreenroomServer) -> None:
    session = await create(client, server)
    seen: list[Event] = []
    watch = client.watch(session.session_id, start=WATCH_START_BEGINNING, until_closed=True)
    for text in ("before", "between", "after"):
        await client.run_turn(session.session_id, script(text=text)).result()
        async with asyncio.timeout(60):
            async for event in watch:
                seen.append(event)
                if event.type in TURN_ENDS:
                    break
        await server.kill()
        await server.start()
    await client.sessions.CloseSession(CloseSessionRequest(session_id=session.session_id))
    async with asyncio.timeout(60):
        seen += [event async for event in watch]
    assert seen == await history(server, session.session_id)
    assert sequences(seen) == list(range(1, len(seen) + 1))


async def test_a_watch_from_now_misses_nothing_while_the_server_is_away(
    client: Client, server: GreenroomServer
) -> None:
    session = await create(client, server)
    async with aclosing(client.watch(session.session_id)) as watch, asyncio.timeout(60):
        first = asyncio.ensure_future(anext(watch))  # noqa: TID251  # a task, so that it can be read in two halves
        while not first.done():
            await client.run_turn(session.session_id, "hello").result()
        begun = await first
        await server.kill()
        await server.start()
        await client.run_turn(session.session_id, script(text="again")).result()
        seen = [begun]
        while seen[-1].turn_id == "" or "again" not in str(seen[-1]) or seen[-1].type not in TURN_ENDS:
            seen.append(await anext(watch))
    stored = await history(server, session.session_id)
    assert seen == [event for event in stored if begun.sequence <= event.sequence <= seen[-1].sequence]


async def test_a_turn_whose_connection_is_lost_is_not_started_again(
    client: Client, server: GreenroomServer
) -> None:
    session = await create(client, server)
    running = client.run_turn(session.session_id, script(events=3, wait=60))
    seen: list[Event] = []
    async for event in running:
        seen.append(event)
        if names([event]) == ["message_assistant"] and names(seen).count("message_assistant") == 3:
            await server.kill()
            await server.start()
    assert running.turn is not None
    assert running.turn.state == turn_pb2.TURN_STATE_INTERRUPTED
    turns = await client.turns.ListTurns(ListTurnsRequest(session_id=session.session_id))
    assert [turn.turn_id for turn in turns.turns] == [running.turn.turn_id]
    stored = await history(server, session.session_id)
    assert seen == [event for event in stored if event.turn_id == running.turn.turn_id]


async def test_the_result_of_a_turn_that_was_read_needs_no_server(server: GreenroomServer) -> None:
    async with Client(server.address, patience=timedelta()) as client:
        session = await create(client, server)
        running = client.run_turn(session.session_id, "hello")
        async for _ in running:
            pass
        with SyncClient(server.address, patience=timedelta()) as sync_client:
            sync_running = sync_client.run_turn(session.session_id, "hello")
            await asyncio.to_thread(list, sync_running)
            await server.stop()
            assert sync_running.result() == sync_running.turn
        assert await running.result() == running.turn


async def test_a_server_that_stays_away_is_an_error_once_patience_is_over(server: GreenroomServer) -> None:
    await server.stop()
    async with Client(server.address, patience=timedelta(milliseconds=300)) as client:
        with pytest.raises(Unavailable):
            await anext(client.watch())


async def test_a_cursor_of_another_store_is_refused_at_once(client: Client) -> None:
    with pytest.raises(Error) as refused:
        await anext(client.watch(after="no cursor"))
    assert refused.value.reason == "INVALID_CURSOR"


async def test_the_token_travels_with_every_call(server: GreenroomServer) -> None:
    tokens: list[str] = []

    def token() -> str:
        tokens.append(f"token-{len(tokens)}")
        return tokens[-1]

    async with Client(server.address, token=token) as client:
        session = await create(client, server)
        await client.run_turn(session.session_id, "hello").result()
    assert len(tokens) == 2


async def test_the_blocking_client_does_the_same(sync_client: SyncClient, server: GreenroomServer) -> None:
    seen: list[Event] = []
    killed, started = threading.Event(), threading.Event()

    def story() -> str:
        session = sync_client.sessions.CreateSession(creation(server)).session
        with pytest.raises(InvalidRequest):
            sync_client.sessions.CreateSession(CreateSessionRequest())
        sync_client.run_turn(session.session_id, script(text="one")).result()
        for event in sync_client.watch(session.session_id, start=WATCH_START_BEGINNING, until_closed=True):
            seen.append(event)
            if len(seen) == 3:
                killed.set()
                assert started.wait(120)
                sync_client.sessions.CloseSession(CloseSessionRequest(session_id=session.session_id))
        return session.session_id

    async with asyncio.TaskGroup() as group:
        told = group.create_task(asyncio.to_thread(story))
        await asyncio.to_thread(killed.wait, 120)
        await server.kill()
        await server.start()
        started.set()
    assert seen == await history(server, told.result())


async def refused_as(work: Awaitable[object]) -> grpc.StatusCode:
    with pytest.raises(Error) as refused:
        await work
    return refused.value.code


async def awaited(work: Awaitable[object]) -> object:
    return await work


def under_way(client: Client, session_id: str) -> list[Awaitable[object]]:
    turn = client.run_turn(session_id, script(wait=60)).result()
    closed = WaitSessionRequest(session_id=session_id, states=[SESSION_STATE_CLOSED])
    return [
        anext(client.watch(types=[EVENT_TYPE_SESSION_DELETED])),
        turn,
        client.sessions.WaitSession(closed),
    ]


async def test_closing_the_client_ends_what_is_under_way_with_an_error(
    client: Client, server: GreenroomServer
) -> None:
    session = await create(client, server)
    async with Client(server.address) as closed, asyncio.timeout(60), asyncio.TaskGroup() as group:
        told = [group.create_task(refused_as(each)) for each in under_way(closed, session.session_id)]
        active = WaitSessionRequest(session_id=session.session_id, states=[SESSION_STATE_ACTIVE])
        assert (await client.sessions.WaitSession(active)).matched
        await closed.close()
        told += [group.create_task(refused_as(each)) for each in under_way(closed, session.session_id)]
    assert [each.result() for each in told] == 6 * [grpc.StatusCode.CANCELLED]


async def test_closing_the_client_ends_a_wait_for_the_server(server: GreenroomServer) -> None:
    await server.stop()
    tried = asyncio.Event()
    attempts = 0

    def token() -> str:
        nonlocal attempts
        attempts += 1
        if attempts == 2:
            tried.set()
        return "token"

    async with (
        asyncio.timeout(60),
        asyncio.TaskGroup() as group,
        Client(server.address, token=token) as client,
    ):
        told = group.create_task(refused_as(anext(client.watch())))
        await tried.wait()
    assert told.result() is grpc.StatusCode.CANCELLED


async def test_a_stream_ends_with_its_client_even_where_grpc_leaves_it_open(client: Client) -> None:
    closing, reached = Closing(), asyncio.Event()
    progress = WatchProgress(WatchEventsRequest(), Backoff(timedelta(), time.monotonic))

    def call() -> object:
        reached.set()
        return client.events.WatchEvents(progress.request())

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        told = group.create_task(refused_as(anext(followed(progress, call, closing))))
        await reached.wait()
        closing.begin()
    assert told.result() is grpc.StatusCode.CANCELLED


async def test_a_call_that_its_caller_cancels_is_cancelled_also_while_the_client_closes(
    client: Client, server: GreenroomServer
) -> None:
    session = await create(client, server)
    async with Client(server.address) as closed, asyncio.timeout(60), asyncio.TaskGroup() as group:
        running = [group.create_task(awaited(each)) for each in under_way(closed, session.session_id)]
        active = WaitSessionRequest(session_id=session.session_id, states=[SESSION_STATE_ACTIVE])
        assert (await client.sessions.WaitSession(active)).matched
        await closed.close()
        for each in running:
            each.cancel()
    assert all(each.cancelled() for each in running)


async def test_closing_the_blocking_client_ends_what_is_under_way_with_an_error(
    client: Client, server: GreenroomServer
) -> None:
    session = await create(client, server)
    session_id = session.session_id
    closed = SyncClient(server.address)
    wait = WaitSessionRequest(session_id=session_id, states=[SESSION_STATE_CLOSED])
    work: list[Callable[[], object]] = [
        lambda: next(iter(closed.watch(types=[EVENT_TYPE_SESSION_DELETED]))),
        lambda: closed.run_turn(session_id, script(wait=60)).result(),
        lambda: closed.sessions.WaitSession(wait),
    ]
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        told = [group.create_task(refused_as(asyncio.to_thread(each))) for each in work]
        active = WaitSessionRequest(session_id=session_id, states=[SESSION_STATE_ACTIVE])
        assert (await client.sessions.WaitSession(active)).matched
        closed.close()
        told += [group.create_task(refused_as(asyncio.to_thread(each))) for each in work]
    assert [each.result() for each in told] == 6 * [grpc.StatusCode.CANCELLED]


async def test_raw_streams_raise_what_error_of_reads(client: Client) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        async for _ in client.events.WatchEvents(WatchEventsRequest(session_ids=[str(uuid.uuid4())])):
            pass
    from greenroom import error_of

    assert isinstance(error_of(refused.value), NotFound)


async def test_a_request_can_say_more_than_the_short_form(client: Client, server: GreenroomServer) -> None:
    session = await create(client, server)
    request = RunTurnRequest(session_id=session.session_id, prompt="hello", request_id=str(uuid.uuid4()))
    first, again = client.run(request), client.run(request)
    assert await first.result() == await again.result()
