"""An event loop whose clock does not run: it jumps to the next timer when nothing else is left to do."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class _Jump(selectors.DefaultSelector):
    """Waits for nothing, and tells how long it was to wait."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("nothing will ever happen any more")
        self.now += timeout
        return super().select(0)


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now


def in_virtual_time(test: Coroutine[Any, Any, None]) -> None:
    """Run a test of which the time passes at once; it begins at 0 s of the loop's clock."""
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        runner.run(test)
