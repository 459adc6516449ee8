"""The book of a session: the only functions that change what a session or a turn has used. Pure.

Everything that a process uses goes on its bill first. `session.running_usage` always shows the bill, so that a crash of
the server loses nothing of it. At the end of a turn, or of a process without one, the bill moves to `session.usage` and
to the turn: so a session has used what its turns have used, and what was used outside of any turn.
"""

from __future__ import annotations

from dataclasses import replace

from greenroomd.domain.costs.bill import Bill, SeenMessage
from greenroomd.domain.costs.usage import Usage
from greenroomd.domain.decision.step import Step
from greenroomd.domain.frames.message_frames import AssistantSpoke, UserEchoed
from greenroomd.domain.frames.turn_frames import RequestProgressed, TurnResult
from greenroomd.domain.turn import Turn


def open_bill(step: Step) -> None:
    """Begin the bill of a new process."""
    _show(step, Bill())


def message_seen(step: Step, frame: AssistantSpoke | RequestProgressed) -> None:
    """Note what a message tells of the request that it answers, for `write_up`: many may come at once."""
    if not frame.message_id or (isinstance(frame, AssistantSpoke) and frame.synthetic):
        return
    agent = isinstance(frame, AssistantSpoke) and bool(frame.parent_tool_use_id)
    step.messages.append(SeenMessage(frame.message_id, frame.model, frame.usage, frame.ended, agent))


def write_up(step: Step) -> None:
    """Put the messages that were noted on the bill; everything that looks at the bill needs that first."""
    if step.messages:
        bill = step.live.bill.with_messages(step.messages)
        step.messages = []
        if bill is not step.live.bill:
            _show(step, bill)


def agent_ended(step: Step, frame: UserEchoed) -> None:
    """Note the last request of an agent, which comes with the result of the tool call that waited for it."""
    if frame.agent_usage != Usage():
        write_up(step)
        key = f"agent of {frame.blocks[0].get('tool_use_id')}" if frame.blocks else "agent"
        _show(step, step.live.bill.with_agents_end(key, frame.agent_model, frame.agent_usage))


def result_told(step: Step, frame: TurnResult) -> None:
    """Note what a result tells; outside of a turn, the session is charged at once."""
    write_up(step)
    bill = step.live.bill
    used = replace(frame.usage, turns=0, cost_usd=frame.cost_after(bill.total_usd))
    _show(step, bill.with_result(used, frame.total_cost_usd))
    if step.live.turn is None:
        _charge(step, step.live.bill.told)
        _show(step, replace(step.live.bill, told=Usage()))


def close_turn(step: Step, turn: Turn) -> Turn:
    """Return a turn that has ended with everything that was used in it; the session is charged with the same."""
    write_up(step)
    used = replace(step.session.running_usage, turns=1, incomplete=_is_incomplete(step))
    _charge(step, used)
    _show(step, step.live.bill.charged())
    return replace(turn, usage=used)


def close_bill(step: Step) -> None:
    """Charge the session with what is left on the bill of a process that has ended; its turn must have ended before."""
    write_up(step)
    _charge(step, replace(step.session.running_usage, incomplete=_is_incomplete(step)))
    _show(step, Bill())


def _is_incomplete(step: Step) -> bool:
    """Return whether more may have been used than is on the bill, now that the turn or the process ends.

    Of an agent's request nothing is told before its answer is whole. Of the bill of a dead server only its sum is left.
    """
    live = step.live
    lost = not live.bill.seen and not live.bill.older and step.session.running_usage.estimated_cost_usd > 0
    return live.bill.broken_off or live.agents_cut or lost


def _charge(step: Step, used: Usage) -> None:
    if used != Usage():
        step.update_session(usage=step.session.usage + used)


def _show(step: Step, bill: Bill) -> None:
    step.update_live(bill=bill)
    if (usage := bill.usage) != step.session.running_usage:
        step.update_session(running_usage=usage)
