"""Keeps what the model's API tells about the limits of the subscription that pays for a session. Pure."""

from __future__ import annotations

from greenroomd.domain.decision.step import Step
from greenroomd.domain.event_payloads import PlanLimitsNoted
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.frames.api_reports import PlanLimitsTold
from greenroomd.domain.plan_limit import merged, turned


def told(step: Step, frame: PlanLimitsTold) -> None:
    """Keep the limits that the API has told, for the profile too if its token pays; emit an event if one turned."""
    before = step.session.plan_limits
    after = merged(before, frame.limits, at=step.at)
    step.update_session(plan_limits=after)
    step.update_live(binding_limit=frame.binding)
    step.tells_profile |= step.session.profile_token and after != before
    if turned(before, after):
        turn = step.live.turn
        payload = PlanLimitsNoted(limits=after)
        event = Event(
            type=EventType.SESSION_PLAN_LIMITS_CHANGED,
            time=step.at,
            turn_id=turn.turn_id if turn else "",
            payload=payload,
        )
        step.emit(event)
