"""Converts requests to arguments of the use cases. Checks that required fields are set; the domain checks values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from greenroom.v1 import session_service_pb2 as sessions
from greenroom.v1 import turn_service_pb2 as turns
from greenroomd.app.commands import Decide, IfBusy, Interrupt, NewSession, NewTurn, StopTask
from greenroomd.app.ports.storage import OrderBy, SessionQuery
from greenroomd.domain.errors import Violation
from greenroomd.domain.rules.checks import json_object, lasting
from greenroomd.domain.rules.naming_rules import DEFAULT_WORKSPACE, name_violations
from greenroomd.domain.session import StartMode
from greenroomd.rpc.convert.config_proto import oauth_token_of, partial_config_of
from greenroomd.rpc.convert.content import blocks_of
from greenroomd.rpc.convert.enums import IF_BUSY, SESSION_STATES, START_MODES
from greenroomd.rpc.convert.structs import json_of
from greenroomd.rpc.convert.times import optional_datetime, optional_timedelta
from greenroomd.rpc.rpc_context import Call

MAX_REASON_LENGTH = 256
MAX_DENIAL_LENGTH = 4096
MAX_WAIT = timedelta(days=1)
ALL_WORKSPACES = "-"

_wait = lasting(timedelta(), MAX_WAIT)
_tool_input = json_object(at_most=4 * 1024 * 1024)

_ORDERS: Mapping[str, tuple[OrderBy, bool]] = {
    "": (OrderBy.CREATE_TIME, True),
    **{f"{key.value}{way}": (key, way == " desc") for key in OrderBy for way in ("", " asc", " desc")},
}


def required(field: str, value: str, problems: list[Violation]) -> str:
    """Return a value that a request must have; an empty one becomes a problem."""
    if not value:
        problems.append(Violation(field, "is required"))
    return value


def workspace_of(workspace_id: str, problems: list[Violation]) -> str | None:
    """Return the workspace that a query names, None for all (`-`); empty means the default one."""
    if workspace_id == ALL_WORKSPACES:
        return None
    problems += name_violations(workspace_id=workspace_id)
    return workspace_id or DEFAULT_WORKSPACE


def new_session(request: sessions.CreateSessionRequest, call: Call) -> NewSession:
    """Return what CreateSession asks for, with the problems found so far."""
    start_mode = START_MODES.member(request.start_mode, StartMode.AUTO, "start_mode", call.problems)
    config = partial_config_of(request.config, "config", call.problems)
    return NewSession(
        config=config,
        oauth_token=oauth_token_of(request.config),
        workspace_id=request.workspace_id or DEFAULT_WORKSPACE,
        user_id=request.user_id,
        session_id=request.session_id,
        profile_id=request.profile_id,
        display_name=request.display_name,
        labels=dict(request.labels) if request.labels else {},
        metadata=json_of(request.metadata),
        start_mode=start_mode,
        validate_only=request.validate_only,
        request=call.request,
        violations=tuple(call.problems),
    )


def session_query(
    request: sessions.ListSessionsRequest, problems: list[Violation], *, within: frozenset[str] | None
) -> SessionQuery:
    """Return the sessions that ListSessions asks for, `within` the workspaces that the caller sees, and their order."""
    wanted = request.filter
    order = _ORDERS.get(request.order_by)
    if order is None:
        names = " or ".join(key.value for key in OrderBy)
        problems.append(Violation("order_by", f"must be {names}, alone or with ` asc` or ` desc`"))
        order = _ORDERS[""]
    return SessionQuery(
        workspace_id=workspace_of(request.workspace_id, problems),
        within=within,
        states=SESSION_STATES.members(wanted.states, "filter.states", problems),
        user_id=wanted.user_id or None,
        profile_id=wanted.profile_id or None,
        labels=tuple(sorted(wanted.labels.items())),
        live_only=wanted.live_only,
        created_from=optional_datetime(wanted, "created_after", "filter", problems),
        created_to=optional_datetime(wanted, "created_before", "filter", problems),
        active_from=optional_datetime(wanted, "last_active_after", "filter", problems),
        active_to=optional_datetime(wanted, "last_active_before", "filter", problems),
        order_by=order[0],
        descending=order[1],
    )


def wait_timeout(request: sessions.WaitSessionRequest, problems: list[Violation]) -> timedelta | None:
    """Return how long WaitSession should wait, None if the request does not say."""
    timeout = optional_timedelta(request, "timeout", "", problems)
    if timeout is not None and (problem := _wait(timeout)) is not None:
        problems.append(Violation("timeout", problem))
    return timeout


def new_turn(request: turns.StartTurnRequest | turns.RunTurnRequest, call: Call) -> NewTurn:
    """Return what StartTurn or RunTurn asks for, with the problems found so far."""
    required("session_id", request.session_id, call.problems)
    if_busy = IF_BUSY.member(request.if_busy, IfBusy.REJECT, "if_busy", call.problems)
    timeout = optional_timedelta(request, "turn_timeout", "", call.problems)
    return NewTurn(
        session_id=request.session_id,
        prompt=request.prompt,
        content=blocks_of(request.content),
        if_busy=if_busy,
        timeout=timeout,
        request=call.request,
        violations=tuple(call.problems),
    )


def interrupt(request: turns.InterruptTurnRequest, call: Call) -> Interrupt:
    """Return what InterruptTurn asks for; raises InvalidRequest."""
    required("session_id", request.session_id, call.problems)
    check_reason(request.reason, call.problems)
    call.refuse_problems()
    return Interrupt(
        session_id=request.session_id,
        actor=call.principal.name,
        request=call.request,
        turn_id=request.turn_id,
        reason=request.reason,
    )


def stop_task(request: turns.StopTaskRequest, call: Call) -> StopTask:
    """Return what StopTask asks for; raises InvalidRequest."""
    required("session_id", request.session_id, call.problems)
    required("task_id", request.task_id, call.problems)
    call.refuse_problems()
    return StopTask(
        session_id=request.session_id,
        actor=call.principal.name,
        request=call.request,
        task_id=request.task_id,
    )


def decide(request: turns.DecideApprovalRequest, call: Call) -> Decide:
    """Return what DecideApproval asks for; raises InvalidRequest."""
    problems = call.problems
    required("approval_id", request.approval_id, problems)
    allow = request.decision == turns.APPROVAL_DECISION_ALLOW
    if not allow and request.decision != turns.APPROVAL_DECISION_DENY:
        problems.append(Violation("decision", "must be ALLOW or DENY"))
    changed = json_of(request.updated_input) if request.HasField("updated_input") else None
    if changed is not None:
        problem = _tool_input(changed) if allow else "may be given with ALLOW only"
        if problem is not None:
            problems.append(Violation("updated_input", problem))
    if request.message and allow:
        problems.append(Violation("message", "may be given with DENY only"))
    if len(request.message) > MAX_DENIAL_LENGTH:
        problems.append(Violation("message", f"must be at most {MAX_DENIAL_LENGTH} characters"))
    call.refuse_problems()
    return Decide(
        session_id=request.session_id,
        actor=call.principal.name,
        request=call.request,
        approval_id=request.approval_id,
        allow=allow,
        updated_input=changed,
        message=request.message,
    )


def check_reason(reason: str, problems: list[Violation]) -> None:
    """Check that a reason can be shown as a session's `state_reason`."""
    if len(reason) > MAX_REASON_LENGTH:
        problems.append(
            Violation("reason", f"must be at most {MAX_REASON_LENGTH} characters, is {len(reason)}")
        )
    elif not reason.isprintable():
        problems.append(Violation("reason", "must hold only printable characters"))
