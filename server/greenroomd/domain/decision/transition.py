"""Changes a session's state, with the events for the change. Pure.

`decide` looks up the transition in TRANSITIONS and returns the session after it and its events; the caller stores both
in one commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from greenroomd.domain.errors import IllegalTransition
from greenroomd.domain.event_payloads import SessionNoted, StateChanged
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.session import Session
from greenroomd.domain.states import TRANSITIONS, Signal, State, allowed
from greenroomd.domain.turn import Problem


def create(session: Session, *, actor: str = "") -> list[Event]:
    """Return the events of a session's first commit."""
    noted = SessionNoted(session=session)
    return [Event(type=EventType.SESSION_CREATED, time=session.create_time, actor=actor, payload=noted)]


def decide(
    session: Session,
    signal: Signal,
    *,
    at: datetime,
    reason: str = "",
    error: Problem | None = None,
    actor: str = "",
    lost_task_ids: Sequence[str] = (),
) -> tuple[Session, list[Event]]:
    """Return the session after `signal`, and the events for the change; raises IllegalTransition.

    `lost_task_ids` are the background tasks that have ended with the process. Only a session in ERROR has an error and
    may have a planned restart.
    """
    target = TRANSITIONS[session.state].get(signal)
    if target is None:
        raise IllegalTransition(session.state.value, signal.value, allowed(session.state))
    after = replace(
        session,
        state=target,
        state_reason=reason,
        state_time=at,
        update_time=at,
        error=error if target is State.ERROR else None,
        recovery=session.recovery
        if target is State.ERROR
        else replace(session.recovery, next_attempt_time=None),
        close_time=at if target is State.CLOSED else session.close_time,
        version=session.version + 1,
    )
    moved = Event(
        type=EventType.SESSION_STATE_CHANGED,
        time=at,
        actor=actor,
        turn_id=session.current_turn_id,
        payload=StateChanged(
            from_state=session.state.value,
            to_state=target.value,
            reason=reason,
            error=error,
            lost_task_ids=lost_task_ids,
        ),
    )
    headline = _HEADLINES.get(target)
    if headline is None:
        return after, [moved]
    return after, [moved, Event(type=headline, time=at, actor=actor, payload=SessionNoted(session=after))]


# States with an event of their own, which carries the whole session.
_HEADLINES = {
    State.SUSPENDED: EventType.SESSION_SUSPENDED,
    State.CLOSED: EventType.SESSION_CLOSED,
    State.ERROR: EventType.SESSION_ERROR,
}
