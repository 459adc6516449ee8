"""The ports to the limited supply of processes: slots, and processes that are started ahead of need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from greenroomd.app.ports.processes import AgentProcess, Launch, ProcessIdentity


class Lease(Protocol):
    """The right to run one process. Release it exactly once."""

    def spawned(self, identity: ProcessIdentity) -> None:
        """Say which process runs; another start waits for what this one has not taken yet."""
        ...

    def started(self) -> None:
        """Say that the process is ready: no other start has to wait for what this one takes."""
        ...

    def idle(self, evict: Callable[[], None]) -> None:
        """Offer the process for eviction: under pressure `evict` is called once; then release the lease."""
        ...

    def busy(self) -> None:
        """Withdraw the offer."""
        ...

    def release(self) -> None:
        """Give the slot back. Call it only after the process has ended."""
        ...


class Slots(Protocol):
    """The limited supply of processes."""

    async def lease(self, workspace_id: str, session_id: str) -> Lease:
        """Wait for a slot, oldest first and fair between workspaces; raises NoSlot if the wait is too long."""
        ...


@dataclass(frozen=True, slots=True)
class WarmStart:
    """Processes to keep ready for new sessions whose launch is like `launch`, or nearly so."""

    launch: Launch
    """What they are started with; without a working directory, they wait elsewhere until a session names one."""
    count: int
    """How many processes."""


class Claim(Protocol):
    """A process that was started ahead and now belongs to one session, together with its slot."""

    @property
    def lease(self) -> Lease:
        """Its slot; the caller of `claim` releases it after `running` has exited."""
        ...

    def running(self, launch: Launch) -> AbstractAsyncContextManager[AgentProcess]:
        """Reconfigure it for the launch that claimed it; like `Processes.running`.

        Enter it in any case, or the process never ends.
        """
        ...


class WarmStarts(Protocol):
    """Starts processes ahead of need."""

    def keep(self, wanted: Sequence[WarmStart]) -> None:
        """Keep these ready from now on, as far as slots are free, and end those that are no longer wanted."""
        ...

    def claim(self, launch: Launch) -> Claim | None:
        """Take a waiting process that fits a launch; None if there is none."""
        ...
