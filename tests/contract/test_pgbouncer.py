"""Behind PgBouncer: sessions that are pooled serve, transactions that are pooled are refused in words at the start."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contract.postgres import PostgresServer
from contract.sample import Heard, JsonCodec, creation, new_session, saying
from deploy.programs import program
from greenroomd.store.open_engines import UnsupportedDatabase
from greenroomd.store.ownership.owner_record import DatabaseInUse, this_server
from greenroomd.store.sql_store import open_store

FILE = Path(__file__).parents[2] / "docs/deploy/pgbouncer.ini"


@contextmanager
def running_pgbouncer(postgres: PostgresServer, folder: Path, *, pool_mode: str) -> Iterator[Path]:
    """Run the file of docs/deploy with addresses of the test's own; give the folder of its socket."""
    users = folder / "userlist.txt"
    users.write_text(f'"{postgres.user}" ""\n')
    text = FILE.read_text()
    for was, now in (
        ("greenroom = host=127.0.0.1 port=5432 dbname=greenroom", f"* = host={postgres.folder}"),
        ("listen_addr = 127.0.0.1", f"unix_socket_dir = {folder}"),
        ("listen_port = 6432", "listen_port = 5432"),
        ("auth_type = scram-sha-256", "auth_type = trust"),
        ("auth_file = /etc/pgbouncer/userlist.txt", f"auth_file = {users}"),
        ("pool_mode = session", f"pool_mode = {pool_mode}"),
    ):
        assert was in text
        text = text.replace(was, now)
    file = folder / "pgbouncer.ini"
    file.write_text(text)
    command = [program("pgbouncer", "package pgbouncer"), str(file)]
    if os.geteuid() == 0:  # it refuses to be root, and PostgreSQL's socket is its user's
        user = postgres.folder.owner()
        for path in (folder, file, users):
            shutil.chown(path, user)
        command = ["setpriv", f"--reuid={user}", "--keep-groups", *command]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "process up" in line:
                break
        else:
            raise AssertionError("pgbouncer did not start")
        try:
            yield folder
        finally:
            process.terminate()
            process.stderr.read()


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a short path, as a socket needs, that another user can enter."""
    path = Path(subprocess.check_output(["mktemp", "-d", "/tmp/pgb-XXXXXX"], text=True).strip())
    yield path
    shutil.rmtree(path)


async def test_a_pooler_of_transactions_is_refused_in_words_at_the_start(
    postgres: PostgresServer, folder: Path, key_file: Path, heard: Heard
) -> None:
    database = postgres.migrated_database()
    before = postgres.execute("SELECT * FROM meta", database)
    with running_pgbouncer(postgres, folder, pool_mode="transaction"):
        url = postgres.url(database, folder)
        with pytest.raises(UnsupportedDatabase, match=r"GREENROOM_DATABASE_URL: .*pool_mode = session"):
            async with open_store(
                url, key_file=key_file, codec=lambda _: JsonCodec(), announce=heard, owner=this_server("one")
            ):
                raise AssertionError("served")
    assert postgres.execute("SELECT * FROM meta", database) == before


async def test_a_pooler_of_sessions_serves(
    postgres: PostgresServer, folder: Path, key_file: Path, heard: Heard
) -> None:
    """Settings, statements that are prepared, the owner's lock, and the settings that a database has of its own."""
    database = postgres.migrated_database()
    postgres.execute(f'ALTER DATABASE "{database}" SET bytea_output = escape', database)
    with running_pgbouncer(postgres, folder, pool_mode="session"):
        url = postgres.url(database, folder)

        def opening(node: str) -> object:
            return open_store(
                url, key_file=key_file, codec=lambda _: JsonCodec(), announce=heard, owner=this_server(node)
            )

        async with opening("one") as store:  # type: ignore[attr-defined]
            session = await store.commit(creation(new_session()))
            for number in range(20):  # more than it takes until the driver prepares a statement
                session = await store.commit(saying(session, f"event {number}"))
            await asyncio.gather(*(store.probe() for _ in range(20)))
            with pytest.raises(DatabaseInUse, match="node one"):
                async with opening("two"):  # type: ignore[attr-defined]
                    raise AssertionError("two owners")
        async with opening("two") as store:  # type: ignore[attr-defined]
            assert (await store.session(session.session_id)).last_sequence == 21


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("prepare_threshold=often", "prepare_threshold must be"),
        ("autocommit=true", "autocommit cannot be set"),
    ],
)
async def test_a_driver_argument_that_cannot_be_is_refused_in_words(
    postgres: PostgresServer, key_file: Path, heard: Heard, query: str, said: str
) -> None:
    url = f"{postgres.url('postgres')}&{query}"
    with pytest.raises(UnsupportedDatabase, match=f"GREENROOM_DATABASE_URL: {said}"):
        async with open_store(url, key_file=key_file, codec=lambda _: JsonCodec(), announce=heard):
            raise AssertionError("opened")


@pytest.mark.parametrize("threshold", ["0", "3", "None"])
async def test_a_driver_argument_keeps_its_type(
    postgres: PostgresServer, key_file: Path, heard: Heard, threshold: str
) -> None:
    url = f"{postgres.url(postgres.migrated_database())}&prepare_threshold={threshold}"
    async with open_store(url, key_file=key_file, codec=lambda _: JsonCodec(), announce=heard) as store:
        session = await store.commit(creation(new_session()))
        for number in range(6):
            session = await store.commit(saying(session, f"event {number}"))
