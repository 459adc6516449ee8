"""The states of a session, the signals that move it, and the one table of all moves.

Nobody sets a state: `lifecycle.transition.decide` looks the move up here. docs/states.md is generated from the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """Where a session stands. Only LIVE states may have a process."""

    CREATED = "created"
    INITIALIZING = "initializing"
    READY = "ready"
    ACTIVE = "active"
    IDLE = "idle"
    SUSPENDED = "suspended"
    ERROR = "error"
    CLOSING = "closing"
    CLOSED = "closed"


class Signal(StrEnum):
    """What can happen to a session."""

    START = "start"  # a slot for an AUTO session, StartSession, ResumeSession, a turn, recovery
    HANDSHAKE = "handshake"  # the process answered and continues the right conversation
    TURN_BEGAN = "turn_began"
    TURN_ENDED = "turn_ended"  # and nothing is queued behind it
    GRACE_PASSED = "grace_passed"  # no turn came while READY
    SUSPEND = "suspend"  # asked for, idle timeout, pool pressure, drain, or the server died under it
    RESTART = "restart"  # asked for, or a new config generation
    CLOSE = "close"
    FAIL = "fail"  # start failed, process lost, limit exceeded, conversation gone, end not proven
    ENDED = "ended"  # nothing of its process is left


TRANSITIONS: Mapping[State, Mapping[Signal, State]] = MappingProxyType(
    {
        State.CREATED: {
            Signal.START: State.INITIALIZING,
            Signal.FAIL: State.ERROR,
            Signal.CLOSE: State.CLOSING,
        },
        State.INITIALIZING: {
            Signal.HANDSHAKE: State.READY,
            Signal.SUSPEND: State.SUSPENDED,
            Signal.FAIL: State.ERROR,
            Signal.CLOSE: State.CLOSING,
        },
        State.READY: {
            Signal.TURN_BEGAN: State.ACTIVE,
            Signal.GRACE_PASSED: State.IDLE,
            Signal.SUSPEND: State.SUSPENDED,
            Signal.RESTART: State.INITIALIZING,
            Signal.FAIL: State.ERROR,
            Signal.CLOSE: State.CLOSING,
        },
        State.ACTIVE: {
            Signal.TURN_ENDED: State.IDLE,
            Signal.SUSPEND: State.SUSPENDED,
            Signal.FAIL: State.ERROR,
            Signal.CLOSE: State.CLOSING,
        },
        State.IDLE: {
            Signal.TURN_BEGAN: State.ACTIVE,
            Signal.SUSPEND: State.SUSPENDED,
            Signal.RESTART: State.INITIALIZING,
            Signal.FAIL: State.ERROR,
            Signal.CLOSE: State.CLOSING,
        },
        State.SUSPENDED: {
            Signal.START: State.INITIALIZING,
            Signal.FAIL: State.ERROR,
            Signal.CLOSE: State.CLOSING,
        },
        State.ERROR: {
            Signal.START: State.INITIALIZING,
            Signal.CLOSE: State.CLOSING,
        },
        State.CLOSING: {
            Signal.ENDED: State.CLOSED,
            Signal.FAIL: State.ERROR,
        },
        State.CLOSED: {},
    }
)

LIVE = frozenset({State.INITIALIZING, State.READY, State.ACTIVE, State.IDLE, State.CLOSING})
"""The states in which a session may have a process."""

# Reasons of a state, as `Session.state_reason` and the events show them.
NODE_LOST = "NODE_LOST"
WAITING_FOR_PROCESS = "WAITING_FOR_PROCESS"
AWAITING_APPROVAL = "AWAITING_APPROVAL"
IDLE_TIMEOUT = "IDLE_TIMEOUT"
POOL_PRESSURE = "POOL_PRESSURE"
REQUESTED = "REQUESTED"
TURN_ARRIVED = "TURN_ARRIVED"
DRAINING = "DRAINING"


def allowed(state: State) -> list[str]:
    """Return the names of the signals that `state` takes."""
    return [signal.value for signal in TRANSITIONS[state]]
