"""API tokens, from the command line to the end of a stream: made, used, changed, expired and revoked."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from sqlalchemy import create_engine, text

from contract.postgres import PostgresServer
from fake_cli.installed import install
from greenroom.v1.event_service_pb2 import ListEventsRequest, WatchEventsRequest
from greenroom.v1.session_service_pb2 import START_MODE_MANUAL, CreateSessionRequest, ListSessionsRequest
from greenroom_server import GreenroomServer, inherited_environment
from greenroomd.domain.principal import Grants
from greenroomd.settings.load import load_settings
from greenroomd.store.api_keys import change_key
from greenroomd.wiring import key_commands
from greenroomd.wiring.database_commands import database_of
from story import working
from unit.rpc.refusal import Refusal, refused

TOKEN = re.compile(r"gr_([0-9a-f]{12})_([0-9a-f]{64})")
PATIENCE = 60.0  # seconds; only ever reached by a failing test
C = grpc.StatusCode

ACCESS = Path(__file__).parents[2] / "docs" / "access.md"

Headers = tuple[tuple[str, str], ...]


async def keys(server: GreenroomServer, *arguments: str, code: int = 0) -> str:
    """Run `greenroomd keys` beside a server or without one; return what it prints, without what it says."""
    command = [sys.executable, "-m", "greenroomd", "keys", *arguments]
    process = await asyncio.create_subprocess_exec(
        *command, env={**inherited_environment(), **server.settings, "COLUMNS": "300"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    printed, said = await process.communicate()
    assert process.returncode == code, said.decode()
    return printed.decode() if code == 0 else said.decode()


async def made(server: GreenroomServer, *grants: str) -> tuple[str, str]:
    """Make a token as the command line does; return it and the id of its key."""
    settings = load_settings(server.settings)
    token, key = await asyncio.to_thread(key_commands.create, settings, "x", Grants.of(grants), None)
    return token, key.key_id


def bearing(token: str) -> Headers:
    return (("authorization", f"Bearer {token}"),)


async def created(server: GreenroomServer, token: str, workspace_id: str) -> str:
    """Create a session; return its id."""
    request = CreateSessionRequest(
        workspace_id=workspace_id, config=working(server), start_mode=START_MODE_MANUAL
    )
    answer = await server.sessions.CreateSession(request, metadata=bearing(token))
    return answer.session.session_id


async def watching(server: GreenroomServer, token: str, workspace_id: str) -> Any:
    """Open a watch, and return it once it is live."""
    watch = server.events.WatchEvents(WatchEventsRequest(workspace_id=workspace_id), metadata=bearing(token))
    await watch.read()
    return watch


async def end_of(watch: Any) -> Refusal:
    """Return how a watch is ended."""

    async def ended() -> None:
        while await watch.read():
            pass

    async with asyncio.timeout(PATIENCE):
        return await refused(ended())


@pytest.fixture(params=["sqlite", "postgres"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[GreenroomServer]:
    """A server that knows callers by their tokens; it has not been started yet."""
    settings = {}
    if request.param == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        settings["database_url"] = postgres.url(postgres.new_database())
    server = GreenroomServer(
        tmp_path, {}, claude_path=str(install(tmp_path)), authentication="token", **settings
    )
    yield server
    await server.disconnect()
    if server.is_running:
        await server.stop()


async def test_the_life_of_tokens(server: GreenroomServer, tmp_path: Path) -> None:
    # Before there is a server, or a database:
    printed = await keys(server, "create", "--name", "for [tests]", "--grant", "*=admin", "--expires", "30d")
    root = printed.strip()
    parsed = TOKEN.fullmatch(root)
    assert parsed is not None, root
    await server.start()
    settings, root_id = load_settings(server.settings), parsed[1]
    (ann, ann_id), (bob, bob_id) = await made(server, "lab=operator"), await made(server, "lab=viewer")
    (eve, _), (joe, joe_id) = await made(server, "den=admin"), await made(server, "lab=viewer")

    # Each may do what it was granted, and is the actor of what it does.
    session_id = await created(server, ann, "lab")
    listed = ListEventsRequest(session_id=session_id)
    (event,) = (await server.events.ListEvents(listed, metadata=bearing(bob))).events
    assert event.actor == f"token:{ann_id}"
    assert (await refused(created(server, bob, "lab"))).metadata == {"permission": "lab=operator"}
    hidden = await refused(server.events.ListEvents(listed, metadata=bearing(eve)))
    assert hidden.code is C.NOT_FOUND

    # A wrong secret and an unknown id are told apart by nothing.
    guessed = [ann[:-1] + ("0" if ann[-1] != "0" else "1"), ann.replace(ann_id, "0123456789ab"), ann + "x"]
    answers = [
        await refused(
            server.sessions.ListSessions(ListSessionsRequest(workspace_id="lab"), metadata=bearing(token))
        )
        for token in guessed
    ]
    assert {answer.code for answer in answers} == {C.UNAUTHENTICATED}
    assert len({answer.status.SerializeToString() for answer in answers}) == 1
    assert answers[0].metadata == {"problem": "invalid"}

    # What open streams may not see any more ends; what is revoked or has run out ends everything.
    by_bob, by_ann, by_joe, by_eve = [
        await watching(server, token, workspace_id)
        for token, workspace_id in ((bob, "lab"), (ann, "lab"), (joe, "lab"), (eve, "-"))
    ]
    await keys(server, "revoke", bob_id)
    await asyncio.to_thread(key_commands.regrant, settings, ann_id, Grants.of(["den=viewer"]))
    database = database_of(settings)
    await asyncio.to_thread(change_key, database, joe_id, expire_time=datetime.now(UTC))
    database.dispose()
    ends = await asyncio.gather(end_of(by_bob), end_of(by_ann), end_of(by_joe))
    assert [end.code for end in ends] == [C.UNAUTHENTICATED, C.PERMISSION_DENIED, C.UNAUTHENTICATED]
    assert [end.metadata for end in ends] == [
        {"problem": "revoked"}, {"permission": "lab=viewer"}, {"problem": "expired"},
    ]  # fmt: skip
    for token, problem in ((bob, "revoked"), (joe, "expired")):
        assert (await refused(created(server, token, "lab"))).metadata == {"problem": problem}
    assert (await refused(created(server, ann, "den"))).metadata == {"permission": "den=operator"}
    await created(server, root, "den")
    while not (frame := await by_eve.read()).events:
        pass  # a bookmark: it has been a while
    assert [event.workspace_id for event in frame.events] == ["den"]
    by_eve.cancel()

    # The list shows who is who and when each was used, but nothing that lets anybody in.
    assert await server.stop() == 0
    table = await keys(server, "list")
    rows = {
        cells[0]: cells
        for row in table.splitlines()
        if len(cells := [c.strip() for c in row.split("│")[1:-1]]) == 7
    }
    assert rows[root_id][1:4] == ["for [tests]", "active", "*=admin"]
    assert (rows[bob_id][2], rows[ann_id][3]) == ("revoked", "den=viewer")
    assert "never" not in (rows[root_id][6], rows[bob_id][6]), "the last use is kept"
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    kept += [stored_keys(server).encode(), table.encode()]
    for token in (root, ann, bob, eve, joe):
        assert not any(token[16:].encode() in part for part in kept), "a secret is stored somewhere"


def columns(row: str) -> list[str]:
    return [cell.strip() for cell in row.split("│")[1:-1]]


def stored_keys(server: GreenroomServer) -> str:
    """Return everything that is stored of keys."""
    url = server.settings.get("GREENROOM_DATABASE_URL", f"sqlite:///{server.state}/greenroom.db")
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT * FROM api_keys")).all()
    engine.dispose()
    assert len(rows) == 5
    return str(rows)


async def test_the_commands_of_the_documentation_work(tmp_path: Path, grpcurl: Path) -> None:
    found = re.search(r"<!-- test: tokens -->\n```sh\n(.*?)```", ACCESS.read_text(), re.DOTALL)
    assert found is not None
    path = f"{grpcurl.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    async with GreenroomServer(
        tmp_path, {}, claude_path=str(install(tmp_path)), authentication="token"
    ) as server:
        script = found[1].replace("127.0.0.1:50051", server.address)
        process = await asyncio.create_subprocess_exec(
            "/bin/sh", "-e", "-c", script,
            env={**inherited_environment(), **server.settings, "PATH": path},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
    assert "cursor" in said.decode(), "the call was answered"
    assert "is revoked" in said.decode()
