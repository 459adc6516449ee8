"""Log lines without secrets, and metrics that stay bounded."""

import io
import json
import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import structlog

from greenroomd.telemetry.exposition import MAX_READERS, exposing
from greenroomd.telemetry.log_lines import HIDDEN, set_up_logging
from greenroomd.telemetry.metrics import MAX_LABEL_VALUES, Metrics


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    root = logging.getLogger()
    before, level, ours = root.handlers[:], root.level, structlog.get_config()
    yield
    structlog.configure(**ours)
    root.handlers[:] = before
    root.setLevel(level)


def logged(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def get(port: int) -> str:
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        return str(answer.read(), "utf-8")


def text_of(metrics: Metrics) -> str:
    with exposing(metrics, "127.0.0.1", 0) as port:
        return get(port)


def test_ours_and_the_libraries_lines_come_in_one_form() -> None:
    stream = io.StringIO()
    set_up_logging("info", "json", stream)
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.get_logger("greenroomd.test").info("session started", session_id="s1")
        logging.getLogger("library").warning("disk is %s", "full")
        logging.getLogger("library").debug("not wanted")
    ours, theirs = logged(stream)
    assert ours.pop("timestamp").endswith("Z")
    assert ours == {
        "event": "session started",
        "level": "info",
        "logger": "greenroomd.test",
        "request_id": "r1",
        "session_id": "s1",
    }
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("disk is full", "warning", "library")


def test_a_logger_made_before_the_set_up_follows_it() -> None:
    early = structlog.get_logger()
    stream = io.StringIO()
    set_up_logging("warning", "json", stream)
    early.info("too quiet")
    early.warning("heard")
    assert [line["event"] for line in logged(stream)] == ["heard"]


@pytest.mark.parametrize(
    "key", ["oauth_token", "Authorization", "password", "API_KEY", "apikey", "client_secret", "Set-Cookie"]
)
def test_a_value_under_a_secret_name_is_hidden_at_any_depth(key: str) -> None:
    stream = io.StringIO()
    set_up_logging("info", "json", stream)
    structlog.get_logger().info("started", **{key: "geheim"}, config={"inner": [{key: "geheim"}]})
    (line,) = logged(stream)
    assert line[key] == HIDDEN
    assert line["config"] == {"inner": [{key: HIDDEN}]}


def test_counts_and_flags_are_no_secrets() -> None:
    stream = io.StringIO()
    set_up_logging("info", "json", stream)
    structlog.get_logger().info("turn ended", output_tokens=12, oauth_token_set=True, token=None)
    (line,) = logged(stream)
    assert (line["output_tokens"], line["oauth_token_set"], line["token"]) == (12, True, None)


@pytest.mark.parametrize(
    "secret", ["sk-ant-api03-abc_DEF", "Bearer abc.def==", "postgresql+psycopg://me:geheim@host/db"]
)
@pytest.mark.parametrize("form", ["json", "console"])
def test_a_secret_inside_a_text_or_a_traceback_is_hidden(form: Any, secret: str) -> None:
    stream = io.StringIO()
    set_up_logging("info", form, stream)
    log = structlog.get_logger()
    log.info(f"read {secret} from", lines=[secret], raw=secret.encode(), error=ValueError(secret))
    logging.getLogger("library").info("connecting with %s", secret)
    for logger in (log, logging.getLogger("library")):
        try:
            raise RuntimeError(secret)
        except RuntimeError:
            logger.exception("failed")
    written = stream.getvalue()
    assert written.count("RuntimeError") >= 2, "the tracebacks themselves must be there"
    assert not any(part in written for part in ("api03", "abc.def", "geheim"))


def test_each_happening_is_counted_under_its_labels() -> None:
    metrics = Metrics()
    metrics.rpc_handled("SessionService", "GetSession", "OK", 0.002)
    metrics.rpc_handled("SessionService", "GetSession", "NOT_FOUND", 0.002)
    metrics.sessions_counted({"IDLE": 3})
    metrics.session_moved(None, "CREATED")
    metrics.session_moved("IDLE", "ACTIVE")
    metrics.session_moved("IDLE", None)
    metrics.process_started("cold")
    metrics.process_ended("crash")
    metrics.events_committed(5)
    metrics.watchers_from(lambda: 2)
    metrics.listener_heard("costs")
    metrics.listener_failed("costs")
    metrics.listener_failed("costs")
    metrics.listener_passed_over("costs")
    lines = text_of(metrics).splitlines()
    for line in (
        'greenroom_rpcs_total{code="OK",method="GetSession",service="SessionService"} 1.0',
        'greenroom_rpcs_total{code="NOT_FOUND",method="GetSession",service="SessionService"} 1.0',
        'greenroom_rpc_seconds_count{method="GetSession",service="SessionService"} 2.0',
        'greenroom_rpc_seconds_bucket{le="0.001",method="GetSession",service="SessionService"} 0.0',
        'greenroom_rpc_seconds_bucket{le="0.003",method="GetSession",service="SessionService"} 2.0',
        'greenroom_sessions{state="CREATED"} 1.0',
        'greenroom_sessions{state="ACTIVE"} 1.0',
        'greenroom_sessions{state="IDLE"} 1.0',
        'greenroom_processes_started_total{origin="cold"} 1.0',
        'greenroom_processes_ended_total{cause="crash"} 1.0',
        "greenroom_events_committed_total 5.0",
        "greenroom_watchers 2.0",
        'greenroom_listener_events_total{listener="costs"} 1.0',
        'greenroom_listener_failures_total{listener="costs"} 2.0',
        'greenroom_listener_passed_over_total{listener="costs"} 1.0',
    ):
        assert line in lines


def test_every_metric_is_explained_to_operators() -> None:
    docs = Path(__file__).parents[2] / "docs/operations.md"
    explained = set(re.findall(r"^\| `(greenroom_\w+)`", docs.read_text(), re.MULTILINE))
    families = Metrics().registry.collect()
    assert {f"{each.name}_total" if each.type == "counter" else each.name for each in families} == explained


def test_a_flood_of_label_values_does_not_grow_the_metrics() -> None:
    metrics = Metrics()
    for number in range(MAX_LABEL_VALUES + 50):
        metrics.process_ended(f"cause-{number}")
    lines = [line for line in text_of(metrics).splitlines() if "processes_ended_total{" in line]
    assert len(lines) == MAX_LABEL_VALUES + 1
    assert 'greenroom_processes_ended_total{cause="other"} 50.0' in lines


def test_the_metrics_port_is_free_again_when_the_block_ends() -> None:
    with exposing(Metrics(), "127.0.0.1", 0) as port:
        pass
    with exposing(Metrics(), "127.0.0.1", port) as again:
        assert again == port


def test_idle_connections_take_no_more_than_a_few_threads_and_do_not_keep_others_out_for_long() -> None:
    before = threading.active_count()
    with exposing(Metrics(), "127.0.0.1", 0) as port, ExitStack() as flood:
        for _ in range(200):
            flood.enter_context(closing(socket.create_connection(("127.0.0.1", port), timeout=60)))
        last = flood.enter_context(closing(socket.create_connection(("127.0.0.1", port), timeout=60)))
        assert last.recv(1) == b"", "the last connection is open"
        assert threading.active_count() <= before + 1 + MAX_READERS
        assert "greenroom_events_committed" in _read_at_last(port)


def _read_at_last(port: int) -> str:
    """Return the metrics once the server takes another reader."""
    give_up = time.monotonic() + 20
    while True:
        try:
            return get(port)
        except OSError:
            assert time.monotonic() < give_up, "nobody can read the metrics any more"
