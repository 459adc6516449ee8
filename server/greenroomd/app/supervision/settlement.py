"""Settles a session whose owner is lost: commits that it has no process any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from greenroomd.app.ports.storage import Position, Unit
from greenroomd.app.supervision.node_context import NodeContext
from greenroomd.domain.approval import Approval, ApprovalState
from greenroomd.domain.decision.live import Live, taken_over
from greenroomd.domain.decision.step import Step
from greenroomd.domain.lifecycle.process import process_end
from greenroomd.domain.session import Session
from greenroomd.domain.task import Task


async def settle(
    node: NodeContext, session: Session, decide: Callable[[Step], None] = process_end.owner_lost
) -> Live:
    """Commit that a session has lost its owner and its process; `decide` decides what becomes of it.

    Returns the session for its next owner, which must start a process if it is `launching`. Raises StoreUnavailable,
    OwnershipLost.
    """
    turns = await node.store.open_turns(session.session_id)
    pending = await _pending(node, session.session_id)
    tasks = await open_tasks(node, session)
    now = node.clocks()
    live = taken_over(session, now, turns=turns, approvals=pending, tasks=tasks)
    step = Step(live, now, node.turn_timeouts)
    decide(step)
    unit = Unit(
        session=step.session,
        events=step.events,
        turns=tuple(step.turns.values()),
        approvals=tuple(step.approvals.values()),
        tasks=tuple(step.tasks.values()),
    )
    committed = await node.store.commit(unit)
    node.charged(step)
    step.update_live(session=committed)
    return step.live


async def open_tasks(node: NodeContext, session: Session) -> Sequence[Task]:
    """Return the background tasks of a session that have not ended."""
    return await node.store.open_tasks(session.session_id) if session.background_task_count else ()


async def _pending(node: NodeContext, session_id: str) -> dict[str, Approval]:
    """Return the pending approvals by id. They are the newest of the session, which may have had many."""
    pending: dict[str, Approval] = {}
    after: Position | None = None
    while True:
        page = await node.store.approvals(session_id, after=after, limit=1_000)
        pending |= {each.approval_id: each for each in page.items if each.state is ApprovalState.PENDING}
        if page.next is None:
            return pending
        after = page.next
