"""Which launch is paused after its process has failed or died."""

from datetime import timedelta
from pathlib import Path

import pytest

from driving import a_launch
from greenroomd.app.ports.processes import Launch
from greenroomd.processes.pool.restart_pauses import RestartPauses

PAUSE = timedelta(seconds=30)


class Clock:
    """A clock that is set by hand."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def launches(tmp_path: Path) -> tuple[Launch, Launch]:
    return a_launch(tmp_path), a_launch(tmp_path, model="another")


def test_a_failed_start_is_paused_alone_and_for_a_while(launches: tuple[Launch, Launch]) -> None:
    clock, (failing, other) = Clock(), launches
    pauses = RestartPauses(PAUSE, clock)
    pauses.failed(failing)
    assert (pauses.paused(failing), pauses.paused(other)) == (True, False)
    clock.seconds = 29.9
    assert pauses.paused(failing)
    clock.seconds = 30.0
    assert not pauses.paused(failing)


def test_only_two_deaths_soon_after_each_other_pause_a_launch(launches: tuple[Launch, Launch]) -> None:
    clock, (dying, other) = Clock(), launches
    pauses = RestartPauses(PAUSE, clock)
    for death in range(3):
        clock.seconds = 31.0 * death
        pauses.died(dying)
        assert not pauses.paused(dying)
    pauses.died(other)
    assert not pauses.paused(other)
    clock.seconds += 29.0
    pauses.died(dying)
    assert (pauses.paused(dying), pauses.paused(other)) == (True, False)
