"""A mounted file system with one directory that stops answering: `hanging_mount.py DIRECTORY ANSWERED`.

It speaks the kernel's FUSE protocol itself. It answers the first ANSWERED questions whether the directory may be
entered. After them it answers none, nor what is in the directory. It ends, and with it every wait for it, when its
input is closed or after 30 s.
"""

from __future__ import annotations

import ctypes
import os
import select
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

LASTS_SECONDS = 30.0
_LOOKUP, _GETATTR, _ACCESS, _INIT, _READDIR, _READDIRPLUS = 1, 3, 34, 26, 28, 44
_NEED_NO_ANSWER = (2, 42)  # FORGET, BATCH_FORGET
_ENOSYS = 38


@contextmanager
def hanging_mount(directory: Path, answered: int) -> Iterator[Path]:
    """Mount it at an empty directory while the block runs; skips the test where that is not allowed."""
    directory.mkdir()
    program = [sys.executable, __file__, str(directory), str(answered)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            if server.stdout.readline() != b"mounted\n":
                pytest.skip("this host lets us mount nothing")
            yield directory
        finally:
            server.stdin.close()
            server.wait()


def main(directory: str, answered: int) -> None:
    """Mount, answer, unmount."""
    kernel = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    libc = ctypes.CDLL(None, use_errno=True)
    options = (
        f"fd={kernel},rootmode={stat.S_IFDIR:o},user_id={os.getuid()},group_id={os.getgid()},allow_other"
    )
    if libc.mount(b"hanging", directory.encode(), b"fuse", 0, options.encode()):
        sys.exit(os.strerror(ctypes.get_errno()))
    os.write(1, b"mounted\n")
    deadline = time.monotonic() + LASTS_SECONDS
    try:
        while (left := deadline - time.monotonic()) > 0:
            readable, _, _ = select.select([kernel, 0], [], [], left)
            if 0 in readable:
                return
            if kernel in readable:
                request = os.read(kernel, 2**20 + 4096)
                _, opcode, unique = struct.unpack_from("=IIQ", request)
                if opcode == _ACCESS:
                    answered -= 1
                    if answered < 0:
                        continue
                if opcode in (_LOOKUP, _READDIR, _READDIRPLUS) and answered <= 0:
                    continue
                answer(kernel, opcode, unique)
    finally:
        libc.umount2(directory.encode(), 2)  # MNT_DETACH


def answer(kernel: int, opcode: int, unique: int) -> None:
    """Answer one request of the kernel."""
    error, body = 0, b""
    if opcode in _NEED_NO_ANSWER:
        return
    if opcode == _INIT:
        body = struct.pack("=IIIIHHIIHHI28x", 7, 31, 2**16, 0, 16, 12, 2**16, 1, 32, 0, 0)
    elif opcode == _GETATTR:
        attributes = (
            1,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            stat.S_IFDIR | 0o755,
            2,
            os.getuid(),
            os.getgid(),
            0,
            4096,
            0,
        )
        body = struct.pack("=QII6Q10I", 0, 0, 0, *attributes)
    elif opcode != _ACCESS:
        error = -_ENOSYS
    os.write(kernel, struct.pack("=IiQ", 16 + len(body), error, unique) + body)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
