"""The states of a session, the signals that change them, and the one table of all transitions.

Only `decision.transition.decide` changes a state, by this table. docs/states.md is generated from the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """The state of a session. Only in LIVE states may it have a process."""

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

    START = "start"  # slot for an AUTO session, StartSession, ResumeSession, turn, recovery
    HANDSHAKE = "handshake"  # the process is ready, in the right conversation
    TURN_BEGAN = "turn_began"
    TURN_ENDED = "turn_ended"  # and no turn is queued
    GRACE_PASSED = "grace_passed"  # no turn arrived while READY
    SUSPEND = "suspend"  # requested, idle timeout, pool pressure, drain, or the server died
    RESTART = "restart"  # requested, or a new config generation
    CLOSE = "close"
    FAIL = "fail"  # start failed, process or conversation lost, limit exceeded, end not proven
    ENDED = "ended"  # its process is gone completely


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

# Reasons for a state, as in `Session.state_reason` and events.
NODE_LOST = "NODE_LOST"
WAITING_FOR_PROCESS = "WAITING_FOR_PROCESS"
AWAITING_APPROVAL = "AWAITING_APPROVAL"
IDLE_TIMEOUT = "IDLE_TIMEOUT"
POOL_PRESSURE = "POOL_PRESSURE"
REQUESTED = "REQUESTED"
TURN_ARRIVED = "TURN_ARRIVED"
DRAINING = "DRAINING"


def allowed(state: State) -> list[str]:
    """Return the names of the signals that `state` accepts."""
    return [signal.value for signal in TRANSITIONS[state]]
