"""Decides whether and when a failed session restarts automatically. Pure.

Restarts are counted in a sliding window: a session that fails once more than its policy allows within it stays in
ERROR. The wait before a restart doubles until the session has run for a whole window. A turn that was running when its
process died is never repeated; queued turns are kept for the next process.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from greenroomd.domain.config import RecoveryMode, RecoveryPolicy
from greenroomd.domain.decision.step import Step
from greenroomd.domain.event_payloads import RecoveryScheduled
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.lifecycle import turn_queue
from greenroomd.domain.session import Recovery
from greenroomd.domain.turn import Problem, TurnState

RECOVERING = "RECOVERING"
"""The `state_reason` while a session restarts automatically."""

_CRASHES = frozenset({"PROCESS_EXITED", "INPUT_STALLED", "CONTROL_TIMEOUT"})
# Before the first crash these are errors in the config, which a retry does not fix.
_FAILED_STARTS = frozenset({"SPAWN_FAILED", "HANDSHAKE_TIMEOUT", "HANDSHAKE_FAILED", "NO_SLOT"})
_HOPELESS = frozenset({"CONVERSATION_LOST"})
_MOST_REMEMBERED = 100  # the most restarts that a policy can allow


def plan(step: Step, error: Problem) -> bool:
    """Decide whether and when the session restarts after an error; returns whether it does.

    Call it right before the transition to ERROR, and `announce` right after it.
    """
    session, policy = step.session, step.session.config.recovery
    recent = _recent(session.recovery, policy, step.at)
    streak = session.recovery.restarts if _unstable(session.recovery, policy, step.at) else ()
    known = error.reason in _CRASHES or (session.recovery.attempt > 0 and error.reason in _FAILED_STARTS)
    comes_back = known and policy.mode is RecoveryMode.ON_CRASH and len(recent) < policy.max_restarts
    wait = backoff(policy, len(streak)) if comes_back else None
    step.update_live(restart_at=None if wait is None else step.moment + wait)
    step.update_session(
        recovery=Recovery(
            attempt=len(recent),
            max_attempts=policy.max_restarts if policy.mode is RecoveryMode.ON_CRASH else 0,
            next_attempt_time=None if wait is None else step.at + wait,
            recoverable=error.reason not in _HOPELESS,
            restarts=streak,
        )
    )
    return comes_back


def announce(step: Step) -> None:
    """Emit the event for the planned restart, if there is one."""
    recovery = step.session.recovery
    if recovery.next_attempt_time is not None:
        payload = RecoveryScheduled(
            attempt=recovery.attempt + 1, max_attempts=recovery.max_attempts, at=recovery.next_attempt_time
        )
        step.emit(Event(type=EventType.SESSION_RECOVERY_SCHEDULED, time=step.at, payload=payload))


def attempt(step: Step) -> None:
    """Restart the session as planned, unless its policy has changed since."""
    recovery = step.session.recovery
    if step.session.config.recovery.mode is not RecoveryMode.ON_CRASH:
        give_up(step)
        return
    restarts = (*recovery.restarts, step.at)[-_MOST_REMEMBERED:]
    tried = replace(recovery, restarts=restarts, attempt=recovery.attempt + 1)
    process = replace(step.session.process, restart_count=step.session.process.restart_count + 1)
    step.update_session(recovery=tried, process=process)
    turn_queue.wake(step, reason=RECOVERING)


def give_up(step: Step) -> None:
    """Cancel the planned restart of a failed session; its queued turns become FAILED."""
    step.update_session(recovery=replace(step.session.recovery, next_attempt_time=None, max_attempts=0))
    problem = Problem(reason="PROCESS_EXITED", message="the session failed and is not started again")
    turn_queue.cancel_queued(step, step.session.error or problem, TurnState.FAILED)


def succeeded(step: Step) -> None:
    """Reset the recovery of a session that has a process again, except for the times of its restarts."""
    if step.session.recovery != Recovery():
        step.update_session(recovery=Recovery(restarts=step.session.recovery.restarts))


def backoff(policy: RecoveryPolicy, restarts: int) -> timedelta:
    """Return the wait before the next restart, after `restarts` of them."""
    doubled = policy.first_backoff
    while restarts > 0 and doubled < policy.max_backoff:
        doubled, restarts = doubled * 2, restarts - 1
    return min(doubled, policy.max_backoff)


def _recent(recovery: Recovery, policy: RecoveryPolicy, at: datetime) -> list[datetime]:
    return [each for each in recovery.restarts if each > at - policy.window]


def _unstable(recovery: Recovery, policy: RecoveryPolicy, at: datetime) -> bool:
    """Whether the session failed within one window of its last restart."""
    return bool(_recent(recovery, policy, at))
