"""A test that leaves something running fails, so that the next one does not fail in its place."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator

import psutil
import pytest

PATIENCE = 60.0  # seconds for what is already ending


@pytest.fixture(scope="session")
def lasting_pids() -> set[int]:
    """The processes that fixtures of a session keep: whoever starts one adds its pid."""
    return set()


@pytest.fixture(autouse=True)
def nothing_left_running(request: pytest.FixtureRequest, lasting_pids: set[int]) -> Iterator[None]:
    """Fail the test whose processes, or whose tasks, are still there at its end."""
    if inspect.iscoroutinefunction(request.function):
        request.getfixturevalue("no_task_left")
    before = set(psutil.Process().children(recursive=True))
    yield
    mine = [
        p for p in psutil.Process().children(recursive=True) if p not in before and p.pid not in lasting_pids
    ]
    _, alive = psutil.wait_procs(mine, timeout=PATIENCE)
    for process in alive:
        process.kill()
    assert not alive, f"left running: {alive}"


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    """Fail the test whose tasks have not ended; asked for by `nothing_left_running` where there is a loop."""
    before = asyncio.all_tasks()
    yield
    mine = asyncio.all_tasks() - before - {asyncio.current_task()}
    if mine:
        _, alive = await asyncio.wait(mine, timeout=PATIENCE)
        assert not alive, f"left running: {alive}"
