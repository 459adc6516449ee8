"""How long work in the background keeps its process once no turn runs. Pure.

The time counts from the end of the last turn, whoever began it. Until it is over, the server does not take the process
by itself: not for the idle timeout, not for another session, not for a changed config. What it does by itself for a
limit of the session (its lifetime, its budget, its memory) does not wait, as it does not wait for a turn.
"""

from __future__ import annotations

from datetime import timedelta

from greenroomd.domain.clocks import Moment
from greenroomd.domain.decision.live import Live, TurnTimeouts
from greenroomd.domain.decision.step import Step

_NONE = timedelta()


def begin(step: Step) -> None:
    """Count from now: a turn has ended, or the process is ready."""
    step.update_live(rested_at=step.moment)
    reconsider(step)


def reconsider(step: Step) -> None:
    """Look whether the time is over; call it when the limit may have changed."""
    left = _left(step.live, step.timeouts, step.moment)
    step.update_live(grace_over=left <= _NONE)


def due(live: Live, timeouts: TurnTimeouts) -> Moment | None:
    """Return when the time is over; None while nothing works in the background, or a turn runs."""
    if not live.held or live.turn is not None or live.rested_at is None:
        return None
    return live.rested_at + _grace(live, timeouts)


def _left(live: Live, timeouts: TurnTimeouts, now: Moment) -> timedelta:
    return _grace(live, timeouts) - (now - (live.rested_at or now))


def _grace(live: Live, timeouts: TurnTimeouts) -> timedelta:
    own = live.session.config.limits.background_grace
    return min(timeouts.background_grace if own is None else own, timeouts.max_background_grace)
