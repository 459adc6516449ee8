"""A report on the use of the slots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceUse:
    """How one workspace uses the slots now."""

    busy: int = 0
    """Slots in use."""
    idle: int = 0
    """Slots whose process may be taken away."""
    warm: int = 0
    """Slots of processes that were started ahead."""
    waiting: int = 0
    """Sessions that wait for a slot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStatus:
    """How the slots are used now."""

    slots: int
    """How many there are."""
    evictions: int
    """How many evictions there were since the start of the server."""
    longest_wait: timedelta | None
    """How long the session at the head of the queue has been waiting; None if none waits."""
    workspaces: Mapping[str, WorkspaceUse]
    """The workspaces that use a slot or wait for one."""

    @property
    def busy(self) -> int:
        """Slots in use."""
        return sum(use.busy for use in self.workspaces.values())

    @property
    def idle(self) -> int:
        """Slots whose process may be taken away."""
        return sum(use.idle for use in self.workspaces.values())

    @property
    def warm(self) -> int:
        """Slots of processes that were started ahead."""
        return sum(use.warm for use in self.workspaces.values())

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return sum(use.waiting for use in self.workspaces.values())

    @property
    def free(self) -> int:
        """Slots that nobody holds."""
        return self.slots - self.busy - self.idle - self.warm
