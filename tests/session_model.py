"""What a client may expect of one session: a model that predicts which answers are allowed, and learns from each.

Much happens between two calls (a slot is granted, a turn ends, the pool takes a process away), so the model holds the
set of states in which the session may be, and every answer makes it smaller again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from greenroomd.domain.states import LIVE, TRANSITIONS, Signal, State

OK = "OK"
ILLEGAL = "ILLEGAL_TRANSITION"
TURN_RUNNING = "TURN_RUNNING"
NO_TURN = "NO_TURN_RUNNING"
QUEUE_FULL = "QUEUE_FULL"
NO_TURN_TAKEN = frozenset({State.ERROR, State.CLOSING, State.CLOSED})
MAX_WAITING = 16


@dataclass(slots=True)
class SessionModel:
    """One session. `wanted`: it was told to have a process; `frail`: its process was given a reason to fail.

    `wakes`: its process was given work in the background, after which it works without a prompt.
    `open_turns` may have ended by now; `accepted_turns` are all, in their order.
    """

    session_id: str
    workspace_id: str
    states: frozenset[State]
    wanted: bool
    frail: bool = False
    wakes: bool = False
    reconfigured: bool = False
    display_name: str = ""
    open_turns: list[str] = field(default_factory=list)
    accepted_turns: list[str] = field(default_factory=list)

    @property
    def may_run(self) -> bool:
        """Whether a turn may run by now, or wait."""
        return bool(self.open_turns) or self.wakes

    def may_be(self) -> frozenset[State]:
        """Return the states in which the session may be by now."""
        reached = set(self.states)
        while more := {after for state in reached for after in self._by_itself(state)} - reached:
            reached |= more
        return frozenset(reached)

    def _by_itself(self, state: State) -> Iterable[State]:
        """Return where a session in *state* may go without a command."""
        turns = bool(self.open_turns)
        possible = {
            Signal.START: (state is State.SUSPENDED and turns) or (state is State.CREATED and self.wanted),
            Signal.HANDSHAKE: True,
            Signal.GRACE_PASSED: True,
            Signal.TURN_BEGAN: turns or self.wakes,
            Signal.TURN_ENDED: True,
            Signal.SUSPEND: state in (State.READY, State.IDLE),  # the pool needs its process
            Signal.RESTART: self.reconfigured,
            Signal.FAIL: self.frail and state in LIVE,
            Signal.ENDED: True,
        }
        return (after for signal, after in TRANSITIONS[state].items() if possible.get(signal))

    # What each command may be answered with.

    def start_turn(self, *, queue: bool) -> frozenset[str]:
        """Return the allowed answers to StartTurn."""
        now = self.may_be()
        answers = {ILLEGAL} if now & NO_TURN_TAKEN else set()
        if now - NO_TURN_TAKEN:
            answers.add(OK)  # what is open may have ended
            if self.may_run and not queue:
                answers.add(TURN_RUNNING)
            if len(self.open_turns) > MAX_WAITING - 1:
                answers.add(QUEUE_FULL)
        return frozenset(answers)

    def interrupt(self) -> frozenset[str]:
        """Return the allowed answers to InterruptTurn without a turn's id."""
        return frozenset({OK, NO_TURN}) if self.may_run else frozenset({NO_TURN})

    def start(self) -> frozenset[str]:
        """Return the allowed answers to StartSession."""
        return self._answers({State.CREATED, State.ERROR})

    def resume(self) -> frozenset[str]:
        """Return the allowed answers to ResumeSession."""
        return self._answers({State.SUSPENDED})

    def suspend(self, *, force: bool) -> frozenset[str]:
        """Return the allowed answers to SuspendSession; on a suspended session it has no effect."""
        return self._stopping(Signal.SUSPEND, {State.SUSPENDED}, force)

    def restart(self, *, force: bool) -> frozenset[str]:
        """Return the allowed answers to RestartSession."""
        return self._stopping(Signal.RESTART, set(), force)

    def _stopping(self, signal: Signal, without_effect: set[State], force: bool) -> frozenset[str]:
        takes = {state for state, moves in TRANSITIONS.items() if signal in moves} | {State.ACTIVE}
        answers = self._answers(takes | without_effect)
        if self.may_run and not force and self.may_be() & takes:
            answers |= {TURN_RUNNING}
        return answers

    def _answers(self, takes: set[State]) -> frozenset[str]:
        now = self.may_be()
        answers = {OK} if now & takes else set()
        return frozenset(answers | ({ILLEGAL} if now - takes else set()))

    # What it learns.

    def accepted(self, turn_id: str) -> None:
        """A turn was acknowledged; a session without a process gets one for it."""
        wakes = {State.CREATED, State.SUSPENDED}
        now = self.may_be() - NO_TURN_TAKEN
        self.states = now - wakes | ({State.INITIALIZING} if now & wakes else frozenset())
        self.open_turns.append(turn_id)
        self.accepted_turns.append(turn_id)

    def ended(self, turn_id: str) -> None:
        """A turn is over; what it may have moved while it was open stays possible."""
        if turn_id in self.open_turns:
            self.states = self.may_be()
            self.open_turns.remove(turn_id)

    def becomes(self, *states: State) -> None:
        """A command leads here; a frail session may fail instead."""
        self.states = frozenset({*states, State.ERROR} if self.frail else states)

    def seen_in(self, state: State) -> None:
        """The server said in which state the session is; AssertionError if it cannot be there."""
        assert state in self.may_be(), f"{state} is impossible for {self}"
        self.states = frozenset({state})
        if state in (State.SUSPENDED, State.ERROR, State.CLOSED):  # no turn survives these
            self.open_turns.clear()
            self.reconfigured = self.wanted = self.wakes = False
