"""The servers of a test module: one for each set of settings, which a test gets without anything of an earlier test."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from contract.postgres import PostgresServer, running_postgres
from fake_cli.installed import install
from greenroom.v1.profile_service_pb2 import DeleteProfileRequest, ListProfilesRequest
from greenroom.v1.session_service_pb2 import DeleteSessionRequest, ListSessionsRequest
from greenroom_server import PATIENCE, GreenroomServer

Settings = frozenset[tuple[str, str]]


class SharedServers:
    """Running servers that tests use one after another."""

    def __init__(self, directory: Path, lasting_pids: set[int]) -> None:
        self.cli = str(install(directory))
        """Path of the fake CLI."""
        self._directory = directory
        self._lasting_pids = lasting_pids
        self._idle: dict[tuple[Settings, Settings], GreenroomServer] = {}
        self._numbers = itertools.count(1)

    @asynccontextmanager
    async def fake(
        self, cli_environment: Mapping[str, str] | None = None, /, **settings: str
    ) -> AsyncIterator[GreenroomServer]:
        """Give a server whose CLI is the fake, as `real` does."""
        async with self.real(cli_environment or {}, claude_path=self.cli, **settings) as server:
            yield server

    @asynccontextmanager
    async def real(
        self, cli_environment: Mapping[str, str], **settings: str
    ) -> AsyncIterator[GreenroomServer]:
        """Give a running server with these settings and no session, and with a working directory for this block.

        A test may stop it, kill it and change its settings. It is used again only if the block ends well, its settings
        are what they were, it runs, and all sessions could be deleted; the last is an error of the block otherwise.
        """
        key = (frozenset(cli_environment.items()), frozenset(settings.items()))
        server = self._idle.pop(key, None)
        number = next(self._numbers)
        if server is None:
            server = GreenroomServer(self._directory / f"server-{number}", cli_environment, **settings)
            await server.start()
        else:
            self._lasting_pids.discard(server.pid)
            await server.connect()
        try:
            server.work_in(f"test-{number}")
            yield server
            if server.is_running and not server.changed and server.open_files is None:
                await server.connect()  # the test may have started it anew
                await _empty(server)
                self._lasting_pids.add(server.pid)
                self._idle[key] = server
        finally:
            await server.disconnect()
            if key not in self._idle and server.is_running:
                await server.stop()

    async def stop(self) -> None:
        """Stop all servers; AssertionError if one does not end well."""
        codes = await asyncio.gather(*(server.stop() for server in self._idle.values()))
        logs = [
            server.log.read_text() for server, code in zip(self._idle.values(), codes, strict=True) if code
        ]
        self._lasting_pids.difference_update(server.pid for server in self._idle.values())
        assert not logs, f"did not end well: {logs}"


async def _empty(server: GreenroomServer) -> None:
    """Delete all sessions and profiles; AssertionError if a process below the server lives on."""
    sessions = ListSessionsRequest(workspace_id="-", page_size=1000)
    profiles = ListProfilesRequest(workspace_id="-", page_size=1000)
    async with asyncio.timeout(PATIENCE):
        while found := (await server.sessions.ListSessions(sessions)).sessions:
            await asyncio.gather(*(_delete(server, session.session_id) for session in found))
        for profile in (await server.profiles.ListProfiles(profiles)).profiles:
            await server.profiles.DeleteProfile(
                DeleteProfileRequest(profile_id=profile.profile_id, workspace_id=profile.workspace_id)
            )
    _, alive = await asyncio.to_thread(psutil.wait_procs, server.children(), timeout=PATIENCE)
    assert not alive, f"left running: {alive}"


async def _delete(server: GreenroomServer, session_id: str) -> None:
    await server.sessions.DeleteSession(DeleteSessionRequest(session_id=session_id, force=True))


class Databases:
    """The databases of a test module, one of each kind."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request
        self._settings: dict[str, dict[str, str]] = {"sqlite": {}}

    def setting(self, kind: str) -> dict[str, str]:
        """Return the setting that names the module's database of a kind: `sqlite` or `postgres`."""
        if kind not in self._settings:
            postgres: PostgresServer = self._request.getfixturevalue("postgres")
            self._settings[kind] = {"database_url": postgres.url(postgres.new_database())}
        return self._settings[kind]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The PostgreSQL server that the tests share."""
    with running_postgres() as running:
        yield running


@pytest.fixture(scope="module")
def databases(request: pytest.FixtureRequest) -> Databases:
    """The databases that the module's tests share."""
    return Databases(request)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, lasting_pids: set[int]) -> Iterator[SharedServers]:
    """The servers that the module's tests share."""
    shared = SharedServers(tmp_path_factory.mktemp("servers"), lasting_pids)
    yield shared
    asyncio.run(shared.stop())
