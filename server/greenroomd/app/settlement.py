"""Puts in order what a lost owner left behind, one session at a time."""

from __future__ import annotations

from greenroomd.app.stage import Stage
from greenroomd.app.storage import Unit
from greenroomd.domain import reactions
from greenroomd.domain.events import ApprovalState
from greenroomd.domain.live import Live, Step
from greenroomd.domain.session import Session


async def settle(stage: Stage, session: Session) -> Live:
    """Commit that a session has no process any more: its turn is INTERRUPTED, what it waited for is kept."""
    turns = await stage.store.open_turns(session.session_id)
    page = await stage.store.approvals(session.session_id, after=None, limit=1_000)
    pending = {each.approval_id: each for each in page.items if each.state is ApprovalState.PENDING}
    live = Live(session=session, turns=tuple(turns), approvals=pending)
    step = Step(live, at=stage.now(), patience=stage.patience)
    reactions.owner_lost(step)
    unit = Unit(
        session=step.session,
        events=step.events,
        turns=tuple(step.turns.values()),
        approvals=tuple(step.approvals.values()),
    )
    committed = await stage.store.commit(unit)
    step.know(session=committed)
    return step.live
