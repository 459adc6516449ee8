"""What `error_reason.proto` shows of each reason is what the server tells: the samples are promises."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2 as details
from google.rpc.status_pb2 import Status

from greenroom.v1.error_reason_pb2 import ErrorReason
from greenroomd.app.ports.processes import ProcessExit, ProcessFailed
from greenroomd.app.supervision.process_runner import not_started
from greenroomd.domain.config import Limits
from greenroomd.domain.lifecycle.process import process_end
from greenroomd.domain.lifecycle.required_servers import problem_of
from greenroomd.domain.mcp import McpServer, McpStatus
from greenroomd.domain.plan_limit import LimitState, PlanLimit
from greenroomd.domain.retryable_errors import NoSlot
from greenroomd.domain.turn import Problem
from greenroomd.rpc.convert.problems import PROBLEMS, status
from greenroomd.rpc.error_advice import ADVICE
from greenroomd.rpc.status import STATUS, internal_status, status_of
from unit.live import says
from unit.live.owner import NOON, Owner, an_owner
from unit.rpc.errors_of_calls import make

PROTO = Path(__file__).parents[3] / "protos/greenroom/v1/error_reason.proto"
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Promise:
    """What the sample of a reason shows."""

    metadata: frozenset[str]
    details: frozenset[str]


def promises() -> Mapping[str, Promise]:
    found = {}
    entries = re.findall(r"((?:^  //.*\n)+)  ERROR_REASON_(\w+) = \d+;", PROTO.read_text(), re.MULTILINE)
    for comment, reason in entries:
        sample = " ".join(line.removeprefix("  //").strip() for line in comment.splitlines())
        metadata = re.search(r'"metadata": \{([^}]*)\}', sample)
        keys = re.findall(r'"(\w+)": "', metadata[1]) if metadata else []
        found[reason] = Promise(frozenset(keys), frozenset(re.findall(r"\b([A-Z]\w+) \{\"", sample)))
    del found["UNSPECIFIED"]
    return found


PROMISES = promises()


def told(answer: Status) -> Promise:
    info = details.ErrorInfo()
    assert answer.details[0].Unpack(info)
    names = {packed.TypeName().rpartition(".")[2] for packed in answer.details[1:]}
    return Promise(frozenset(key for key, value in info.metadata.items() if value), frozenset(names))


def reason_of(answer: Status) -> str:
    info = details.ErrorInfo()
    assert answer.details[0].Unpack(info)
    return info.reason


def failed_start(reason: str, **facts: str) -> Problem:
    """Return the error of a process that ended before it was ready."""
    ended = ProcessExit(code=1, signal=None, group_gone=True, stderr_tail="bad flag")
    return not_started(ProcessFailed(reason, "bad flag", exit=ended, facts=facts)).error


def session_error(owner: Owner) -> Problem:
    assert owner.session.error is not None
    return owner.session.error


def turn_error(owner: Owner) -> Problem:
    (turn,) = owner.turns.values()
    assert turn.error is not None
    return turn.error


def ended_by_itself() -> Problem:
    owner = an_owner()
    owner.exits(signal=9, stderr_tail="Killed")
    return session_error(owner)


def out_of_reach(reason: str) -> Problem:
    owner = an_owner()
    owner.decide(lambda step: process_end.unreachable(step, Problem(reason=reason, message="it is stuck")))
    owner.exits(code=143, stderr_tail="no memory")
    return session_error(owner)


def silent() -> Problem:
    owner = an_owner()
    owner.prompt()
    owner.wait(HOUR)
    owner.exits(signal=9, stderr_tail="stuck")
    return turn_error(owner)


def beyond_its_limit() -> Problem:
    owner = an_owner(config={"limits": Limits(output_bytes=1)})
    turn = owner.prompt()
    owner.says(says.text("much"), says.aborted(turn.turn_id), says.IDLE)
    return turn_error(owner)


def not_ended() -> Problem:
    owner = an_owner()
    owner.exits(group_gone=False)
    return session_error(owner)


def api_failure(status: int, word: str, *, plan: bool = False) -> Problem:
    owner = an_owner()
    turn = owner.prompt()
    if plan:
        limit = PlanLimit(name="five_hour", state=LimitState.USED_UP, reset_time=NOON + HOUR)
        owner.says(says.limits(limit, binding="five_hour"))
    owner.says(says.retries(1, status=status, word=word)) if word == "overloaded" else None
    owner.says(says.api_error(word), says.failed(turn.turn_id, status=status), says.IDLE)
    return turn_error(owner)


MADE: Mapping[str, Callable[[], Problem]] = {
    "SPAWN_FAILED": lambda: failed_start("SPAWN_FAILED"),
    "HANDSHAKE_TIMEOUT": lambda: failed_start("HANDSHAKE_TIMEOUT"),
    "HANDSHAKE_FAILED": lambda: failed_start("HANDSHAKE_FAILED"),
    "CONVERSATION_LOST": lambda: failed_start("CONVERSATION_LOST", cli_session_id="c-1"),
    "WORKING_DIR_GONE": lambda: failed_start("WORKING_DIR_GONE", working_dir="/srv"),
    "WORKING_DIR_OUTSIDE_ROOTS": lambda: failed_start("WORKING_DIR_OUTSIDE_ROOTS", working_dir="/etc"),
    "NO_SLOT": lambda: not_started(NoSlot("all are in use", retry_after=HOUR)).error,
    "PROCESS_EXITED": ended_by_itself,
    "CONTROL_TIMEOUT": lambda: out_of_reach("CONTROL_TIMEOUT"),
    "INPUT_STALLED": lambda: out_of_reach("INPUT_STALLED"),
    "PROCESS_SILENT": silent,
    "LIMIT_REACHED": beyond_its_limit,
    "PROCESS_NOT_ENDED": not_ended,
    "API_ERROR": lambda: api_failure(529, "overloaded"),
    "API_CREDENTIALS_REFUSED": lambda: api_failure(401, "authentication_failed"),
    "API_REQUEST_REFUSED": lambda: api_failure(400, "invalid_request"),
    "API_LIMIT_REACHED": lambda: api_failure(429, "rate_limit", plan=True),
    "MCP_SERVER_UNAVAILABLE": lambda: problem_of([McpServer(name="calc", status=McpStatus.FAILED)]),
}
"""How each error of the background that promises something comes to be."""


def test_every_reason_has_a_code_and_advice() -> None:
    names = {name.removeprefix("ERROR_REASON_") for name in ErrorReason.keys()} - {"UNSPECIFIED"}  # noqa: SIM118
    of_calls = {reason for _, reason in STATUS.values()} | {"INTERNAL"}
    assert names == PROMISES.keys() == ADVICE.keys() == of_calls | PROBLEMS.keys()


@pytest.mark.parametrize("kind", STATUS, ids=lambda kind: kind.__name__)
def test_an_error_of_a_call_tells_what_its_reason_promises(kind: type) -> None:
    code, answer = status_of(make(kind))
    assert code is not grpc.StatusCode.UNKNOWN
    promised = PROMISES[reason_of(answer)]
    if reason_of(answer) in PROBLEMS:  # the sample is that of the session's error
        assert told(answer).metadata >= promised.metadata
    else:
        assert (told(answer).metadata, told(answer).details) == (
            promised.metadata - SAID_EMPTY,
            promised.details,
        )


SAID_EMPTY = {"to", "allowed"}  # of the state "x", which has no way out


def test_a_bug_tells_what_its_reason_promises() -> None:
    assert told(internal_status("abc")[1]) == PROMISES["INTERNAL"]


@pytest.mark.parametrize("reason", sorted(PROBLEMS))
def test_an_error_of_the_background_tells_what_its_reason_promises(reason: str) -> None:
    promised = PROMISES[reason]
    if reason not in MADE:
        assert not promised.metadata, "say how it comes to be"
        return
    answer = status(MADE[reason]())
    assert reason_of(answer) == reason
    assert answer.code
    assert told(answer).metadata >= promised.metadata
    assert told(answer).metadata <= set(PROBLEMS[reason].metadata)
    if PROBLEMS[reason].delays:
        assert told(answer).details == promised.details == {"RetryInfo"}
    else:
        assert told(answer).details == set()


def test_nothing_that_a_problem_knows_is_lost_on_the_way() -> None:
    for reason, made in MADE.items():
        assert made().facts.keys() <= set(PROBLEMS[reason].metadata), reason
