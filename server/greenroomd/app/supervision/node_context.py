"""What every supervisor is given: the ports, the clocks and the timeouts of this node."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from greenroomd.app.ports.observers import UNOBSERVED, ProcessObserver
from greenroomd.app.ports.storage import EventCodec, Store, StoredEvent
from greenroomd.app.supervision.process_runner import ProcessRunner
from greenroomd.app.watch.tail import Tail
from greenroomd.domain.clocks import Moment, Now
from greenroomd.domain.costs.usage import Usage
from greenroomd.domain.decision.live import TurnTimeouts
from greenroomd.domain.decision.step import Step
from greenroomd.domain.enforcement import OptionReport
from greenroomd.domain.events import Event
from greenroomd.domain.session import Session


@dataclass(frozen=True, slots=True)
class NodeContext:
    """The ports, clocks and timeouts of this node, shared by all sessions."""

    node_id: str
    """The id of this node."""
    store: Store
    """The durable state."""
    tail: Tail
    """The newest events, for watchers of this node."""
    codec: EventCodec
    """Serializes ephemeral events."""
    runner: ProcessRunner
    """Starts and runs the processes."""
    turn_timeouts: TurnTimeouts
    """The node's timeouts; a session's own limits come first."""
    now: Callable[[], datetime]
    """The wall clock, in UTC."""
    monotonic: Callable[[], float] = time.monotonic
    """The monotonic clock, in seconds."""
    observer: ProcessObserver = UNOBSERVED
    """Counts processes, and what they use, for the metrics."""
    enforcement: Sequence[OptionReport] = ()
    """How this host enforces the options that depend on it."""

    def clocks(self) -> Now:
        """Read both clocks."""
        return Now(self.now(), Moment(self.monotonic()))

    def charged(self, step: Step) -> None:
        """Count what a session was charged with in a step that has been committed."""
        if (used := step.charged) != Usage():
            tokens = {
                "input": used.input_tokens,
                "output": used.output_tokens,
                "cache_creation": used.cache_creation_tokens,
                "cache_read": used.cache_read_tokens,
            }
            model = step.session.in_force.model or "unknown"
            self.observer.usage_charged(model, tokens, used.requests, used.cost_usd)

    def show(self, events: Sequence[Event], session: Session) -> None:
        """Show ephemeral events to watchers of this node; they have sequence 0 and are never stored."""
        head = self.tail.head
        shown = [
            StoredEvent(
                revision=head,
                session_id=session.session_id,
                workspace_id=session.workspace_id,
                sequence=0,
                type=event.type,
                turn_id=event.turn_id,
                record=self.codec.record(self.codec.encode(event, session).body, sequence=0, revision=head),
            )
            for event in events
        ]
        self.tail.announce(shown, head)
