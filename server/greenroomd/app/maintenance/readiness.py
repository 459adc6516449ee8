"""Follows whether the server is ready: whether its store answers and commits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)


class ProbedStore(Protocol):
    """The part of a store that the readiness check needs."""

    @property
    def head(self) -> int:
        """The revision of the last commit that this node knows of."""

    async def probe(self) -> None:
        """Read and commit something; raises if either fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTimes:
    """When the store is probed, and when it counts as failed."""

    every: timedelta = timedelta(seconds=5)
    """The pause between two probes while the store works."""
    again: timedelta = timedelta(seconds=1)
    """The pause after a probe that failed."""
    answer: timedelta = timedelta(seconds=5)
    """How long a probe may take."""
    failures: int = 2
    """How many probes in a row must fail until the server counts as not ready; one success makes it ready again."""


async def follow_readiness(
    store: ProbedStore, changed: Callable[[bool], None], times: ProbeTimes = ProbeTimes()
) -> None:
    """Call `changed` whenever the store stops working or works again, until cancelled. It counts as working at first.

    A store that has committed something since the last look works; only an idle one is probed.
    """
    ready, failures, seen = True, 0, -1
    asked: asyncio.Task[bool] | None = None
    async with asyncio.TaskGroup() as tasks:
        while True:
            if store.head != seen:
                seen, works = store.head, True
            else:
                # A probe that has not returned is not repeated: probes would pile up in the writer's queue.
                asked = asked or tasks.create_task(_works(store))
                done, _ = await asyncio.wait([asked], timeout=times.answer.total_seconds())
                works = bool(done) and asked.result()
                if done:
                    asked = None
                else:
                    log.warning("store_does_not_answer")
            failures = 0 if works else failures + 1
            if ready != works and (works or failures >= times.failures):
                ready = works
                log.warning("readiness_changed", ready=ready)
                changed(ready)
            await asyncio.sleep((times.every if works else times.again).total_seconds())


async def _works(store: ProbedStore) -> bool:
    try:
        await store.probe()
    except Exception as error:
        log.warning("store_fails", reason=str(error))
        return False
    return True
