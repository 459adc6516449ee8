"""A database that fails: the units that waited are told, nothing is announced, and afterwards all is well."""

import asyncio
import resource
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from contract.conftest import Opening
from contract.cut_proxy import Cut, CutProxy, cutting
from contract.postgres import PostgresServer
from contract.sample import Heard, JsonCodec, creation, new_session, revisions, saying
from greenroomd.app.ports.storage import Selection, Store
from greenroomd.domain.errors import GreenroomError, SessionExists
from greenroomd.domain.retryable_errors import CommitUnknown, DatabaseTakenOver, StoreUnavailable
from greenroomd.domain.session import Session
from greenroomd.store.engine import Database
from greenroomd.store.open_engines import READERS, UnsupportedDatabase, require_postgresql
from greenroomd.store.sql_store import open_store
from greenroomd.store.write.transactions import Transactions

SHORT = timedelta(milliseconds=200)


def locked(database_url: str, postgres: PostgresServer) -> AbstractContextManager[object]:
    """Hold the lock that the writer needs, as a stuck node would."""
    if database_url.startswith("sqlite"):
        return _locked_sqlite(database_url.removeprefix("sqlite:///"))
    return _locked_postgres(postgres, _name(database_url))


@contextmanager
def _locked_sqlite(path: str) -> Iterator[None]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


@contextmanager
def _locked_postgres(postgres: PostgresServer, database: str) -> Iterator[None]:
    with postgres.connect(database) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT * FROM meta FOR UPDATE")
        yield
        connection.execute("ROLLBACK")


async def test_a_locked_database_fails_all_who_wait_and_then_heals(
    opening: Opening, database_url: str, postgres: PostgresServer, heard: Heard
) -> None:
    async with opening(wait_timeout=SHORT) as store:
        session = await store.commit(creation(new_session()))
        with locked(database_url, postgres):
            units = [saying(session, "lost"), *(creation(new_session()) for _ in range(20))]
            outcomes = await asyncio.gather(*map(store.commit, units), return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
            assert (await store.session(session.session_id)).revision == 1  # reading goes on
        assert revisions(heard.events) == [1]
        await store.commit(saying(session, "kept"))
        assert store.head == 2
        assert heard.events == await store.events(Selection(), after=0, limit=10)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_full_disk_fails_the_commit_and_heals_when_there_is_room(
    store: Store, tmp_path: Path
) -> None:
    session = await store.commit(creation(new_session()))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    room = (tmp_path / "greenroom.db-wal").stat().st_size + 4096
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(StoreUnavailable):
            await store.commit(saying(session, "x" * 60_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert revisions(await store.events(Selection(), after=0, limit=10)) == [1]
    assert (await store.commit(saying(session, "x" * 60_000))).revision == 2


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_connections_that_were_cut_while_idle_are_replaced_unnoticed(
    store: Store, database_url: str, postgres: PostgresServer
) -> None:
    session = await store.commit(creation(new_session()))
    await store.session(session.session_id)
    _cut_all(postgres, database_url)
    assert (await store.commit(saying(session, "still here"))).revision == 2
    assert (await store.session(session.session_id)).revision == 2


def test_no_connection_waits_long_for_a_server_that_is_silently_gone(postgres: PostgresServer) -> None:
    database = Database(postgres.url("postgres"), wait_timeout=SHORT)
    try:
        with (
            database.writing.connect() as writing,
            database.reading.connect() as reading,
            psycopg.connect(**database.connection_arguments) as listening,
        ):
            for opened in (
                writing.connection.driver_connection,
                reading.connection.driver_connection,
                listening,
            ):
                assert isinstance(opened, psycopg.Connection)
                arguments = opened.info.get_parameters()
                assert (arguments["keepalives_idle"], arguments["tcp_user_timeout"]) == ("10", "25000")
    finally:
        database.dispose()


async def test_options_of_the_url_are_kept_beside_our_own(
    postgres: PostgresServer, key_file: Path, heard: Heard
) -> None:
    name = postgres.new_database()
    postgres.execute("CREATE SCHEMA elsewhere", name)
    url = f"{postgres.url(name)}&options=-csearch_path%3Delsewhere"
    async with open_store(url, key_file=key_file, codec=lambda _: JsonCodec(), announce=heard) as store:
        await store.commit(creation(new_session()))
    assert postgres.execute("SELECT count(*) FROM elsewhere.sessions", name) == [(1,)]
    database = Database(url, wait_timeout=SHORT)
    settings = "SELECT current_setting('search_path'), current_setting('lock_timeout')"
    try:
        with database.reading.connect() as reading:
            assert reading.execute(text(settings)).one() == ("elsewhere", "200ms")
        async with await database.connect() as listening:
            found = await listening.execute(settings)
            assert await found.fetchone() == ("elsewhere", "200ms")
    finally:
        database.dispose()


def test_a_connection_that_is_cut_before_a_rollback_is_replaced(postgres: PostgresServer) -> None:
    database = Database(postgres.url("postgres"), wait_timeout=SHORT)
    transactions = Transactions(database, lambda _connection, _name: False)

    def cut(connection: Connection, _name: str) -> None:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        assert postgres.execute(f"SELECT pg_terminate_backend({pid}, 10000)") == [(True,)]
        raise SessionExists("refused")

    try:
        with pytest.raises(SessionExists):
            transactions.run(cut)
        transactions.roll_back()
        assert (
            transactions.run(lambda connection, _name: connection.execute(text("SELECT 7")).scalar_one()) == 7
        )
    finally:
        transactions.disconnect()
        database.dispose()


def test_the_timeout_bounds_the_wait_for_a_connection_of_the_pool(database_url: str) -> None:
    database = Database(database_url, wait_timeout=SHORT)
    with ExitStack() as stack:
        stack.callback(database.dispose)
        for _ in range(READERS):
            stack.enter_context(database.reading.connect())
        with pytest.raises(PoolTimeout, match=r"timeout 0\.20"):
            database.reading.connect()


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_commit_whose_answer_was_lost_is_found_out(
    database_url: str, postgres: PostgresServer, key_file: Path, heard: Heard
) -> None:
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as folder,
        cutting(postgres.folder / ".s.PGSQL.5432", Path(folder)) as proxy,
    ):
        url = postgres.url(_name(database_url), Path(folder))
        async with open_store(url, key_file=key_file, codec=lambda _: JsonCodec(), announce=heard) as store:
            session = await store.commit(creation(new_session()))
            proxy.cut = Cut.BEFORE_ANSWER
            session = await store.commit(saying(session, "answered nevertheless"))
            assert (session.revision, proxy.cut) == (2, Cut.NOWHERE)
            proxy.cut = Cut.BEFORE_COMMIT
            with pytest.raises(StoreUnavailable):
                await store.commit(saying(session, "lost"))
            assert proxy.cut is Cut.NOWHERE
            session = await store.commit(saying(session, "after"))
            assert session.revision == 3
            assert heard.events == await store.events(Selection(), after=0, limit=10)
    assert revisions(heard.events) == [1, 2, 3]


@contextmanager
def behind_proxy(postgres: PostgresServer, database_url: str) -> Iterator[tuple[CutProxy, str]]:
    """Give a proxy before the server, and the database's URL through it."""
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as folder,
        cutting(postgres.folder / ".s.PGSQL.5432", Path(folder)) as proxy,
    ):
        yield proxy, postgres.url(_name(database_url), Path(folder))


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("cut", [Cut.BEFORE_ANSWER, Cut.BEFORE_COMMIT])
async def test_a_commit_that_is_unknown_is_asked_about_until_it_is_known(
    database_url: str, postgres: PostgresServer, key_file: Path, heard: Heard, cut: Cut
) -> None:
    """The answer of COMMIT is lost, and the database cannot be asked for a while: everybody who waits waits on."""
    with behind_proxy(postgres, database_url) as (proxy, url):
        async with open_store(url, key_file=key_file, codec=lambda _: JsonCodec(), announce=heard) as store:
            session = await store.commit(creation(new_session()))
            proxy.cut, proxy.closes = cut, True
            async with asyncio.TaskGroup() as waiting:
                unit = saying(session, "unknown")
                unknown = waiting.create_task(_outcome(store.commit(unit)))
                behind = waiting.create_task(_outcome(store.commit(creation(new_session()))))
                await _until(lambda: proxy.refused >= 5)
                position = waiting.create_task(_outcome(store.positions.save_offset("listener", 1)))
                later = waiting.create_task(_outcome(store.commit(creation(new_session()))))
                assert not any(task.done() for task in (unknown, behind, position, later))
                proxy.closed = proxy.closes = False
            committed = cut is Cut.BEFORE_ANSWER
            kept = [isinstance(outcome, Session) for outcome in (unknown.result(), behind.result())]
            assert kept == [committed, committed]  # one batch: both or none
            assert isinstance(later.result(), Session)
            assert position.result() is None
            session = await store.commit(saying(await store.session(session.session_id), "after"))
            assert heard.events == await store.events(Selection(), after=0, limit=10)
            assert session.last_sequence == (3 if committed else 2)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_work_in_a_transaction_of_its_own_is_asked_about_too(
    database_url: str, postgres: PostgresServer, key_file: Path, heard: Heard
) -> None:
    with behind_proxy(postgres, database_url) as (proxy, url):
        async with open_store(url, key_file=key_file, codec=lambda _: JsonCodec(), announce=heard) as store:
            proxy.cut, proxy.closes = Cut.BEFORE_ANSWER, True
            async with asyncio.TaskGroup() as waiting:
                saved = waiting.create_task(_outcome(store.positions.save_offset("listener", 7)))
                await _until(lambda: proxy.refused >= 3)
                assert not saved.done()
                proxy.closed = proxy.closes = False
            assert saved.result() is None
            assert await store.positions.listener_position("listener") == 7


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_an_end_while_a_commit_is_unknown_comes_in_time_and_says_so(
    database_url: str, postgres: PostgresServer, key_file: Path, heard: Heard
) -> None:
    with behind_proxy(postgres, database_url) as (proxy, url):
        async with (
            asyncio.timeout(60),
            asyncio.TaskGroup() as waiting,
            open_store(url, key_file=key_file, codec=lambda _: JsonCodec(), announce=heard) as store,
        ):
            session = await store.commit(creation(new_session()))
            proxy.cut, proxy.closes = Cut.BEFORE_ANSWER, True
            unknown = waiting.create_task(_outcome(store.commit(saying(session, "unknown"))))
            await _until(lambda: proxy.refused >= 3)
            behind = waiting.create_task(_outcome(store.commit(creation(new_session()))))
        assert isinstance(unknown.result(), CommitUnknown)
        assert "request_id" in str(unknown.result())
        assert isinstance(behind.result(), StoreUnavailable)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_commit_stays_unknown_if_another_owner_came_meanwhile(
    database_url: str, postgres: PostgresServer, key_file: Path, heard: Heard
) -> None:
    with behind_proxy(postgres, database_url) as (proxy, url):
        async with open_store(url, key_file=key_file, codec=lambda _: JsonCodec(), announce=heard) as store:
            session = await store.commit(creation(new_session()))
            proxy.cut, proxy.closes = Cut.BEFORE_COMMIT, True
            async with asyncio.TaskGroup() as waiting:
                unknown = waiting.create_task(_outcome(store.commit(saying(session, "unknown"))))
                await _until(lambda: proxy.refused >= 3)
                postgres.execute("UPDATE meta SET fence = fence + 1, batch = 'theirs'", _name(database_url))
                proxy.closed = proxy.closes = False
            assert isinstance(unknown.result(), CommitUnknown)
            assert "another greenroomd" in str(unknown.result())
            await store.taken_over()
            with pytest.raises(DatabaseTakenOver):
                await store.commit(saying(session, "late"))


async def _outcome(work: Awaitable[object]) -> object:
    """Return what comes of it, be it an error."""
    try:
        return await work
    except GreenroomError as error:
        return error


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 — what another thread does
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_database_that_does_not_exist_is_unavailable(
    opening: Opening, postgres: PostgresServer
) -> None:
    del opening
    missing = postgres.url("missing")
    with pytest.raises(StoreUnavailable, match="missing"):
        async with open_store(missing, key_file=Path("none"), codec=lambda _: JsonCodec(), announce=Heard()):
            pass


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://h/d", "postgresql://h/d"])
async def test_a_database_of_another_kind_is_refused(url: str, key_file: Path) -> None:
    with pytest.raises(UnsupportedDatabase):
        async with open_store(url, key_file=key_file, codec=lambda _: JsonCodec(), announce=Heard()):
            pass


@pytest.mark.parametrize("version", [(9, 6), (13, 99)])
def test_an_old_postgresql_is_refused_by_its_version(version: tuple[int, ...]) -> None:
    with pytest.raises(
        UnsupportedDatabase, match=rf"GREENROOM_DATABASE_URL: .* {version[0]}\.{version[1]}; 14 "
    ):
        require_postgresql(version)


def test_the_oldest_supported_postgresql_is_taken() -> None:
    require_postgresql((14, 0))


def test_the_server_of_these_tests_is_taken_for_what_it_is(postgres: PostgresServer) -> None:
    database = Database(postgres.url("postgres"), wait_timeout=SHORT)
    try:
        database.require_supported()
        [[number]] = postgres.execute("SELECT current_setting('server_version_num')::int / 10000")
        assert database.reading.dialect.server_version_info is not None
        assert database.reading.dialect.server_version_info[0] == number
    finally:
        database.dispose()


def _name(database_url: str) -> str:
    return database_url.partition("@/")[2].partition("?")[0]


def _cut_all(postgres: PostgresServer, database_url: str) -> None:
    name = _name(database_url)
    cut = postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    assert len(cut) >= 2
