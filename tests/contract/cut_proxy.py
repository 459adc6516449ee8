"""A proxy before PostgreSQL that can lose a commit, the answer to it, or every notice."""

from __future__ import annotations

import select
import socket
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from threading import Thread

_NOTICE = b"A"  # how the protocol's NotificationResponse begins; nothing else comes unasked


class Cut(Enum):
    """Where the connection of the next commit is cut."""

    NOWHERE = "nowhere"
    BEFORE_COMMIT = "before the commit reaches the server"
    BEFORE_ANSWER = "after the server has answered it"


class CutProxy(socketserver.ThreadingUnixStreamServer):
    """Passes everything on, but for the next commit if `cut` says so; then it is NOWHERE again.

    While it is `deaf`, no notice comes through. While it is `closed`, which a lost commit makes it if `closes` is set,
    every new connection is refused; `refused` counts them.
    """

    def __init__(self, listen: Path, target: Path) -> None:
        super().__init__(str(listen), _Connection)
        self.target = str(target)
        self.cut = Cut.NOWHERE
        self.deaf = False
        self.closes = False
        self.closed = False
        self.refused = 0


class _Connection(socketserver.BaseRequestHandler):
    server: CutProxy

    def handle(self) -> None:
        if self.server.closed:
            self.server.refused += 1
            return
        client: socket.socket = self.request
        with socket.socket(socket.AF_UNIX) as postgres:
            postgres.connect(self.server.target)
            while True:
                ready, _, _ = select.select([client, postgres], [], [])
                for source in ready:
                    data = source.recv(65536)
                    if not data:
                        return
                    if b"COMMIT" in data and source is client and self.server.cut is not Cut.NOWHERE:
                        self._lose(postgres, data)
                        return
                    if source is postgres and self.server.deaf and data.startswith(_NOTICE):
                        continue
                    (postgres if source is client else client).sendall(data)

    def _lose(self, postgres: socket.socket, commit: bytes) -> None:
        cut, self.server.cut = self.server.cut, Cut.NOWHERE
        self.server.closed = self.server.closes
        if cut is Cut.BEFORE_ANSWER:
            postgres.sendall(commit)
            postgres.recv(65536)


@contextmanager
def cutting(target: Path, folder: Path) -> Iterator[CutProxy]:
    """Listen in `folder` under the name of the server's socket; its clients must be gone when the block ends."""
    with CutProxy(folder / target.name, target) as proxy:
        thread = Thread(target=proxy.serve_forever)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
