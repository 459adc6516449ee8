"""Runs one process, from the wait for a slot to its proven end, and reports to its owner by messages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from greenroomd.app.ports.process_slots import Claim, Lease, Slots, WarmStarts
from greenroomd.app.ports.processes import (
    AgentProcess,
    Handshake,
    Launch,
    Processes,
    ProcessExit,
    ProcessFailed,
    ShutdownTimeouts,
)
from greenroomd.domain.decision.step import Step
from greenroomd.domain.errors import GreenroomError
from greenroomd.domain.frames.frame import Frame
from greenroomd.domain.retryable_errors import NoSlot
from greenroomd.domain.session import Session
from greenroomd.domain.turn import Problem


@dataclass(frozen=True, slots=True)
class SlotGranted:
    """The wait for a slot is over."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class Spawned:
    """The process exists. With `handshake` it is ready as well; without, Ready will follow."""

    process: AgentProcess
    launch: Launch
    handshake: Handshake | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """The process answered its handshake."""

    handshake: Handshake


@dataclass(frozen=True, slots=True)
class NotStarted:
    """No process became ready, and nothing of it is left."""

    error: Problem
    memory_limit_hit: bool = False
    """Whether it was ended because it used more memory than its limit."""


@dataclass(frozen=True, slots=True)
class FramesReceived:
    """Frames from the process; the next batch is read once `taken` is set.

    So the owner's mailbox holds at most one batch, and output that it cannot store yet stays with the process. That
    bounds how much is read: by the process itself (see `FrameBuffer`), which alone knows when to stop its pipe.
    """

    frames: Sequence[Frame]
    """All frames that were there, in order."""
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by the owner once the frames are committed."""


@dataclass(frozen=True, slots=True)
class Exited:
    """The process has ended."""

    exit: ProcessExit


@dataclass(frozen=True, slots=True)
class Answered:
    """The process has answered something that its owner did not wait for, or has not in time; what to decide then."""

    decide: Callable[[Step], None]


ProcessMessage = SlotGranted | Spawned | Ready | NotStarted | FramesReceived | Answered | Exited


@dataclass(frozen=True, slots=True)
class ProcessRunner:
    """Runs processes, one at a time for each session. Shared by all sessions; holds no state of any."""

    slots: Slots
    """Where a process gets its slot."""
    processes: Processes
    """Starts processes."""
    shutdown_timeouts: ShutdownTimeouts
    """How long to wait after each step of ending one."""
    handshake_timeout: timedelta
    """How long a process may take to become ready."""
    warm: WarmStarts | None = None
    """The processes that were started ahead; None if there are none."""

    async def run(
        self,
        session: Session,
        prepare: Callable[[], Awaitable[Launch]],
        tell: Callable[[ProcessMessage], None],
    ) -> None:
        """Run a process, from the wait for its slot to its proven end.

        A process that was started ahead comes with its slot and needs no wait. Sends SlotGranted, Spawned, Ready
        (unless Spawned has the handshake), any number of FramesReceived, and Exited. If the process never becomes
        ready, NotStarted replaces the rest, also when cancelled; nothing is left of the process when this returns.
        """
        lease: Lease | None = None
        try:
            launch = await prepare()
            claim = self.warm.claim(launch) if self.warm is not None else None
            if claim is not None:
                lease = claim.lease
                tell(SlotGranted(lease))
            else:
                lease = await self.slots.lease(session.workspace_id, session.session_id)
                tell(SlotGranted(lease))
                launch = await prepare()  # the session may have changed during the wait
            last: ProcessMessage = Exited(await self._hold(claim or self.processes, launch, lease, tell))
        except (ProcessFailed, GreenroomError) as failure:
            last = not_started(failure)
        except asyncio.CancelledError:
            tell(NotStarted(Problem(reason="SPAWN_FAILED", message="the start was abandoned")))
            raise
        finally:
            if lease is not None:
                lease.release()
        tell(last)

    async def _hold(
        self, origin: Processes | Claim, launch: Launch, lease: Lease, tell: Callable[[ProcessMessage], None]
    ) -> ProcessExit:
        async with origin.running(launch) as process:
            lease.spawned(process.identity)
            if process.warm:  # its handshake is done, and one commit covers both
                tell(Spawned(process, launch, await process.handshake(self.handshake_timeout)))
            else:
                tell(Spawned(process, launch))
                tell(Ready(await process.handshake(self.handshake_timeout)))
            lease.started()
            async for frames in process.frames():
                said = FramesReceived(frames)
                tell(said)
                await said.taken.wait()
            return await process.end(self.shutdown_timeouts)


def not_started(failure: ProcessFailed | GreenroomError) -> NotStarted:
    """Return the message about a start that failed, with everything that is known of why."""
    if isinstance(failure, NoSlot):
        return NotStarted(Problem(reason="NO_SLOT", message=str(failure), retry_after=failure.retry_after))
    if isinstance(failure, GreenroomError):
        return NotStarted(Problem(reason="SPAWN_FAILED", message=str(failure)))
    problem = Problem(reason=failure.reason, message=str(failure), facts=failure.facts)
    if (ended := failure.exit) is None:
        return NotStarted(problem)
    problem = replace(problem, exit_code=ended.code, signal=ended.signal, stderr_tail=ended.stderr_tail)
    if ended.memory_limit_hit:
        problem = replace(problem, reason="LIMIT_REACHED", facts={"limit": "limits.memory_bytes"})
    return NotStarted(problem, ended.memory_limit_hit)
