"""Converts the `error` of a session or a turn (a failure in the background) to google.rpc.Status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from greenroomd.domain.turn import Problem
from greenroomd.rpc.convert.structs import wire_text
from greenroomd.rpc.convert.times import duration

DOMAIN = "greenroom.v1"


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """What an error with this reason is to a client."""

    code: int
    """A code for clients that look at nothing else."""
    metadata: tuple[str, ...] = ()
    """The keys that its ErrorInfo can have; one whose value is not known is left out."""
    delays: bool = False
    """Whether it has a RetryInfo where it is known when the same can succeed."""


_EXIT = ("exit_code", "signal", "stderr_tail")
_API = ("api_status", "api_request_id")

PROBLEMS: Mapping[str, ProblemKind] = {
    "SPAWN_FAILED": ProblemKind(Code.UNAVAILABLE, _EXIT),
    "HANDSHAKE_FAILED": ProblemKind(Code.UNAVAILABLE, _EXIT),
    "HANDSHAKE_TIMEOUT": ProblemKind(Code.DEADLINE_EXCEEDED, _EXIT),
    "CONVERSATION_LOST": ProblemKind(Code.DATA_LOSS, ("cli_session_id", *_EXIT)),
    "WORKING_DIR_GONE": ProblemKind(Code.FAILED_PRECONDITION, ("working_dir", *_EXIT)),
    "WORKING_DIR_OUTSIDE_ROOTS": ProblemKind(Code.PERMISSION_DENIED, ("working_dir",)),
    "CLI_MISSING": ProblemKind(Code.FAILED_PRECONDITION),
    "PROCESS_EXITED": ProblemKind(Code.UNAVAILABLE, _EXIT),
    "CONTROL_TIMEOUT": ProblemKind(Code.DEADLINE_EXCEEDED, _EXIT),
    "CONTROL_REFUSED": ProblemKind(Code.FAILED_PRECONDITION, _EXIT),
    "INPUT_STALLED": ProblemKind(Code.DEADLINE_EXCEEDED, _EXIT),
    "PROCESS_SILENT": ProblemKind(Code.DEADLINE_EXCEEDED, _EXIT),
    "LIMIT_REACHED": ProblemKind(Code.RESOURCE_EXHAUSTED, ("limit", *_EXIT)),
    "NO_SLOT": ProblemKind(Code.RESOURCE_EXHAUSTED, delays=True),
    "NODE_LOST": ProblemKind(Code.ABORTED),
    "PROCESS_NOT_ENDED": ProblemKind(Code.UNAVAILABLE, ("pid",)),
    "API_ERROR": ProblemKind(Code.UNAVAILABLE, _API, delays=True),
    "API_CREDENTIALS_REFUSED": ProblemKind(Code.FAILED_PRECONDITION, _API),
    "API_REQUEST_REFUSED": ProblemKind(Code.INVALID_ARGUMENT, _API),
    "API_LIMIT_REACHED": ProblemKind(
        Code.RESOURCE_EXHAUSTED, ("limit_kind", "resets_at", *_API), delays=True
    ),
    "MCP_SERVER_UNAVAILABLE": ProblemKind(Code.FAILED_PRECONDITION, ("mcp_servers",)),
    "PROMPT_REFUSED": ProblemKind(Code.FAILED_PRECONDITION),
    "HOOK_STOPPED": ProblemKind(Code.FAILED_PRECONDITION),
    "MAX_TURNS": ProblemKind(Code.RESOURCE_EXHAUSTED),
    "BUDGET_EXHAUSTED": ProblemKind(Code.RESOURCE_EXHAUSTED),
    "TURN_FAILED": ProblemKind(Code.UNKNOWN),
    "TURN_INTERRUPTED": ProblemKind(Code.CANCELLED),
    "TURN_TIMEOUT": ProblemKind(Code.DEADLINE_EXCEEDED),
}
"""Every reason that the error of a session or a turn can have. Clients should decide by the reason."""

_UNKNOWN = ProblemKind(Code.UNKNOWN)  # in a row of another version


def status(problem: Problem) -> Status:
    """Return a problem as a Status; its ErrorInfo has the reason and what the reason tells."""
    kind = PROBLEMS.get(problem.reason, _UNKNOWN)
    told = _told(problem)
    metadata = {key: wire_text(told[key]) for key in kind.metadata if told.get(key)}
    details: list[Message] = [ErrorInfo(reason=problem.reason, domain=DOMAIN, metadata=metadata)]
    if kind.delays and problem.retry_after is not None:
        details.append(RetryInfo(retry_delay=duration(problem.retry_after)))
    return Status(code=kind.code, message=wire_text(problem.message), details=[_packed(d) for d in details])


def maybe_status(problem: Problem | None) -> Status | None:
    """Like `status`, but returns None for None."""
    return None if problem is None else status(problem)


def _told(problem: Problem) -> Mapping[str, str]:
    return {
        "exit_code": "" if problem.exit_code is None else str(problem.exit_code),
        "signal": "" if problem.signal is None else str(problem.signal),
        "stderr_tail": problem.stderr_tail,
        **problem.facts,
    }


def _packed(detail: Message) -> Any:
    packed = Any()
    packed.Pack(detail)
    return packed
