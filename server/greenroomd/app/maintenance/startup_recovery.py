"""Recovery at start: ends the processes of a dead server and settles its sessions, in one sweep."""

from __future__ import annotations

import asyncio

import structlog

from greenroomd.app.ports.processes import ProcessIdentity, Reap
from greenroomd.app.supervision.node_context import NodeContext
from greenroomd.app.supervision.registry import Supervisors
from greenroomd.app.supervision.settlement import open_tasks, settle
from greenroomd.domain.decision.live import Live, taken_over
from greenroomd.domain.session import Session
from greenroomd.domain.states import State

log = structlog.get_logger(__name__)

_AT_ONCE = 256  # sessions settled concurrently: enough to fill the writer's batches


async def settle_all(node: NodeContext, supervisors: Supervisors, reap: Reap) -> int:
    """Settle every session that a dead server left live; those that waited for a process or a restart go on waiting.

    Call it once, before serving requests. Returns how many sessions were settled.
    """
    sessions = await node.store.unsettled()
    recovering = [each for each in sessions if each.state is State.ERROR]
    await reap([identity for each in sessions if (identity := _identity(each)) is not None])
    waiting = [each for each in sessions if each.state is State.CREATED]
    abandoned = [each for each in sessions if each.live]
    for start in range(0, len(abandoned), _AT_ONCE):
        settled = await asyncio.gather(*(settle(node, each) for each in abandoned[start : start + _AT_ONCE]))
        for live in settled:
            if not live.at_rest:
                supervisors.own(live)
    for session in waiting:
        supervisors.own(Live(session=session, launching=True, launched_at=node.clocks().moment))
    for session in recovering:
        turns = await node.store.open_turns(session.session_id)
        tasks = await open_tasks(node, session)
        supervisors.own(taken_over(session, node.clocks(), turns=turns, tasks=tasks))
    if sessions:
        log.info(
            "sessions_settled", abandoned=len(abandoned), waiting=len(waiting), recovering=len(recovering)
        )
    return len(abandoned)


def _identity(session: Session) -> ProcessIdentity | None:
    facts = session.process
    if not facts.pid or facts.start_time is None:
        return None
    return ProcessIdentity(
        pid=facts.pid,
        kernel_start=facts.kernel_start,
        boot_id=facts.boot_id,
        start_time=facts.start_time,
    )
