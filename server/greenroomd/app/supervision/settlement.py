"""Puts in order what a lost owner left behind, one session at a time."""

from __future__ import annotations

from greenroomd.app.ports.storage import Position, Unit
from greenroomd.app.supervision.node_context import NodeContext
from greenroomd.domain.approval import Approval, ApprovalState
from greenroomd.domain.lifecycle import reactions
from greenroomd.domain.lifecycle.live import Live, Step
from greenroomd.domain.session import Session


async def settle(node: NodeContext, session: Session, *, comes_back: bool = True) -> Live:
    """Commit that a session has no process any more: its turn is INTERRUPTED, what it waited for is kept.

    Returns the session as its next owner finds it, who has to start it if it is `launching`; with `comes_back` False
    it never is, and the turns that wait are FAILED.
    """
    turns = await node.store.open_turns(session.session_id)
    pending = await _pending(node, session.session_id)
    live = Live(session=session, turns=tuple(turns), approvals=pending)
    step = Step(live, at=node.now(), patience=node.patience)
    reactions.owner_lost(step, comes_back=comes_back)
    unit = Unit(
        session=step.session,
        events=step.events,
        turns=tuple(step.turns.values()),
        approvals=tuple(step.approvals.values()),
    )
    committed = await node.store.commit(unit)
    step.update_live(session=committed)
    return step.live


async def _pending(node: NodeContext, session_id: str) -> dict[str, Approval]:
    """Return the questions that nobody has answered; they are the last of a session's, but it may have had many."""
    pending: dict[str, Approval] = {}
    after: Position | None = None
    while True:
        page = await node.store.approvals(session_id, after=after, limit=1_000)
        pending |= {each.approval_id: each for each in page.items if each.state is ApprovalState.PENDING}
        if page.next is None:
            return pending
        after = page.next
