"""Orders, messages, time and deaths in any order: what must hold after each step, and at the end of every session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from greenroomd.domain.approval import ApprovalState
from greenroomd.domain.config import (
    ApprovalPolicy,
    Limits,
    OnIdle,
    PermissionMode,
    RecoveryMode,
    RecoveryPolicy,
    Secret,
)
from greenroomd.domain.events import EventType
from greenroomd.domain.lifecycle import approval_flow, deadlines, orders, reconfiguration, turn_queue
from greenroomd.domain.lifecycle.reconfiguration import Apply, Patch
from greenroomd.domain.states import AWAITING_APPROVAL, State
from greenroomd.domain.turn import TurnState
from unit.live.one_session import OneSession
from unit.live.owner import Owner, as_stored
from unit.live.process_model import Phase

SPANS = [timedelta(seconds=s) for s in (0, 1, 5, 30, 60, 360, 600, 1800)]
IDEAS = ["talk", "finish", "wake", "ask", "answer", "tool", "withdraw"]
TROUBLES = ["clear", "ended", "killed", "stray", "server"]
HEARD = st.sampled_from([True, True, False])  # whether the owner reads its mail at once


class Course(OneSession):
    """One session, its owner and its processes, in any course."""

    @initialize(
        auto=st.booleans(),
        up=st.sampled_from([True, True, False]),
        on_idle=st.sampled_from(OnIdle),
        policy=st.sampled_from(ApprovalPolicy),
        max_duration=st.sampled_from([None, timedelta(hours=3)]),
        budget=st.sampled_from([None, None, 1.0]),
        recovery=st.sampled_from(RecoveryMode),
    )
    def create(
        self,
        auto: bool,
        up: bool,
        on_idle: OnIdle,
        policy: ApprovalPolicy,
        max_duration: timedelta | None,
        budget: float | None,
        recovery: RecoveryMode,
    ) -> None:
        limits = Limits(max_duration=max_duration)
        config = {
            "on_idle": on_idle,
            "approval_policy": policy,
            "limits": limits,
            "max_budget_usd": budget,
            "recovery": RecoveryPolicy(mode=recovery, max_restarts=2),
        }
        self.owner = Owner(config=config)
        if auto:
            self.owner.live = replace(self.owner.live, launching=True, launched_at=self.owner.moment)
            self.launch()
        if up:
            self.order(orders.start)
            self.host_goes_on(luck=1, steps=3, heard=True)

    # Orders. Most are prompts: a session that is closed or failed early shows little.

    @rule(
        queue=st.booleans(),
        timeout=st.sampled_from([None, timedelta(seconds=30)]),
        then=st.lists(st.sampled_from(IDEAS), max_size=3),
    )
    def prompt(self, queue: bool, timeout: timedelta | None, then: list[str]) -> None:
        count = self.owner.session.turn_count
        turn = self.owner.a_turn(timeout=timeout)
        self.order(lambda step: turn_queue.accept(step, turn, queue=queue))
        if self.owner.session.turn_count > count:
            self.accepted.append(turn.turn_id)
        self.cli_works(then, heard=True)

    @rule(
        order=st.sampled_from([orders.start, orders.resume, orders.suspend, orders.restart]),
        force=st.booleans(),
    )
    def start_or_stop(self, order: Callable[..., None], force: bool) -> None:
        if order in (orders.suspend, orders.restart):
            self.order(lambda step: order(step, force=force))
        else:
            self.order(order)

    @precondition(lambda self: self.owner.session.turn_count > 1)
    @rule(force=st.booleans(), grace=st.sampled_from(SPANS[:4]), sure=st.integers(0, 3))
    def close(self, force: bool, grace: timedelta, sure: int) -> None:
        if sure == 0:
            self.order(lambda step: orders.close(step, force=force, grace=grace))

    @precondition(lambda self: self.owner.live.turns)
    @rule(data=st.data())
    def interrupt(self, data: st.DataObject) -> None:
        turn_id = data.draw(st.sampled_from(["", *self.accepted]))
        self.order(lambda step: orders.interrupt(step, turn_id))

    @precondition(lambda self: self.owner.live.approvals)
    @rule(allow=st.booleans(), data=st.data())
    def answer(self, allow: bool, data: st.DataObject) -> None:
        approval_id = data.draw(st.sampled_from(sorted(self.owner.live.approvals)))
        self.order(lambda step: approval_flow.answer(step, approval_id, allow=allow))

    @precondition(lambda self: self.owner.live.running)
    @rule(
        apply=st.sampled_from(Apply),
        options=st.dictionaries(
            st.sampled_from(["model", "permission_mode", "system_prompt"]), st.integers(0, 1), max_size=2
        ),
        new_token=st.booleans(),
    )
    def reconfigure(self, apply: Apply, options: dict[str, int], new_token: bool) -> None:
        values: dict[str, list[object]] = {
            "model": ["opus", "haiku"],
            "permission_mode": [None, PermissionMode.PLAN],
            "system_prompt": [None, "Be brief."],
        }
        chosen: dict[str, Any] = {name: values[name][index] for name, index in options.items()}
        config = replace(self.owner.session.config, **chosen)
        patch = Patch(paths=["config"], config=config, oauth_token=Secret("t") if new_token else None)
        self.order(lambda step: reconfiguration.update(step, patch, apply))

    @rule(recovery=st.sampled_from(RecoveryMode))
    def change_the_policy(self, recovery: RecoveryMode) -> None:
        config = replace(self.owner.session.config, recovery=RecoveryPolicy(mode=recovery, max_restarts=2))
        patch = Patch(paths=["config"], config=config)
        self.order(lambda step: reconfiguration.update(step, patch, Apply.WHEN_IDLE))

    @precondition(lambda self: self.owner.live.evictable)
    @rule()
    def evict(self) -> None:
        self.decide(lambda step: orders.suspend(step, reason="POOL_PRESSURE"))

    # The world.

    @precondition(lambda self: self.host is not None and self.host.restless)
    @rule(luck=st.integers(0, 9), steps=st.integers(1, 4), heard=HEARD)
    def host_goes_on(self, luck: int, steps: int, heard: bool) -> None:
        for _ in range(steps):
            if self.host is not None and self.host.phase is not Phase.OVER:
                self.host_step(self.host, lucky=luck > 0)
                if heard:
                    self.read_mail()

    @precondition(lambda self: self.host is not None and self.host.phase is Phase.UP)
    @rule(ideas=st.lists(st.sampled_from(IDEAS), min_size=1, max_size=4), heard=HEARD)
    def cli_works(self, ideas: list[str], heard: bool) -> None:
        for idea in ideas:
            if self.host is not None and self.host.phase is Phase.UP:
                self.host.work(idea)
                if heard:
                    self.read_mail()

    @precondition(lambda self: self.host is not None and self.host.mail)
    @rule(most=st.integers(1, 10))
    def mail_is_read(self, most: int) -> None:
        self.read_mail(most)

    @rule(span=st.sampled_from(SPANS))
    def time_passes(self, span: timedelta) -> None:
        owner = self.owner
        owner.pass_time(span)
        if owner.live.at_rest:
            return
        if owner.overdue:
            self.decide(deadlines.tick)
            assert not owner.overdue, "the owner would spin"

    @precondition(lambda self: self.host is not None and self.host.phase is Phase.UP and self.peaceful)
    @rule(trouble=st.sampled_from(TROUBLES), number=st.integers(0, 3))
    def trouble_comes(self, trouble: str, number: int) -> None:
        assert self.host is not None
        self.troubles += 1
        match trouble:
            case "stray":
                self.host.stray()
            case "clear":
                self.host.clear(f"conversation-{number}")
            case "killed":
                self.host.exit(code=None, signal=9, group_gone=number > 0)
            case "ended":
                self.host.exit(code=1, signal=None, group_gone=True)
            case "server":
                self.lose_owner()

    @precondition(lambda self: self.host is not None and self.peaceful)
    @rule(grace=st.sampled_from(SPANS[:4]), steps=st.integers(0, 8))
    def server_stops(self, grace: timedelta, steps: int) -> None:
        self.troubles += 1
        waiting = [turn.turn_id for turn in self.owner.live.turns if turn.state is TurnState.QUEUED]
        hosts = self.hosts
        self.order(lambda step: orders.drain(step, grace=grace))
        for _ in range(steps):
            if self.host is not None and self.host.restless:
                self.host_step(self.host, lucky=True)
            elif self.host is not None and self.host.phase is Phase.UP:
                self.host.work("finish")
            self.read_mail()
        assert self.hosts == hosts, "a process was started for a server that stops"
        self.lose_owner()
        if self.owner.state not in (State.ERROR, State.CLOSED):  # it has failed, or spent its budget
            assert all(not self.owner.turns[turn_id].state.final for turn_id in waiting)

    @property
    def peaceful(self) -> bool:
        """Whether there was little trouble yet, for as much work."""
        return self.troubles < self.owner.session.turn_count

    # What must hold.

    @invariant()
    def what_was_decided_is_stored(self) -> None:
        decided, rows = self.owner.decided, self.owner.rows
        assert decided.session == as_stored(rows.session, decided.session)
        assert (decided.turns, decided.approvals) == (rows.open_turns, rows.pending)

    @invariant()
    def the_session_is_as_it_was_told(self) -> None:
        assert self.state is self.owner.state
        assert self.owner.session.version >= self.version  # it rises with each move, and with other changes
        self.version = self.owner.session.version

    @invariant()
    def one_turn_runs_at_most_and_only_in_its_states(self) -> None:
        live = self.owner.live
        running = [turn for turn in live.turns if turn.state is TurnState.RUNNING]
        assert len(running) <= 1
        assert running == ([live.turn] if live.turn else [])
        assert live.session.current_turn_id == (running[0].turn_id if running else "")
        if running:
            assert self.owner.state in (State.ACTIVE, State.CLOSING)
        if self.owner.state is State.ACTIVE:
            assert running

    @invariant()
    def every_turn_ends_once_and_is_told_as_it_is_stored(self) -> None:
        open_ids = {turn.turn_id for turn in self.owner.live.turns}
        for turn_id in self.accepted:
            turn = self.owner.turns[turn_id]
            assert turn.state.final == (turn_id not in open_ids)
            assert self.ends[turn_id] == turn.state.final
            if turn.state is TurnState.COMPLETED:
                assert turn_id in self.answered

    @invariant()
    def states_agree_with_processes(self) -> None:
        live = self.owner.live
        assert live.running == bool(live.session.process.pid)
        if live.session.live:
            assert not live.at_rest, "nobody will ever move it on"
        else:
            assert not live.running
            assert not live.hosted or live.session.state is State.CREATED
        if live.recovering:
            assert live.session.state is State.ERROR
        if live.at_rest:
            assert not live.turns, "nobody will ever begin it"
        assert (self.host is None) != live.hosted

    @invariant()
    def questions_are_pending_only_while_somebody_waits_for_them(self) -> None:
        live = self.owner.live
        stored = {key for key, each in self.owner.approvals.items() if each.state is ApprovalState.PENDING}
        assert set(live.approvals) == stored
        if live.turn is None and not live.busy:
            assert not live.approvals
        awaiting = live.session.state_reason == AWAITING_APPROVAL
        assert awaiting == (self.owner.state is State.ACTIVE and bool(live.approvals))

    @invariant()
    def nobody_waits_for_an_idle_cli(self) -> None:
        live, host = self.owner.live, self.host
        if host is None or host.mail or host.phase is not Phase.UP or not host.cli.idle:
            return
        assert live.turn is None
        if live.ending is not None:
            assert host.told_to_end
        else:
            assert not live.turns

    def teardown(self) -> None:
        """Close, let everything come to its end, and look whether every turn has."""
        for _ in range(3):  # an end that could not be proven makes an error, which can be closed again
            self.order(lambda step: orders.close(step, force=True))
            if (host := self.host) is not None:
                if host.phase is not Phase.OVER:
                    assert host.phase is Phase.UP or host.mail or self.owner.live.launching
                    host.exit(code=0, signal=None, group_gone=True) if host.alive else host.abandon()
                while host.mail:
                    self.read_mail(1)
        assert self.owner.state is State.CLOSED
        assert self.owner.live.turns == ()
        self.every_turn_ends_once_and_is_told_as_it_is_stored()
        closed = [event for event in self.owner.events if event.type is EventType.SESSION_CLOSED]
        assert len(closed) == 1


TestCourse = Course.TestCase
TestCourse.settings = settings(max_examples=50, stateful_step_count=50)
