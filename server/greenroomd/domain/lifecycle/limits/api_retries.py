"""How long a turn goes on while the model's API fails: as the operator allows, for every model and status. Pure.

The CLI repeats by rules of its own, which differ by model and status; it tells each repetition before it waits for it.
So a turn that has tried enough is interrupted, and FAILED with what the API has answered.
"""

from __future__ import annotations

from dataclasses import replace

from greenroomd.domain.api_failure import NO_FAILURE, ApiFailure
from greenroomd.domain.clocks import Moment
from greenroomd.domain.decision.live import Live, TurnTimeouts
from greenroomd.domain.decision.step import Step
from greenroomd.domain.frames.api_reports import ApiRetried
from greenroomd.domain.frames.message_frames import AssistantSpoke, Delta
from greenroomd.domain.lifecycle import turn_queue
from greenroomd.domain.plan_limit import LimitKind, LimitState


def retried(step: Step, frame: ApiRetried) -> None:
    """Handle a request that has failed and will be repeated: end the turn if that is of no use, or one too many."""
    failure = _with_limit(step, frame.failure)
    since = step.live.retrying_since or step.moment
    step.update_live(api_failure=failure, retrying_since=since)
    timeouts = step.timeouts
    if failure.final:
        _give_up(step, "the same request would get the same answer")
    elif frame.attempt > timeouts.api_max_retries:
        _give_up(step, f"it was asked {frame.attempt} times")
    elif step.moment + frame.delay > since + timeouts.api_retry_timeout:
        _give_up(step, f"the next try would be in {frame.delay.total_seconds():.0f} s")


def answered(step: Step, frame: AssistantSpoke | Delta) -> None:
    """Handle words of the model, or those with which the CLI reports that the API failed."""
    live = step.live
    if isinstance(frame, AssistantSpoke) and frame.synthetic:
        if frame.api_error and not frame.parent_tool_use_id:
            told = replace(live.api_failure, word=frame.api_error, request_id=frame.request_id)
            step.update_live(api_failure=_with_limit(step, told))
    elif live.retrying_since is not None:
        step.update_live(api_failure=NO_FAILURE, retrying_since=None)


def deadline(live: Live, timeouts: TurnTimeouts) -> Moment | None:
    """Return when a request that is being repeated has been repeated for long enough."""
    if live.turn is None or live.cause is not None or live.retrying_since is None:
        return None
    return live.retrying_since + timeouts.api_retry_timeout


def overdue(step: Step) -> None:
    """End the turn: its request has been repeated for long enough."""
    _give_up(step, f"it has been asked for {step.timeouts.api_retry_timeout.total_seconds():g} s")


def _give_up(step: Step, why: str) -> None:
    live = step.live
    if live.turn is None or live.cause is not None:
        return
    failure = live.api_failure
    told = "gave no answer" if failure.status is None else f"answered with status {failure.status}"
    word = f" ({failure.word})" if failure.word else ""
    turn_queue.interrupt(step, failure.problem(f"the model API {told}{word}; {why}", at=step.at))


def _with_limit(step: Step, failure: ApiFailure) -> ApiFailure:
    """Return the failure with the limit of the subscription that is used up, if the API has named one."""
    for limit in step.session.plan_limits:
        if limit.name == step.live.binding_limit and limit.state is LimitState.USED_UP:
            kind = limit.kind.name if limit.kind is not LimitKind.OTHER else limit.name.upper()
            return replace(failure, limit=kind, resets_at=limit.reset_time)
    return failure
