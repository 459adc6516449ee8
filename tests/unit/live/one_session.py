"""One session with its owner and the host of its process, for tests that draw random steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis.stateful import RuleBasedStateMachine

from greenroomd.domain.decision.actions import (
    AbandonLaunch,
    Action,
    AnswerPermission,
    EndProcess,
    InterruptCli,
    LaunchProcess,
    Reconfigure,
    SayPrompt,
)
from greenroomd.domain.decision.step import Step
from greenroomd.domain.errors import GreenroomError
from greenroomd.domain.event_payloads import StateChanged
from greenroomd.domain.events import TURN_ENDS, Event
from greenroomd.domain.lifecycle.process import process_end, process_start
from greenroomd.domain.states import TRANSITIONS, State
from greenroomd.domain.turn import Problem
from unit.live.owner import Owner
from unit.live.process_model import Cli, Gone, Phase, ProcessRunner

BROKEN = Problem(reason="INPUT_STALLED", message="the process does not read")
REFUSED = Problem(reason="HANDSHAKE_FAILED", message="bad flag", exit_code=1)


class OneSession(RuleBasedStateMachine):
    """Decides and performs at once, as the owner does, and checks every event and action."""

    def __init__(self) -> None:
        super().__init__()
        self.owner = Owner()
        self.host: ProcessRunner | None = None
        self.hosts = 0
        self.heard = 0
        self.state = State.CREATED
        self.version = self.owner.session.version
        self.ends: Counter[str] = Counter()
        self.accepted: list[str] = []
        self.answered: set[str] = set()
        self.troubles = 0

    # The owner at work.

    def decide(self, decision: Callable[[Step], object]) -> None:
        self.owner.decide(decision)
        self._hear(self.owner.events[self.heard :])
        actions = self.owner.done()
        self._check_actions(actions)
        for action in actions:
            try:
                self._perform(action)
            except Gone:
                self.decide(lambda step: process_end.unreachable(step, BROKEN))

    def order(self, decision: Callable[[Step], object]) -> None:
        before = self.owner.live
        try:
            self.decide(decision)
        except GreenroomError:
            assert self.owner.live == before

    def _check_actions(self, actions: list[Action]) -> None:
        live = self.owner.live
        for action in actions:
            if isinstance(action, LaunchProcess | AbandonLaunch):
                assert live.launching
            else:
                assert live.running, f"{action} without a process"
            if isinstance(action, InterruptCli):
                assert not live.approvals, "questions are cancelled first"
        assert len([a for a in actions if isinstance(a, SayPrompt)]) <= 1

    def _perform(self, action: Action) -> None:
        if isinstance(action, LaunchProcess):
            self.launch()
            return
        host = self.host
        assert host is not None
        match action:
            case AbandonLaunch():
                host.abandon()
            case EndProcess():
                host.end()
            case SayPrompt(turn=turn):
                host.say(turn.turn_id)
            case InterruptCli():
                host.interrupt()
            case AnswerPermission(approval_id=approval_id):
                host.answer(approval_id)
            case Reconfigure(config=config, generation=generation):
                host.reconfigure()
                self.decide(lambda step: process_start.reconfigured(step, config, generation))

    def launch(self) -> None:
        assert self.host is None, "two processes for one conversation"
        self.hosts += 1
        self.host = ProcessRunner(self.hosts, Cli(self.owner.session.cli_session_id, self.answered))

    def host_step(self, host: ProcessRunner, *, lucky: bool) -> None:
        match host.phase:
            case Phase.WAITING | Phase.GRANTED | Phase.SPAWNED if not lucky:
                host.fail(REFUSED)
            case Phase.WAITING:
                host.grant()
            case Phase.GRANTED:
                self._spawn(host)
            case Phase.SPAWNED:
                host.phase = Phase.UP
                host.mail.append(
                    lambda step: process_start.ready(
                        step, cli_version="2.1.330", startup=timedelta(seconds=1)
                    )
                )
            case Phase.UP if host.told_to_end:
                host.exit(code=143, signal=None, group_gone=lucky)

    def _spawn(self, host: ProcessRunner) -> None:
        host.phase = Phase.SPAWNED
        session = self.owner.session

        def spawned(step: Step) -> None:
            facts = replace(step.session.process, pid=host.number, start_time=step.at)
            process_start.spawned(step, facts, session.config, session.config_generation)

        host.mail.append(spawned)

    def read_mail(self, most: int = 10) -> None:
        """Let the owner read its oldest messages."""
        host = self.host
        while host is not None and host.mail and most:
            if len(host.mail) == 1 and host.phase is Phase.OVER:
                self.host = None
            self.decide(host.mail.popleft())
            self._retire()
            most -= 1

    def lose_owner(self) -> None:
        """Let the server die and another settle what it left."""
        self.host = None
        if self.owner.lose_memory().session.live:
            self.decide(process_end.owner_lost)

    def _retire(self) -> None:
        """Forget what is not stored, as an owner does that has nothing left to own."""
        owner = self.owner
        if owner.live.at_rest:
            assert not owner.live.approvals
            owner.lose_memory()

    def _hear(self, events: Sequence[Event]) -> None:
        """Follow what is told: moves of the table without a gap, and the ends of turns."""
        self.heard += len(events)
        for event in events:
            if isinstance(event.payload, StateChanged):
                assert event.payload.from_state == self.state.value
                after = State(event.payload.to_state)
                assert after in TRANSITIONS[self.state].values()
                self.state = after
                self.version += 1
            if event.type in TURN_ENDS:
                self.ends[event.turn_id] += 1
