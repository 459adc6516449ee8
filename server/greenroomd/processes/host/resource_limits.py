"""Applies the limits of one process: by its control group where we have the controllers, else by the watchdog."""

from __future__ import annotations

import asyncio

import structlog

from greenroomd.domain.config import Limits
from greenroomd.processes.host.memory_watchdog import Ward
from greenroomd.processes.linux.cgroup import Cgroup

log = structlog.get_logger(__name__)


class ResourceLimits:
    """The limits of one process with all that it starts.

    `memory_bytes` is the node's limit, for sessions that set none.
    """

    def __init__(self, group: Cgroup | None, memory_bytes: int | None) -> None:
        self.group = group
        self._memory_bytes = memory_bytes
        self._ward: Ward | None = None
        self._held: tuple[int | None, float | None] = (None, None)
        self._hit = False

    async def build(self, limits: Limits) -> None:
        """Make the control group, if there is one, before the process starts; raises OSError."""
        self._held = self._wanted(limits)
        if self.group is not None:
            await asyncio.to_thread(_build, self.group, *self._held)

    def watched(self, ward: Ward) -> None:
        """Let the watchdog hold the memory limit where the control group cannot."""
        self._ward = ward
        self._tell_watchdog()

    async def hold_to(self, limits: Limits) -> None:
        """Apply these limits from now on; one that the kernel refuses is logged, and the process goes on."""
        if self._held == self._wanted(limits):
            return
        self._held = self._wanted(limits)
        self._tell_watchdog()
        if self.group is not None:
            try:
                await asyncio.to_thread(self.group.limit, *self._held)
            except FileNotFoundError:
                return  # it is over
            except OSError as error:
                log.warning("limit_refused", group=str(self.group.path), reason=str(error))

    def memory_limit_hit(self) -> bool:
        """Return whether it was killed for its memory; once true, it stays so when the control group is gone."""
        by_kernel = self.group is not None and self.group.memory_limit_hit()
        by_watchdog = self._ward is not None and self._ward.exceeded
        self._hit = self._hit or by_kernel or by_watchdog
        return self._hit

    def _wanted(self, limits: Limits) -> tuple[int | None, float | None]:
        memory = self._memory_bytes if limits.memory_bytes is None else limits.memory_bytes
        return memory, limits.cpu_cores

    def _tell_watchdog(self) -> None:
        walled = self.group is not None and "memory" in self.group.controllers
        if self._ward is not None and not walled:
            self._ward.limit = self._held[0]


def _build(group: Cgroup, memory_bytes: int | None, cpu_cores: float | None) -> None:
    group.make()
    group.limit(memory_bytes, cpu_cores)
