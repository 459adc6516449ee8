"""Two servers on one PostgreSQL: a watch of one of them sees what the other commits, however the news gets there."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from contract.cut_proxy import CutProxy, cutting
from contract.postgres import PostgresServer
from fake_cli.installed import install
from greenroom.v1.event_pb2 import Event
from greenroom.v1.event_service_pb2 import ListEventsRequest, WatchEventsRequest
from greenroom.v1.session_service_pb2 import START_MODE_MANUAL
from greenroom_server import GreenroomServer
from story import create, get, history, rename, sequences

SOCKET = ".s.PGSQL.5432"
NEVER = "1d"
OFTEN = "100ms"


@dataclass(frozen=True)
class Pair:
    """Two servers; what the watching one hears of the database comes through the proxy."""

    talking: GreenroomServer
    watching: GreenroomServer
    proxy: CutProxy

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[AsyncIterator[Event]]:
        """Watch everything there, from now on."""
        call = self.watching.events.WatchEvents(WatchEventsRequest())
        await call.initial_metadata()
        yield (event async for frame in call for event in frame.events)
        call.cancel()


@pytest.fixture
async def pair(
    request: pytest.FixtureRequest, tmp_path: Path, postgres: PostgresServer
) -> AsyncIterator[Pair]:
    url, cli = postgres.url(postgres.new_database()), str(install(tmp_path))
    with tempfile.TemporaryDirectory() as short, cutting(postgres.folder / SOCKET, Path(short)) as proxy:
        through = url.replace(str(postgres.folder), short)
        settings = {"claude_path": cli, "poll_interval": getattr(request, "param", NEVER)}
        async with (
            GreenroomServer(tmp_path / "talking", {}, database_url=url, **settings) as talking,
            GreenroomServer(tmp_path / "watching", {}, database_url=through, **settings) as watching,
        ):
            yield Pair(talking, watching, proxy)


async def seen_up_to(events: AsyncIterator[Event], sequence: int) -> list[Event]:
    """Return the events of a watch of one session up to a sequence."""
    seen = []
    async with asyncio.timeout(20):
        async for event in events:
            seen.append(event)
            if event.sequence == sequence:
                return seen
    raise AssertionError("the watch ended")


async def test_a_notice_brings_what_the_other_server_commits(pair: Pair) -> None:
    async with pair.watch() as events:
        session = await create(pair.talking, start_mode=START_MODE_MANUAL)
        session = await rename(pair.talking, session, 10)
        seen = await seen_up_to(events, session.last_sequence)
    assert seen == await history(pair.talking, session.session_id)
    assert sequences(seen) == list(range(1, session.last_sequence + 1))
    assert await get(pair.watching, session.session_id) == session


async def test_the_listening_connection_may_be_lost(pair: Pair, postgres: PostgresServer) -> None:
    async with pair.watch() as events:
        session = await create(pair.talking, start_mode=START_MODE_MANUAL)
        first = await seen_up_to(events, session.last_sequence)
        cut = postgres.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        )
        assert len(cut) == 2
        session = await rename(pair.talking, session, 5)
        rest = await seen_up_to(events, session.last_sequence)
    assert [*first, *rest] == await history(pair.watching, session.session_id)


async def test_a_cursor_of_one_server_is_good_for_the_other(pair: Pair) -> None:
    session = await create(pair.talking, start_mode=START_MODE_MANUAL)
    pair.proxy.deaf = True
    session = await rename(pair.talking, session, 5)
    newest = (await history(pair.talking, session.session_id))[-1]
    call = pair.watching.events.WatchEvents(WatchEventsRequest(after=newest.cursor))
    await call.initial_metadata()
    pair.proxy.deaf = False
    session = await rename(pair.talking, session, 1)
    seen = await seen_up_to((event async for frame in call for event in frame.events), session.last_sequence)
    assert sequences(seen) == [newest.sequence + 1]

    pair.proxy.deaf = True
    await rename(pair.talking, session, 3)
    before, last = (await history(pair.talking, session.session_id))[-2:]
    page = await pair.watching.events.ListEvents(ListEventsRequest(after=before.cursor))
    assert list(page.events) == [last]


@pytest.mark.parametrize("pair", [OFTEN], indirect=True)
async def test_the_poll_finds_what_no_notice_told(pair: Pair) -> None:
    async with pair.watch() as events:
        pair.proxy.deaf = True
        session = await create(pair.talking, start_mode=START_MODE_MANUAL)
        session = await rename(pair.talking, session, 5)
        seen = await seen_up_to(events, session.last_sequence)
    assert seen == await history(pair.talking, session.session_id)
