"""What the ErrorInfo of each error tells beside its reason: the keys of its metadata, and what their values are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from greenroomd.domain import errors, retryable_errors
from greenroomd.domain.errors import GreenroomError
from greenroomd.domain.states import TRANSITIONS, State
from greenroomd.rpc.unimplemented import Unimplemented

_ARRIVES_AT = {signal.value: to.name for moves in TRANSITIONS.values() for signal, to in moves.items()}
_ARRIVES_AT["turn"] = State.ACTIVE.name
_REACHABLE = {state.value: sorted({to.name for to in moves.values()}) for state, moves in TRANSITIONS.items()}

_LIMIT: Mapping[str, Callable[[Any], str]] = {"limit": lambda error: str(error.limit)}
_ETAG: Mapping[str, Callable[[Any], str]] = {"etag": lambda error: error.current}

METADATA: Mapping[type[GreenroomError], Mapping[str, Callable[[Any], str]]] = {
    errors.Unauthenticated: {"problem": lambda error: error.problem},
    errors.PermissionDenied: {"permission": lambda error: error.permission},
    errors.WorkingDirOutsideRoots: {"working_dir": lambda error: error.working_dir},
    errors.RequestIdReused: {"method": lambda error: error.method},
    errors.IllegalTransition: {
        "from": lambda error: error.from_state.upper(),
        "to": lambda error: _ARRIVES_AT.get(error.signal, ""),
        "allowed": lambda error: ",".join(_REACHABLE.get(error.from_state, [])),
    },
    errors.TurnRunning: {"turn_id": lambda error: error.turn_id},
    errors.NoProcess: {"state": lambda error: error.state.upper()},
    errors.ConversationLost: {"cli_session_id": lambda error: error.cli_session_id},
    errors.ApprovalDecided: {"state": lambda error: error.state.upper()},
    errors.TaskEnded: {"state": lambda error: error.state.upper()},
    errors.ProfileInUse: {"sessions": lambda error: str(error.sessions)},
    errors.CliTooOld: {"version": lambda error: error.version, "minimum": lambda error: error.minimum},
    errors.EtagMismatch: _ETAG,
    errors.OwnershipLost: _ETAG,
    retryable_errors.QuotaExceeded: _LIMIT,
    retryable_errors.WatcherCapReached: _LIMIT,
    retryable_errors.QueueFull: _LIMIT,
    retryable_errors.OwnerUnreachable: {"node_id": lambda error: error.node_id},
    errors.CursorBelowFloor: {
        "oldest_revision": lambda error: str(error.oldest),
        "head_revision": lambda error: str(error.head),
    },
    Unimplemented: {"method": lambda error: error.method},
}
"""By error, each key with what its value is made of. An error that is not here tells nothing but its reason."""


def metadata_of(error: GreenroomError) -> dict[str, str]:
    """Return the metadata of an error; a key whose value is not known is left out, unless "" means something."""
    told = {key: value(error) for key, value in METADATA.get(type(error), {}).items()}
    return {key: value for key, value in told.items() if value or key in _EMPTY_IS_SAID}


_EMPTY_IS_SAID = {"to", "allowed", "etag"}
