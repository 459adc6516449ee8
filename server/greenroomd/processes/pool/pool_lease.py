"""A slot in somebody's hands."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from greenroomd.app.ports.processes import ProcessIdentity


class LeaseGiver(Protocol):
    """Where a lease comes from, and what is told about it there."""

    def offer(self, lease: PoolLease, evict: Callable[[], None]) -> None:
        """The process may be evicted from now on, by calling `evict` once."""
        ...

    def withdraw(self, lease: PoolLease) -> None:
        """The process may not be evicted any more."""
        ...

    def measured(self) -> None:
        """A process is ready: its start takes no more memory."""
        ...

    def take_back(self, lease: PoolLease) -> None:
        """The process has ended; its slot is free."""
        ...


class PoolLease:
    """The right to run one process, granted at `since` on the monotonic clock; `warm` until a session has it.

    `pid` is the process once it has been spawned; it is `ready` once it has taken the memory that its start takes.
    """

    def __init__(self, pool: LeaseGiver, workspace_id: str, *, warm: bool = False) -> None:
        self.workspace_id = workspace_id
        self.warm = warm
        self.since = time.monotonic()
        self.pid: int | None = None
        self.ready = False
        self._pool = pool

    def spawned(self, identity: ProcessIdentity) -> None:
        """Say which process runs: from now on, what its start has taken can be measured."""
        self.pid, self.ready = identity.pid, False

    def started(self) -> None:
        """Say that the process is ready: its start takes no more."""
        self.ready = True
        self._pool.measured()

    def idle(self, evict: Callable[[], None]) -> None:
        """Offer the process as a victim; `evict` is called at most once, and must return at once."""
        self._pool.offer(self, evict)

    def busy(self) -> None:
        """Withdraw the offer; an eviction that was asked for and not yet carried out is off."""
        self._pool.withdraw(self)

    def adopt(self) -> None:
        """Make the process that was started ahead a session's; it is in use from now on."""
        self.warm = False
        self.busy()

    def release(self) -> None:
        """Give the slot back, after the process has ended."""
        self._pool.take_back(self)
