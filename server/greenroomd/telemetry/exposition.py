"""Serves the metrics to Prometheus over HTTP, for a few readers at once."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import structlog
from prometheus_client import make_wsgi_app

from greenroomd.telemetry.metrics import Metrics

log = structlog.get_logger(__name__)

MAX_READERS = 16
"""Connections at once; each takes a thread and a descriptor. Further ones are closed at once."""

READER_TIMEOUT_SECONDS = 5.0
"""Seconds that a reader may neither send nor read anything before its connection is closed."""


class ExposingFailed(Exception):
    """The metrics cannot be served at their address; the text says why."""


@contextmanager
def exposing(metrics: Metrics, host: str, port: int) -> Iterator[int]:
    """Serve `metrics` over HTTP at `/metrics` while the block runs; yield the port (`port` 0: any free one).

    Raises ExposingFailed.
    """
    try:
        server = make_server(host, port, make_wsgi_app(metrics.registry), _server_for(host, port), _Handler)
    except OSError as error:
        raise ExposingFailed(f"cannot serve metrics on {host}:{port}: {error.strerror}") from error
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(WSGIRequestHandler):
    timeout = READER_TIMEOUT_SECONDS

    def log_message(self, *_: object) -> None:
        """Do not log requests."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True  # a slow reader does not delay the shutdown
    request_queue_size = (
        128  # of the 5 by default a flood drops some, whose clients try again only after seconds
    )

    def __init__(self, *args: Any) -> None:
        self._places = threading.BoundedSemaphore(MAX_READERS)
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, unless there are too many readers."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread was started
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, then make room for another reader."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, *_: object) -> None:
        """Log that a reader disconnected, or another error with one."""
        log.info("metrics_not_read", reason=repr(sys.exception()))


def _server_for(host: str, port: int) -> type[_Server]:
    """Return the server class for the address family of `host`; raises OSError."""
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]

    class Server(_Server):
        address_family = family

    return Server
