"""Serves the metrics to Prometheus over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import start_http_server

from greenroomd.telemetry.metrics import Metrics


class ExposingFailed(Exception):
    """The metrics cannot be served where they were to be; the text says why."""


@contextmanager
def exposing(metrics: Metrics, host: str, port: int) -> Iterator[int]:
    """Serve *metrics* over HTTP under `/metrics` while the block runs; gives the port, which 0 leaves to the system.

    Raises ExposingFailed.
    """
    try:
        server, thread = start_http_server(port, host, metrics.registry)
    except OSError as error:
        raise ExposingFailed(f"cannot serve metrics on {host}:{port}: {error.strerror}") from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
