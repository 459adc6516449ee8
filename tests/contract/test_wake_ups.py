"""What one node commits reaches the others' watchers by itself: by a notice, or by the poll where notices are lost."""

import asyncio
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, ProgrammingError
from structlog.testing import capture_logs

from contract.conftest import Opening
from contract.cut_proxy import cutting
from contract.postgres import PostgresServer
from contract.sample import Heard, JsonCodec, creation, new_session, revisions, saying
from driving import eventually
from greenroomd.app.ports.storage import Store, StoredEvent
from greenroomd.store.engine import Database
from greenroomd.store.notifications import listening_for_commits
from greenroomd.store.read.reader import open_reader
from greenroomd.store.sql_store import open_store
from greenroomd.store.write import remote_events

SOCKET = ".s.PGSQL.5432"
NEVER = timedelta(days=1)
OFTEN = timedelta(milliseconds=100)


@pytest.fixture
def database_url(postgres: PostgresServer) -> str:
    """Only PostgreSQL has several nodes."""
    return postgres.url(postgres.migrated_database())


class Hearing(Heard):
    """A `Heard` that can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = asyncio.Event()

    def __call__(self, events: Sequence[StoredEvent], head: int) -> None:
        super().__call__(events, head)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def until_head(self, head: int) -> None:
        await self.until(lambda: bool(self.heads) and self.heads[-1] >= head)


async def talk(store: Store, messages: int) -> int:
    session = await store.commit(creation(new_session()))
    for number in range(messages):
        session = await store.commit(saying(session, f"word {number}"))
    return store.head


async def test_a_notice_tells_the_other_node(opening: Opening) -> None:
    heard = Hearing()
    async with opening(poll=NEVER) as one, opening(announce=heard, poll=NEVER) as two:
        await heard.until_head(await talk(one, 20))
        assert revisions(heard.events) == list(range(1, one.head + 1))
        assert two.head == one.head


async def test_each_node_announces_everything_in_one_order(opening: Opening) -> None:
    left, right = Hearing(), Hearing()
    async with opening(announce=left, poll=NEVER) as one, opening(announce=right, poll=NEVER) as two:
        await asyncio.gather(*(talk(store, 30) for store in (one, two, one, two)))
        head = max(one.head, two.head)
        await asyncio.gather(left.until_head(head), right.until_head(head))
    assert left.events == right.events
    assert revisions(left.events) == list(range(1, head + 1))


async def test_a_cached_session_follows_the_other_node(opening: Opening) -> None:
    heard = Hearing()
    async with opening(poll=NEVER) as one, opening(announce=heard, poll=NEVER) as two:
        session = await one.commit(creation(new_session()))
        await heard.until_head(session.revision)
        assert await two.session(session.session_id) == session
        session = await one.commit(saying(session, "more"))
        await heard.until_head(session.revision)
        assert await two.session(session.session_id) == session


async def test_the_loss_of_the_listening_connection_loses_nothing(
    opening: Opening, postgres: PostgresServer
) -> None:
    heard = Hearing()
    async with opening(poll=NEVER) as one, opening(announce=heard, poll=NEVER):
        await heard.until_head(await talk(one, 1))
        cut = postgres.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        )
        assert len(cut) == 2
        await heard.until_head(await talk(one, 5))
        await heard.until_head(await talk(one, 5))
        assert revisions(heard.events) == list(range(1, one.head + 1))


async def test_the_poll_finds_what_a_lost_notice_missed(
    opening: Opening, postgres: PostgresServer, database_url: str, key_file: Path
) -> None:
    heard = Hearing()
    with tempfile.TemporaryDirectory() as short, cutting(postgres.folder / SOCKET, Path(short)) as proxy:
        url = database_url.replace(str(postgres.folder), short)
        codec = JsonCodec()
        deaf = open_store(url, key_file=key_file, codec=lambda _: codec, announce=heard, poll=OFTEN)
        async with opening(poll=NEVER) as one, deaf:
            await heard.until_head(await talk(one, 1))
            proxy.deaf = True
            await heard.until_head(await talk(one, 5))
            assert revisions(heard.events) == list(range(1, one.head + 1))


@pytest.mark.parametrize("payload", ["x", "", "-1", "½", "9" * 7_000, "9" * 19])
async def test_a_notice_of_somebody_else_is_ignored(
    opening: Opening, postgres: PostgresServer, database_url: str, payload: str
) -> None:
    name = database_url.partition("@/")[2].partition("?")[0]
    heard = Hearing()
    async with opening(poll=NEVER) as one, opening(announce=heard, poll=NEVER):
        await heard.until_head(await talk(one, 1))
        for _ in range(3):
            postgres.execute(f"SELECT pg_notify('greenroom', '{payload}')", name)
        await heard.until_head(await talk(one, 5))
        assert revisions(heard.events) == list(range(1, one.head + 1))


async def test_a_flood_of_false_notices_costs_few_reads(
    opening: Opening, postgres: PostgresServer, database_url: str
) -> None:
    name = database_url.partition("@/")[2].partition("?")[0]
    flood = "SELECT pg_notify('greenroom', (10^15 + n)::bigint::text) FROM generate_series(1, 2000) n"
    heard = Hearing()
    reads = 0

    def count_reads(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal reads
        reads += statement.startswith("SELECT meta.revision")

    async with opening(poll=NEVER) as one, opening(announce=heard, poll=NEVER):
        await heard.until_head(await talk(one, 1))
        event.listen(Engine, "before_cursor_execute", count_reads)
        try:
            postgres.execute(flood, name)
            await heard.until_head(await talk(one, 1))
        finally:
            event.remove(Engine, "before_cursor_execute", count_reads)
        assert revisions(heard.events) == list(range(1, one.head + 1))
    assert reads < 100


async def test_a_poll_that_fails_for_any_reason_is_made_again(
    postgres: PostgresServer, database_url: str
) -> None:
    """Behind a transaction pooler the server knows a statement of the same name that another client has prepared."""
    database = Database(database_url, wait_timeout=timedelta(seconds=5))
    heard = asyncio.Event()
    failures: list[Exception] = []

    def at_seven(connection: Connection) -> int:
        driver: psycopg.Connection = connection.connection.driver_connection  # type: ignore[assignment]
        if not failures:
            driver.execute('PREPARE "_pg3_0" AS SELECT 2')
            driver.prepare_threshold = 0
        try:
            return int(connection.exec_driver_sql("SELECT 7").scalar_one())
        except ProgrammingError as error:
            failures.append(error)
            driver.execute("DEALLOCATE ALL")
            raise

    def on_commit(revision: int) -> None:
        if revision == 7:
            heard.set()

    async with (
        asyncio.timeout(60),
        open_reader(database) as reader,
        listening_for_commits(database, on_commit, lambda: reader.read(at_seven), poll=OFTEN),
    ):
        await heard.wait()
    database.dispose()
    # once, or twice: on a slow machine the listener reads the head, too, before the poll has failed
    assert {str(failure.orig) for failure in failures if isinstance(failure, DBAPIError)} == {
        'prepared statement "_pg3_0" already exists'
    }


async def test_a_node_that_has_heard_nothing_reaches_what_it_is_asked_for(
    opening: Opening, database_url: str, key_file: Path, postgres: PostgresServer
) -> None:
    heard = Hearing()
    with tempfile.TemporaryDirectory() as short, cutting(postgres.folder / SOCKET, Path(short)) as proxy:
        url = database_url.replace(str(postgres.folder), short)
        codec = JsonCodec()
        opened = open_store(url, key_file=key_file, codec=lambda _: codec, announce=heard, poll=NEVER)
        async with opening(poll=NEVER) as one, opened as deaf:
            await heard.until_head(await talk(one, 1))
            proxy.deaf = True
            head = await talk(one, 5)
            assert deaf.head < head
            assert (
                await asyncio.gather(*(deaf.reach(revision) for revision in (head, head - 1, head)))
                == [head] * 3
            )
            assert revisions(heard.events) == list(range(1, head + 1))
            assert await deaf.reach(head + 1) == head


async def test_a_node_that_missed_too_much_leaves_it_to_its_watchers(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_events, "MOST", 3)
    heard = Hearing()
    async with opening(poll=NEVER) as one, opening(announce=heard, poll=NEVER) as two:
        session = await one.commit(creation(new_session()))
        await heard.until_head(session.revision)
        known = await two.session(session.session_id)
        later = await one.commit(saying(known, *["word"] * 9))
        await heard.until_head(later.revision)
        assert revisions(heard.events) == [1]
        assert await two.session(session.session_id) == later


async def test_a_flood_of_foreign_notices_is_reported_in_one_line(
    opening: Opening, postgres: PostgresServer, database_url: str
) -> None:
    database = database_url.partition("@/")[2].partition("?")[0]
    heard = Hearing()
    async with opening(poll=NEVER) as one, opening(announce=heard, poll=NEVER):
        await heard.until_head(await talk(one, 1))
        with capture_logs() as lines:
            postgres.execute(
                "SELECT pg_notify('greenroom', 'x' || i) FROM generate_series(1, 2000) AS i", database
            )
            await eventually(lambda: len(foreign(lines)) >= 2)
            await heard.until_head(await talk(one, 1))  # its notice comes after them
        assert len(foreign(lines)) == 2, "each of the two nodes reports it once"


def foreign(lines: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [line for line in lines if line["event"] == "foreign_notice"]
