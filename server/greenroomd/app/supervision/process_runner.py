"""The life of one process, from the wait for a slot to its proven end, told to its owner as messages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from greenroomd.app.ports.processes import (
    AgentProcess,
    Claim,
    Handshake,
    Launch,
    Lease,
    Processes,
    ProcessExit,
    ProcessFailed,
    ShutdownTimeouts,
    Slots,
    WarmStarts,
)
from greenroomd.domain.errors import GreenroomError, NoSlot
from greenroomd.domain.frames import Frame
from greenroomd.domain.session import Session
from greenroomd.domain.turn import Problem


@dataclass(frozen=True, slots=True)
class SlotGranted:
    """The wait for a slot is over."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class Spawned:
    """The process exists; without `handshake` it does not talk yet, with it, it is ready as well."""

    process: AgentProcess
    launch: Launch
    handshake: Handshake | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """The process answered its handshake."""

    handshake: Handshake


@dataclass(frozen=True, slots=True)
class NotStarted:
    """No process came to be ready; nothing of it is left. It may have held more memory than it may."""

    error: Problem
    memory_limit_hit: bool = False


@dataclass(frozen=True, slots=True)
class FramesReceived:
    """What the process said; the next batch is read once `taken` is set."""

    frames: Sequence[Frame]
    taken: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Exited:
    """The process is gone."""

    exit: ProcessExit


ProcessMessage = SlotGranted | Spawned | Ready | NotStarted | FramesReceived | Exited


@dataclass(frozen=True, slots=True)
class ProcessRunner:
    """Runs one process at a time for a session; shared by all sessions, it holds no state of any."""

    slots: Slots
    processes: Processes
    patience: ShutdownTimeouts
    handshake_timeout: timedelta
    warm: WarmStarts | None = None

    async def run(
        self,
        session: Session,
        prepare: Callable[[], Awaitable[Launch]],
        tell: Callable[[ProcessMessage], None],
    ) -> None:
        """Hold a process from the wait for its slot to its proven end.

        A process that was started ahead comes with its slot, and needs no wait. Tells SlotGranted, Spawned, Ready
        (unless Spawned said so), any number of FramesReceived, and Exited; or NotStarted instead of what is missing,
        also when cancelled: then, too, nothing is left when this returns.
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
                launch = await prepare()  # what it was before the wait may be no more
            last: ProcessMessage = Exited(await self._hold(claim or self.processes, launch, tell))
        except NoSlot as error:
            last = NotStarted(Problem(reason="NO_SLOT", message=str(error)))
        except ProcessFailed as failure:
            last = _not_started(failure)
        except GreenroomError as error:
            last = NotStarted(Problem(reason="START_FAILED", message=str(error)))
        except asyncio.CancelledError:
            tell(NotStarted(Problem(reason="START_FAILED", message="the start was abandoned")))
            raise
        finally:
            if lease is not None:
                lease.release()
        tell(last)

    async def _hold(
        self, origin: Processes | Claim, launch: Launch, tell: Callable[[ProcessMessage], None]
    ) -> ProcessExit:
        async with origin.running(launch) as process:
            if process.warm:  # it has shaken hands, and one commit does for both
                tell(Spawned(process, launch, await process.handshake(self.handshake_timeout)))
            else:
                tell(Spawned(process, launch))
                tell(Ready(await process.handshake(self.handshake_timeout)))
            async for frames in process.frames():
                said = FramesReceived(frames)
                tell(said)
                await said.taken.wait()  # back pressure: what the owner cannot store stays in the pipe
            return await process.end(self.patience)


def _not_started(failure: ProcessFailed) -> NotStarted:
    ended = failure.exit
    if ended is None:
        return NotStarted(Problem(reason=failure.reason, message=str(failure)))
    problem = Problem(
        reason="LIMIT_REACHED" if ended.memory_limit_hit else failure.reason,
        message=str(failure),
        exit_code=ended.code,
        signal=ended.signal,
        stderr_tail=ended.stderr_tail,
    )
    return NotStarted(problem, ended.memory_limit_hit)
