"""A small model of a process and its host, for random steps: it does only what a real one could do.

The host tells what happens through a mailbox, in order; the owner may decide other things before it reads it. Lines
that the CLI wrote before it died are still read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from greenroomd.domain.decision.step import Step
from greenroomd.domain.frames.frame import Frame
from greenroomd.domain.lifecycle.process import process_end, process_output, process_start
from greenroomd.domain.turn import Problem
from unit.live import says

Message = Callable[[Step], None]

ABANDONED = Problem(reason="SPAWN_FAILED", message="the start was abandoned")


class Gone(Exception):
    """The process does not take what it is told: it is dead."""


class Phase(Enum):
    """How far a host has come."""

    WAITING = auto()
    GRANTED = auto()
    SPAWNED = auto()
    UP = auto()
    OVER = auto()


@dataclass
class Cli:
    """The state of a CLI, as its lines show it: at most one message in flight, ours or (None) its own."""

    session_id: str
    finished: set[str]
    """The messages that it answered; several CLIs add to it."""
    prompt: str | None = None
    working: bool = False
    mine: str | None = None
    answered: bool = False
    interrupted: bool = False
    questions: set[str] = field(default_factory=set)
    asked: int = 0
    cost: float = 0.0

    @property
    def idle(self) -> bool:
        """Whether it owes nothing."""
        return not self.working and self.prompt is None


class ProcessRunner:
    """One launch, from the wait for a slot to the proven end of its process."""

    def __init__(self, number: int, cli: Cli) -> None:
        self.number = number
        self.phase = Phase.WAITING
        self.told_to_end = False
        self.cli = cli
        self.mail: deque[Message] = deque()

    @property
    def alive(self) -> bool:
        """Whether a process is there."""
        return self.phase in (Phase.SPAWNED, Phase.UP)

    @property
    def restless(self) -> bool:
        """Whether it will go on by itself."""
        return self.phase in (Phase.WAITING, Phase.GRANTED, Phase.SPAWNED) or (
            self.phase is Phase.UP and self.told_to_end
        )

    # What the owner has done to it.

    def abandon(self) -> None:
        if self.phase is not Phase.OVER:
            self.fail(ABANDONED)

    def end(self) -> None:
        self.told_to_end = True

    def say(self, turn_id: str) -> None:
        self._require_alive()
        assert self.cli.prompt is None, "a second message was sent before the first was taken"
        assert self.cli.idle or self.mail, "a message was sent to a CLI that is known to be busy"
        self.cli.prompt = turn_id

    def interrupt(self) -> None:
        self._require_alive()
        assert not self.cli.interrupted, "a turn was interrupted twice"
        self.cli.interrupted = self.cli.working or self.cli.prompt is not None

    def answer(self, request_id: str) -> None:
        self._require_alive()
        self.cli.questions.discard(request_id)  # one that was withdrawn meanwhile is ignored

    def reconfigure(self) -> None:
        self._require_alive()

    def _require_alive(self) -> None:
        if self.phase is not Phase.UP:
            raise Gone

    # What it does by itself, and tells.

    def grant(self) -> None:
        self.phase = Phase.GRANTED
        self.mail.append(process_start.slot_granted)

    def fail(self, error: Problem) -> None:
        """End before being ready, or by the abandoning of the launch at any time."""
        self.phase = Phase.OVER
        self.mail.append(lambda step: process_end.not_started(step, error))

    def exit(self, *, code: int | None, signal: int | None, group_gone: bool) -> None:
        self.phase = Phase.OVER
        self.mail.append(
            lambda step: process_end.exited(
                step, code=code, signal=signal, group_gone=group_gone, stderr_tail="last words"
            )
        )

    def write(self, *frames: Frame) -> None:
        self.mail.append(lambda step: process_output.said(step, frames))

    # The CLI's next line, by what it is doing.

    def work(self, idea: str) -> None:
        """Let the CLI do one thing, or the nearest to it that it could do now; `finish` is all it has to do."""
        cli = self.cli
        if idea == "finish":
            while not cli.idle and (cli.interrupted or not cli.questions):
                self.work("answer")
        elif not cli.working:
            self._begin(idea)
        elif cli.answered:
            self._go_on()
        elif cli.interrupted:
            self._obey()
        elif cli.questions:
            if idea == "withdraw":
                self.write(says.withdraws(cli.questions.pop()))
        else:
            self._act(idea)

    def _act(self, idea: str) -> None:
        cli = self.cli
        if idea == "ask":
            cli.asked += 1
            question = f"q{self.number}-{cli.asked}"
            cli.questions.add(question)
            self.write(says.asks(question))
        elif idea == "answer":
            self._answer()
        elif idea == "tool":
            self.write(says.tool_use(), says.tool_result())
        else:
            self.write(says.text("hm"), says.delta("hm"))

    def _begin(self, idea: str) -> None:
        cli = self.cli
        if cli.prompt is None and idea != "wake":
            return
        cli.mine, cli.prompt, cli.working = cli.prompt, None, True
        self.write(says.RUNNING, says.init(cli_session_id=cli.session_id))

    def _answer(self) -> None:
        cli = self.cli
        cli.cost += 0.5
        cli.answered = True
        named = [cli.mine] if cli.mine else []
        cli.finished.update(named)
        self.write(says.result(*named, total_cost_usd=cli.cost))

    def _obey(self) -> None:
        cli = self.cli
        named = [cli.mine] if cli.mine else []
        cli.answered = True
        cli.questions.clear()
        self.write(says.aborted(*named, total_cost_usd=cli.cost))

    def _go_on(self) -> None:
        """After a result: take what waits without a word of idleness, or be idle."""
        cli = self.cli
        cli.answered = cli.interrupted = False
        cli.mine, cli.prompt = cli.prompt, None
        cli.working = cli.mine is not None
        if not cli.working:
            self.write(says.IDLE)

    def clear(self, session_id: str) -> None:
        """Begin a new conversation in the same process."""
        self.write(
            says.reset(cli_session_id=self.cli.session_id),
            says.init(cli_session_id=session_id),
        )
        self.cli.session_id = session_id

    def stray(self) -> None:
        """Speak of a conversation that is not ours."""
        self.write(says.text("who?", cli_session_id="another"))
