"""Limits of a session: what they do to its process and its turns, and which events report them."""

from __future__ import annotations

from dataclasses import replace

from greenroomd.domain.config import Limits, RecoveryMode, RecoveryPolicy, SessionConfig
from greenroomd.domain.decision.actions import InterruptCli
from greenroomd.domain.enforcement import Enforcement, OptionReport, report
from greenroomd.domain.event_payloads import LimitReached, ProcessExited
from greenroomd.domain.events import EventType
from greenroomd.domain.lifecycle import orders
from greenroomd.domain.lifecycle.process import process_end, process_start
from greenroomd.domain.lifecycle.reconfiguration import Apply, Patch, update
from greenroomd.domain.states import State
from greenroomd.domain.turn import Problem, TurnState
from unit.live import says
from unit.live.owner import Owner, an_owner, payloads

SPAWNED = OptionReport("limits.memory_bytes", Enforcement.BEST_EFFORT, "watched")


def killed_for_memory(owner: Owner) -> None:
    owner.decide(
        lambda step: process_end.exited(
            step, code=None, signal=9, group_gone=True, stderr_tail="", memory_limit_hit=True
        )
    )


def test_a_process_over_its_memory_limit_ends_in_error_and_does_not_come_back() -> None:
    owner = an_owner(config={"recovery": RecoveryPolicy(mode=RecoveryMode.ON_CRASH)})
    turn = owner.prompt()
    killed_for_memory(owner)
    assert (owner.state, owner.session.state_reason) == (State.ERROR, "LIMIT_REACHED")
    last = owner.session.process.last_exit
    assert last is not None
    assert last.memory_limit_hit
    ended = owner.turns[turn.turn_id]
    assert ended.error is not None
    assert (ended.state, ended.error.reason) == (TurnState.INTERRUPTED, "LIMIT_REACHED")
    assert [limit.limit for limit in payloads(owner.events, LimitReached)] == ["limits.memory_bytes"]
    assert [end.memory_limit_hit for end in payloads(owner.events, ProcessExited)] == [True]
    assert owner.live.at_rest


def test_a_process_over_its_memory_limit_before_its_handshake_says_so_too() -> None:
    owner = Owner()
    owner.decide(orders.start)
    owner.slot_granted()
    owner.spawned()
    error = Problem(reason="LIMIT_REACHED", message="gone", signal=9)
    owner.decide(lambda step: process_end.not_started(step, error, memory_limit_hit=True))
    last = owner.session.process.last_exit
    assert last is not None
    assert last.memory_limit_hit
    assert [limit.limit for limit in payloads(owner.events, LimitReached)] == ["limits.memory_bytes"]
    assert [end.memory_limit_hit for end in payloads(owner.events, ProcessExited)] == [True]


def test_a_session_that_was_closing_meanwhile_is_closed() -> None:
    owner = an_owner()
    owner.decide(orders.close)
    killed_for_memory(owner)
    assert owner.state is State.CLOSED


def test_a_turn_that_says_too_much_is_interrupted_once_and_fails() -> None:
    owner = an_owner(config={"limits": Limits(output_bytes=3 * len(says.RAW))})
    turn = owner.prompt()
    owner.says(says.RUNNING, says.init(), says.text("a"))
    assert InterruptCli() not in owner.done()
    owner.says(says.text("b"), says.text("c"))
    assert owner.done() == [InterruptCli()]
    assert [limit.limit for limit in payloads(owner.events, LimitReached)] == ["limits.output_bytes"]
    assert owner.told().count(EventType.SESSION_LIMIT_REACHED) == 1
    owner.says(says.aborted(turn.turn_id), says.IDLE)
    failed = owner.turns[turn.turn_id]
    assert failed.error is not None
    assert (failed.state, failed.error.reason) == (TurnState.FAILED, "LIMIT_REACHED")
    assert owner.state is State.IDLE


def test_output_is_counted_for_each_turn_by_itself() -> None:
    owner = an_owner(config={"limits": Limits(output_bytes=6 * len(says.RAW))})
    for _ in range(3):
        assert owner.answers(owner.prompt()).state is TurnState.COMPLETED


def test_what_a_config_sets_is_reported_as_the_host_enforces_it() -> None:
    config = SessionConfig(
        working_dir="/srv",
        model="opus",
        temperature=0.5,
        limits=Limits(memory_bytes=2**30, cpu_cores=2),
        recovery=RecoveryPolicy(mode=RecoveryMode.ON_CRASH),
    )
    found = {each.option: each for each in report(config, [SPAWNED])}
    assert list(found) == [
        "working_dir",
        "model",
        "temperature",
        "limits.memory_bytes",
        "limits.cpu",
        "recovery_policy.mode",
    ]
    assert found["limits.memory_bytes"] == SPAWNED
    assert found["model"].enforcement is Enforcement.ENFORCED
    assert found["temperature"].enforcement is Enforcement.BEST_EFFORT
    assert found["temperature"].reason


def test_the_report_follows_a_change_that_needs_no_other_process() -> None:
    owner = an_owner()
    session = owner.session
    owner.decide(
        lambda step: process_start.spawned(step, session.process, session.config, 1, enforcement=[SPAWNED])
    )
    changed = replace(session.config, limits=Limits(memory_bytes=2**30))
    patch = Patch(paths=["config.limits.memory_bytes"], config=changed)
    owner.decide(lambda step: update(step, patch, Apply.WHEN_IDLE))
    assert SPAWNED in owner.session.config_report
    patch = Patch(paths=["config.limits"], config=session.config)
    owner.decide(lambda step: update(step, patch, Apply.WHEN_IDLE))
    assert SPAWNED not in owner.session.config_report
