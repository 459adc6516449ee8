"""What the Python clients wait for when a stream breaks, and what they do not."""

from datetime import timedelta

import grpc
import pytest

from greenroom import Error
from greenroom.resumption import Backoff, WatchProgress
from greenroom.v1.event_service_pb2 import WatchEventsRequest, WatchEventsResponse

DELAY = timedelta(seconds=10)
CAP = Error(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many", reason="WATCHER_CAP", retry_delay=DELAY)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_watch_that_was_on_waits_for_its_place_until_patience_is_over() -> None:
    clock = Clock()
    watch = WatchProgress(WatchEventsRequest(), Backoff(timedelta(minutes=1), clock))
    watch.take(WatchEventsResponse(cursor="one"))
    assert watch.wait_after(CAP) >= DELAY.total_seconds()
    clock.now = 59
    assert watch.wait_after(CAP) >= DELAY.total_seconds()
    clock.now = 60
    with pytest.raises(Error) as refused:
        watch.wait_after(CAP)
    assert refused.value is CAP


def test_a_watch_that_begins_is_refused_at_once_when_it_is_one_too_many() -> None:
    watch = WatchProgress(WatchEventsRequest(), Backoff(timedelta(minutes=1), Clock()))
    with pytest.raises(Error) as refused:
        watch.wait_after(CAP)
    assert refused.value is CAP


def test_another_limit_is_none_of_a_watch_that_was_on() -> None:
    watch = WatchProgress(WatchEventsRequest(), Backoff(timedelta(minutes=1), Clock()))
    watch.take(WatchEventsResponse(cursor="one"))
    other = Error(grpc.StatusCode.RESOURCE_EXHAUSTED, "no", reason="QUOTA_EXCEEDED", retry_delay=DELAY)
    with pytest.raises(Error) as refused:
        watch.wait_after(other)
    assert refused.value is other


@pytest.mark.parametrize("name", ["UNAVAILABLE", "INTERNAL", "UNKNOWN", "CANCELLED"])
def test_a_lost_connection_is_made_again_whatever_a_proxy_calls_the_loss(name: str) -> None:
    watch = WatchProgress(WatchEventsRequest(), Backoff(timedelta(minutes=1), Clock()))
    assert watch.wait_after(Error(grpc.StatusCode[name], "lost by a proxy")) > 0


@pytest.mark.parametrize(("name", "reason"), [("INTERNAL", "INTERNAL"), ("DEADLINE_EXCEEDED", "")])
def test_what_no_repetition_changes_ends_a_watch(name: str, reason: str) -> None:
    watch = WatchProgress(WatchEventsRequest(), Backoff(timedelta(minutes=1), Clock()))
    refusal = Error(grpc.StatusCode[name], "no", reason=reason)
    with pytest.raises(Error) as refused:
        watch.wait_after(refusal)
    assert refused.value is refusal
