"""A process, a conversation or the whole server is lost: what is said of it, and what becomes of the turns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from greenroomd.domain.decision.actions import EndProcess, LaunchProcess, Reconfigure
from greenroomd.domain.decision.live import Ending, Purpose
from greenroomd.domain.errors import TurnRunning
from greenroomd.domain.event_payloads import ProcessExited
from greenroomd.domain.events import EventType
from greenroomd.domain.lifecycle import orders, reconfiguration
from greenroomd.domain.lifecycle.process import process_end
from greenroomd.domain.lifecycle.reconfiguration import Apply, Patch
from greenroomd.domain.session import LastExit
from greenroomd.domain.states import NODE_LOST, State
from greenroomd.domain.turn import Problem, TurnState
from unit.live import says
from unit.live.owner import SESSION_ID, Owner, an_owner, payloads

BROKEN = Problem(reason="INPUT_STALLED", message="the process does not read")


def lose_the_server(owner: Owner) -> None:
    """Settle the session as another server does, which knows only what was stored."""
    owner.lose_memory().forget().decide(process_end.owner_lost)


# The process


def test_a_crash_in_mid_turn_tells_signal_and_last_words() -> None:
    owner = an_owner()
    turn = owner.prompt()
    owner.says(says.RUNNING, says.init(), says.tool_use())
    owner.forget().exits(signal=9, stderr_tail="Killed")
    assert owner.state is State.ERROR
    error = owner.session.error
    assert error is not None
    assert (error.reason, error.signal, error.exit_code, error.stderr_tail) == (
        "PROCESS_EXITED",
        9,
        None,
        "Killed",
    )
    ended = owner.turns[turn.turn_id]
    assert (ended.state, ended.error, ended.side_effects_unknown) == (TurnState.INTERRUPTED, error, True)
    assert owner.session.process.last_exit == LastExit(code=None, signal=9, time=owner.at)
    assert owner.session.process.pid == 0
    (exited,) = payloads(owner.events, ProcessExited)
    assert (exited.pid, exited.signal, exited.expected, exited.stderr_tail) == (4711, 9, False, "Killed")
    assert owner.told() == [
        EventType.PROCESS_EXITED,
        EventType.TURN_INTERRUPTED,
        EventType.SESSION_STATE_CHANGED,
        EventType.SESSION_ERROR,
    ]
    assert owner.live.at_rest


def test_a_crash_fails_the_turns_that_wait() -> None:
    owner = an_owner()
    owner.prompt()
    waiting = owner.prompt(queue=True)
    owner.exits(code=1)
    failed = owner.turns[waiting.turn_id]
    assert (failed.state, failed.side_effects_unknown) == (TurnState.FAILED, False)
    assert failed.error is not None
    assert failed.error.reason == "PROCESS_EXITED"
    assert owner.live.turns == ()


def test_a_crash_after_the_result_leaves_the_turn_answered() -> None:
    owner = an_owner()
    turn = owner.prompt()
    owner.says(says.RUNNING, says.result(turn.turn_id))
    owner.exits(code=0)
    assert owner.turns[turn.turn_id].state is TurnState.COMPLETED
    assert owner.state is State.ERROR


def test_an_idle_process_that_ends_by_itself_is_an_error_whatever_its_code() -> None:
    owner = an_owner()
    owner.exits(code=0)
    assert owner.state is State.ERROR
    assert owner.session.error is not None
    assert owner.session.error.exit_code == 0


def test_the_conversation_goes_on_after_a_crash_and_the_turn_is_not_repeated() -> None:
    owner = an_owner()
    owner.prompt()
    owner.says(says.RUNNING, says.init())
    owner.exits(signal=9)
    owner.forget().launched()
    assert EventType.SESSION_RESUMED in owner.told()
    assert owner.state is State.READY
    assert owner.done() == [LaunchProcess()]


def test_an_end_for_a_fault_keeps_its_error_whatever_is_ordered_meanwhile() -> None:
    owner = an_owner()
    owner.decide(
        lambda step: process_end.end_for(step, Ending(purpose=Purpose.FAIL, error=BROKEN), gently=False)
    )
    assert owner.done() == [EndProcess(gently=False)]
    owner.decide(orders.suspend)
    owner.decide(orders.restart)
    owner.exits(code=143, stderr_tail="no memory")
    told = replace(BROKEN, exit_code=143, stderr_tail="no memory")
    assert (owner.state, owner.session.error) == (State.ERROR, told)


def test_a_crash_that_a_write_finds_out_first_tells_signal_and_last_words_too() -> None:
    owner = an_owner()
    turn = owner.prompt()
    gone = Problem(reason="PROCESS_EXITED", message="the process takes no more input")
    owner.decide(lambda step: process_end.end_for(step, Ending(purpose=Purpose.FAIL, error=gone)))
    owner.exits(signal=9, stderr_tail="Killed")
    told = replace(gone, signal=9, stderr_tail="Killed")
    assert (owner.state, owner.session.error) == (State.ERROR, told)
    assert owner.turns[turn.turn_id].error == told


def test_a_process_that_dies_while_it_is_reconfigured_leaves_no_trace_in_the_next() -> None:
    owner = an_owner()
    config = replace(owner.session.config, model="haiku")
    patch = Patch(paths=["config.model"], config=config)
    owner.decide(lambda step: reconfiguration.update(step, patch, Apply.WHEN_IDLE))
    assert [type(action) for action in owner.done()] == [Reconfigure]
    turn = owner.prompt()
    assert turn.state is TurnState.QUEUED
    with pytest.raises(TurnRunning):
        owner.decide(orders.suspend)
    owner.decide(lambda step: orders.restart(step, force=True))
    owner.exits(code=0)
    owner.launched()
    assert owner.turns[turn.turn_id].state is TurnState.RUNNING
    assert owner.session.observed_config_generation == 2


# The conversation


def test_a_process_with_another_conversation_is_ended_and_what_it_says_is_not_told() -> None:
    owner = an_owner()
    turn = owner.prompt()
    owner.forget().says(says.RUNNING, says.text("who am I?", cli_session_id="another"), says.text("lost"))
    assert owner.told() == []
    assert owner.done() == [EndProcess(gently=True)]
    owner.says(says.text("still here", cli_session_id="another"))
    assert (owner.told(), owner.done()) == ([], [])
    owner.exits(code=0)
    assert owner.state is State.ERROR
    assert owner.session.error is not None
    assert owner.session.error.reason == "CONVERSATION_LOST"
    assert owner.turns[turn.turn_id].error == owner.session.error


def test_a_reset_begins_another_conversation_that_is_followed() -> None:
    owner = an_owner()
    turn = owner.prompt("/clear")
    owner.says(
        says.RUNNING,
        says.init(cli_session_id=SESSION_ID),
        says.reset(cli_session_id=SESSION_ID),
        says.init(cli_session_id="fresh"),
        says.result(turn.turn_id, cli_session_id="fresh"),
        says.IDLE,
    )
    assert owner.turns[turn.turn_id].state is TurnState.COMPLETED
    assert owner.session.cli_session_id == "fresh"
    assert owner.forget().done() == []
    owner.says(says.text("back", cli_session_id=SESSION_ID))
    assert owner.done() == [EndProcess(gently=True)]


# The server


def test_a_lost_server_suspends_its_sessions_and_interrupts_their_turns() -> None:
    owner = an_owner()
    turn = owner.prompt()
    owner.says(says.RUNNING, says.asks("q1"))
    lose_the_server(owner)
    assert (owner.state, owner.session.state_reason) == (State.SUSPENDED, NODE_LOST)
    ended = owner.turns[turn.turn_id]
    assert ended.error is not None
    assert (ended.state, ended.error.reason, ended.side_effects_unknown) == (
        TurnState.INTERRUPTED,
        NODE_LOST,
        True,
    )
    assert owner.told() == [
        EventType.PROCESS_EXITED,
        EventType.APPROVAL_CANCELLED,
        EventType.TURN_INTERRUPTED,
        EventType.SESSION_STATE_CHANGED,
        EventType.SESSION_SUSPENDED,
    ]
    assert owner.session.process.pid == 0
    assert owner.live.at_rest


def test_turns_that_waited_when_the_server_was_lost_wake_the_session() -> None:
    owner = an_owner()
    owner.prompt()
    waiting = owner.prompt(queue=True)
    lose_the_server(owner)
    assert owner.state is State.INITIALIZING
    assert owner.done() == [LaunchProcess()]
    owner.launched()
    assert owner.turns[waiting.turn_id].state is TurnState.RUNNING


def test_a_session_that_was_closing_when_the_server_was_lost_is_closed() -> None:
    owner = an_owner()
    owner.prompt()
    owner.decide(orders.close)
    lose_the_server(owner)
    assert owner.state is State.CLOSED
    assert owner.live.turns == ()


def test_a_session_that_was_starting_when_the_server_was_lost_rests() -> None:
    owner = Owner()
    owner.decide(orders.start)
    lose_the_server(owner)
    assert owner.state is State.SUSPENDED
    assert EventType.PROCESS_EXITED not in owner.told()
