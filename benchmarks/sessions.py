"""Calls of SessionService against the bare server, and against the number of stored sessions."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks import load, servers, stored
from greenroom.v1 import session_service_pb2 as pb
from greenroom.v1.config_pb2 import SessionConfig

if TYPE_CHECKING:  # the typed asynchronous stub exists for type checkers only
    from greenroom.v1.session_service_pb2_grpc import SessionServiceAsyncStub

ROUNDS = 5
_SERVICE = "greenroom.v1.SessionService"


async def figures(postgres_url: str | None) -> dict[str, float]:
    """Measure; keys as in the goals. Without a PostgreSQL its figure is missing."""
    measured: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as place:
        measured |= await _against_bare(Path(place) / "sqlite", "sqlite", {})
        if postgres_url is not None:
            database = {"database_url": postgres_url}
            measured |= await _against_bare(Path(place) / "postgres", "postgres", database, get=False)
        measured |= await _against_number(Path(place) / "many")
    return measured


async def _against_bare(
    state: Path, kind: str, settings: dict[str, str], *, get: bool = True
) -> dict[str, float]:
    """Take each pair in turns, so that a drift of the machine meets both; report the median of the ratios."""
    async with servers.greenroom(state, **settings) as ours, servers.sessions_of(ours) as calls:
        create = creation(state)
        session = (await calls.CreateSession(create)).session
        one = pb.GetSessionRequest(session_id=session.session_id)
        answer = (await calls.GetSession(one)).SerializeToString()
        async with servers.bare(answer) as bare:
            creates = [
                (
                    await load.unary(ours.address, f"{_SERVICE}/CreateSession", create, requests=8_000),
                    await load.unary(bare.address, f"{_SERVICE}/CreateSession", create, requests=8_000),
                )
                for _ in range(ROUNDS)
            ]
            gets = [
                (
                    await load.unary(ours.address, f"{_SERVICE}/GetSession", one, requests=15_000),
                    await load.unary(bare.address, f"{_SERVICE}/GetSession", one, requests=15_000),
                )
                for _ in range(ROUNDS if get else 0)
            ]
        await require_created(calls, 1 + ROUNDS * 8_000)
    found = {
        f"create_session_vs_bare_{kind}": median(ours / bare for ours, bare in creates),
        f"create_session_per_s_{kind}": median(ours for ours, _ in creates),
    }
    if gets:
        found["get_session_vs_bare"] = median(ours / bare for ours, bare in gets)
        found["get_session_per_s"] = median(ours for ours, _ in gets)
        found["bare_per_s"] = median(bare for _, bare in gets)
    return found


def creation(state: Path) -> pb.CreateSessionRequest:
    """Return a request that makes one more session each time, without a process."""
    config = SessionConfig(working_dir=str(state / "work"))
    return pb.CreateSessionRequest(config=config, start_mode=pb.START_MODE_MANUAL)


async def require_created(calls: SessionServiceAsyncStub, expected: int) -> None:
    """Make sure that every creation was done: an error would have been answered as quickly."""
    seen, token = 0, ""
    while True:
        request = pb.ListSessionsRequest(workspace_id="-", page_size=1000, page_token=token)
        page = await calls.ListSessions(request)
        seen, token = seen + len(page.sessions), page.next_page_token
        if not token:
            break
    if seen != expected:
        raise load.LoadFailed(f"{seen} sessions are stored, {expected} were created")


async def _against_number(place: Path) -> dict[str, float]:
    """Compare a thousand, a hundred thousand and a million stored sessions."""
    few = await _with_stored(place / "1k", 1_000)
    many = await _with_stored(place / "1m", 1_000_000)
    start = await _with_stored(place / "100k", 100_000)
    return {
        "get_1m_vs_1k": many["get"] / few["get"],
        "list_page_1m_vs_1k": many["list"] / few["list"],
        "start_100k_sessions_s": start["start"],
        "start_1k_sessions_s": few["start"],
    }


async def _with_stored(state: Path, count: int) -> dict[str, float]:
    """Return the seconds of one call (get, list) and of a start with so many stored sessions."""
    async with servers.greenroom(state) as server, servers.sessions_of(server) as calls:
        await calls.CreateSession(creation(state))
    stored.multiply_sessions(state / "greenroom.db", count)
    async with servers.greenroom(state) as server, servers.sessions_of(server) as calls:
        page = pb.ListSessionsRequest(workspace_id="default", page_size=50)
        if len((await calls.ListSessions(page)).sessions) != page.page_size:
            raise load.LoadFailed("a page is not full")
        gets = [pb.GetSessionRequest(session_id=stored.identity(1 + count * part // 8)) for part in range(8)]
        for get in gets:
            await calls.GetSession(get)
        listing = await _seconds(
            lambda: load.unary(server.address, f"{_SERVICE}/ListSessions", page, requests=500, in_flight=4)
        )

        async def scattered() -> float:
            rates = [
                await load.unary(server.address, f"{_SERVICE}/GetSession", get, requests=1_000, in_flight=4)
                for get in gets
            ]
            return median(rates)

        return {"list": listing, "get": await _seconds(scattered), "start": server.start_seconds}


async def _seconds(rate: Callable[[], Awaitable[float]]) -> float:
    return 1 / median([await rate() for _ in range(3)])
