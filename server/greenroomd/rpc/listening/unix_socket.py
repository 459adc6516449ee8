"""A Unix socket that only the server's own user can connect to, and that only one server has."""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

UNIX = "unix:"
LONGEST_PATH = 107
"""Bytes; the kernel takes no longer one."""

_LOCK_TRIES = 100
_LOCK_PAUSE = 0.05  # seconds; whoever holds the lock binds within milliseconds


class SocketTaken(Exception):
    """The socket cannot be made there; the text says why."""


async def bind_socket(path: Path, bind: Callable[[str], object]) -> None:
    """Have `bind` make the socket at `path` with mode 0600, in place of one of a dead server; raises SocketTaken.

    The socket is made closed to other users, so none can connect at any moment. The directory is locked meanwhile: of
    two servers that start at once, only one takes over.
    """
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise SocketTaken(f"its path is longer than {LONGEST_PATH} bytes")
    try:
        async with _locked(path.parent):
            _require_free(path)
            _bind_privately(path, bind)
    except OSError as error:
        raise SocketTaken(f"the socket cannot be made there: {error.strerror}") from error


@asynccontextmanager
async def _locked(directory: Path) -> AsyncIterator[None]:
    """Lock a directory against other servers that bind in it; raises SocketTaken if it stays locked for 5 s."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for _ in range(_LOCK_TRIES):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(_LOCK_PAUSE)
        else:
            raise SocketTaken("another program keeps its directory locked")
        yield
    finally:
        os.close(descriptor)


def _require_free(path: Path) -> None:
    """Raise SocketTaken unless there is nothing, or a socket that nobody listens on: gRPC would replace any socket."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise SocketTaken("there is a file that is not a socket")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return  # a dead server's, or gone since
        except BlockingIOError:
            pass  # a live one that is too busy to accept
        except OSError as error:
            raise SocketTaken(f"there is a socket of another user: {error.strerror}") from error
    raise SocketTaken("another server does")


def _bind_privately(path: Path, bind: Callable[[str], object]) -> None:
    # The mask is the whole process's. For this moment other threads' files are private too, but no more than that:
    # a mask without the owner's x would make their directories unusable. So that bit goes afterwards.
    before = os.umask(0o077)
    try:
        bind(f"{UNIX}{path}")
    except RuntimeError:
        raise SocketTaken("the socket cannot be made there") from None
    finally:
        os.umask(before)
    path.chmod(0o600)
