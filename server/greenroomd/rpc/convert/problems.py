"""Converts the `error` of a session or a turn (a failure in the background) to google.rpc.Status."""

from __future__ import annotations

from google.protobuf.any_pb2 import Any
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from greenroomd.domain.turn import Problem
from greenroomd.rpc.convert.structs import wire_text

DOMAIN = "greenroom.v1"

# A code for clients that look at nothing else. Clients should decide by the reason.
_CODES = {
    "SPAWN_FAILED": Code.UNAVAILABLE,
    "HANDSHAKE_FAILED": Code.UNAVAILABLE,
    "HANDSHAKE_TIMEOUT": Code.DEADLINE_EXCEEDED,
    "CONVERSATION_LOST": Code.DATA_LOSS,
    "WORKING_DIR_GONE": Code.FAILED_PRECONDITION,
    "WORKING_DIR_OUTSIDE_ROOTS": Code.PERMISSION_DENIED,
    "CLI_MISSING": Code.FAILED_PRECONDITION,
    "CLI_TOO_OLD": Code.FAILED_PRECONDITION,
    "PROCESS_EXITED": Code.UNAVAILABLE,
    "CONTROL_TIMEOUT": Code.DEADLINE_EXCEEDED,
    "CONTROL_REFUSED": Code.FAILED_PRECONDITION,
    "INPUT_STALLED": Code.DEADLINE_EXCEEDED,
    "PROCESS_SILENT": Code.DEADLINE_EXCEEDED,
    "LIMIT_REACHED": Code.RESOURCE_EXHAUSTED,
    "NO_SLOT": Code.RESOURCE_EXHAUSTED,
    "NODE_LOST": Code.ABORTED,
    "API_ERROR": Code.UNAVAILABLE,
    "PROMPT_REFUSED": Code.FAILED_PRECONDITION,
    "HOOK_STOPPED": Code.FAILED_PRECONDITION,
    "MAX_TURNS": Code.RESOURCE_EXHAUSTED,
    "BUDGET_EXHAUSTED": Code.RESOURCE_EXHAUSTED,
    "TURN_INTERRUPTED": Code.CANCELLED,
    "TURN_TIMEOUT": Code.DEADLINE_EXCEEDED,
}


def status(problem: Problem) -> Status:
    """Return a problem as a Status; its ErrorInfo has the reason, the exit and the end of stderr."""
    metadata = {}
    if problem.exit_code is not None:
        metadata["exit_code"] = str(problem.exit_code)
    if problem.signal is not None:
        metadata["signal"] = str(problem.signal)
    if problem.stderr_tail:
        metadata["stderr_tail"] = wire_text(problem.stderr_tail)
    info = Any()
    info.Pack(ErrorInfo(reason=problem.reason, domain=DOMAIN, metadata=metadata))
    code = _CODES.get(problem.reason, Code.UNKNOWN)
    return Status(code=code, message=wire_text(problem.message), details=[info])


def maybe_status(problem: Problem | None) -> Status | None:
    """Like `status`, but returns None for None."""
    return None if problem is None else status(problem)
