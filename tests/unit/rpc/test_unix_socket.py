"""A Unix socket is its owner's alone from its first moment, and belongs to one server."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pwd
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

import grpc.aio
import pytest

from greenroomd.rpc.listening.listen import ListenFailed, bind
from greenroomd.rpc.listening.unix_socket import bind_socket

CONNECT = """
import os, socket, sys
os.setgroups([]); os.setgid(int(sys.argv[3])); os.setuid(int(sys.argv[2]))
with socket.socket(socket.AF_UNIX) as client:
    try:
        client.connect(sys.argv[1])
    except PermissionError:
        sys.exit(13)
"""


@asynccontextmanager
async def listening(path: Path) -> AsyncIterator[grpc.aio.Server]:
    server = grpc.aio.server()
    await bind(server, f"unix:{path}", None)
    await server.start()
    try:
        yield server
    finally:
        await server.stop(0)


@pytest.fixture
def open_mask() -> Iterator[None]:
    """Let this process make files that everybody may use, as far as it does not say otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_mask")
async def test_it_is_closed_to_others_from_its_first_moment(tmp_path: Path) -> None:
    path, modes = tmp_path / "socket", []
    server = grpc.aio.server()

    def bind_and_look(address: str) -> None:
        server.add_insecure_port(address)
        modes.append(stat.S_IMODE(path.stat().st_mode))

    await bind_socket(path, bind_and_look)
    assert [mode & 0o077 for mode in modes] == [0]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.umask(0) == 0, "the mask of the process was not put back"
    await server.stop(0)


@pytest.mark.usefixtures("open_mask")
async def test_other_users_cannot_connect(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    nobody = pwd.getpwnam("nobody")
    directory = tmp_path / "open"
    directory.mkdir(mode=0o777)
    path = directory / "socket"
    command = [sys.executable, "-c", CONNECT, str(path), str(nobody.pw_uid), str(nobody.pw_gid)]
    with reachable(tmp_path):
        async with listening(path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert (await asyncio.to_thread(subprocess.run, command)).returncode == 13
            path.chmod(0o666)  # it is the mode that keeps them out, and nothing above it
            assert (await asyncio.to_thread(subprocess.run, command)).returncode == 0


@contextmanager
def reachable(path: Path) -> Iterator[None]:
    """Let every user pass through the directories down to a path while the block runs."""
    closed = [
        (each, each.stat().st_mode) for each in (path, *path.parents) if not each.stat().st_mode & 0o001
    ]
    for each, mode in closed:
        each.chmod(mode | 0o001)
    try:
        yield
    finally:
        for each, mode in closed:
            each.chmod(mode)


async def test_that_of_a_dead_server_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with closing(socket.socket(socket.AF_UNIX)) as dead:
        dead.bind(str(path))
        dead.listen()
    async with (
        listening(path),
        grpc.aio.insecure_channel(f"unix:{path}") as channel,
        asyncio.timeout(30),
    ):
        await channel.channel_ready()


async def test_that_of_a_live_server_is_not(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    async with listening(path):
        with pytest.raises(ListenFailed, match="another server does"):
            await bind(grpc.aio.server(), f"unix:{path}", None)


async def test_that_of_a_live_server_that_accepts_nothing_is_not(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with closing(socket.socket(socket.AF_UNIX)) as busy, closing(socket.socket(socket.AF_UNIX)) as waiting:
        busy.bind(str(path))
        busy.listen(0)
        waiting.connect(str(path))  # the one that may wait: the next is told to try again
        with pytest.raises(ListenFailed, match="another server does"):
            await bind(grpc.aio.server(), f"unix:{path}", None)


async def test_a_server_that_is_just_binding_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    directory = os.open(tmp_path, os.O_RDONLY)
    with closing(socket.socket(socket.AF_UNIX)) as first:

        async def bind_first() -> None:
            for _ in range(10):  # the second has every chance to bind too
                await asyncio.sleep(0)
            first.bind(str(path))
            first.listen()
            os.close(directory)  # unlocks it

        fcntl.flock(directory, fcntl.LOCK_EX)
        second = bind(grpc.aio.server(), f"unix:{path}", None)
        refused, _ = await asyncio.gather(second, bind_first(), return_exceptions=True)
    assert isinstance(refused, ListenFailed)
    assert "another server does" in str(refused)


async def test_a_file_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    path.write_text("precious")
    with pytest.raises(ListenFailed, match="a file that is not a socket"):
        await bind(grpc.aio.server(), f"unix:{path}", None)
    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    ("path", "reason"), [("missing/socket", "No such file"), ("x" * 120, "longer than 107 bytes")]
)
async def test_a_place_without_room_is_told(tmp_path: Path, path: str, reason: str) -> None:
    with pytest.raises(ListenFailed, match=reason):
        await bind(grpc.aio.server(), f"unix:{tmp_path / path}", None)
