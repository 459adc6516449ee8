"""Converts requests that change, delete or fork a session to arguments of the use cases."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from greenroom.v1 import session_service_pb2 as pb
from greenroomd.app.commands import Change, Close, Delete, Fork, Restart, Start, Suspend, Update
from greenroomd.domain.errors import Violation
from greenroomd.domain.lifecycle.reconfiguration import Apply
from greenroomd.domain.rules.checks import lasting
from greenroomd.domain.rules.field_masks import Parts
from greenroomd.domain.rules.naming_rules import name_violations
from greenroomd.domain.session import StartMode
from greenroomd.rpc.convert.config_proto import config_of, oauth_token_of, partial_config_of
from greenroomd.rpc.convert.enums import CONFIG_APPLY, START_MODES
from greenroomd.rpc.convert.requests import check_reason, required
from greenroomd.rpc.convert.structs import json_of
from greenroomd.rpc.convert.times import optional_timedelta
from greenroomd.rpc.rpc_context import Call

MAX_GRACE = timedelta(minutes=10)

_grace = lasting(timedelta(), MAX_GRACE)

ChangeRequest = (
    pb.StartSessionRequest
    | pb.ResumeSessionRequest
    | pb.SuspendSessionRequest
    | pb.RestartSessionRequest
    | pb.CloseSessionRequest
    | pb.DeleteSessionRequest
    | pb.ReconnectMcpServerRequest
)

Ending = TypeVar("Ending", Suspend, Restart)


def update(request: pb.UpdateSessionRequest, call: Call) -> Update:
    """Return what UpdateSession asks for, with the problems found so far; raises InvalidRequest without a session."""
    given, problems = request.session, call.problems
    if not required("session.session_id", given.session_id, problems):
        call.refuse_problems()
    config = config_of(given.config, "session.config", problems)
    apply = CONFIG_APPLY.member(request.apply, Apply.WHEN_IDLE, "apply", problems)
    return Update(
        session_id=given.session_id,
        etag=given.etag,
        actor=call.principal.name,
        request=call.request,
        given=Parts(
            display_name=given.display_name,
            labels=dict(given.labels),
            metadata=json_of(given.metadata),
            config=config,
            oauth_token=oauth_token_of(given.config),
        ),
        paths=tuple(request.update_mask.paths),
        apply=apply,
        violations=tuple(problems),
    )


def start(request: pb.StartSessionRequest | pb.ResumeSessionRequest, call: Call) -> Start:
    """Return what StartSession or ResumeSession asks for; raises InvalidRequest."""
    session_id = _changed(request, call)
    return Start(session_id=session_id, etag=request.etag, actor=call.principal.name, request=call.request)


def ending(
    order: type[Ending], request: pb.SuspendSessionRequest | pb.RestartSessionRequest, call: Call
) -> Ending:
    """Return what SuspendSession or RestartSession asks for, as `order`; raises InvalidRequest."""
    check_reason(request.reason, call.problems)
    session_id = _changed(request, call)
    return order(
        session_id=session_id,
        etag=request.etag,
        actor=call.principal.name,
        request=call.request,
        force=request.force,
        reason=request.reason,
    )


def close(request: pb.CloseSessionRequest, call: Call) -> Close:
    """Return what CloseSession asks for; raises InvalidRequest."""
    check_reason(request.reason, call.problems)
    grace = optional_timedelta(request, "grace_period", "", call.problems) or timedelta()
    if (problem := _grace(grace)) is not None:
        call.problems.append(Violation("grace_period", problem))
    session_id = _changed(request, call)
    return Close(
        session_id=session_id,
        etag=request.etag,
        actor=call.principal.name,
        request=call.request,
        grace=grace,
        force=request.force,
        reason=request.reason,
    )


def delete(request: pb.DeleteSessionRequest, call: Call) -> Delete:
    """Return what DeleteSession asks for; raises InvalidRequest."""
    session_id = _changed(request, call)
    return Delete(
        session_id=session_id,
        etag=request.etag,
        actor=call.principal.name,
        request=call.request,
        force=request.force,
    )


def reconnect(request: pb.ReconnectMcpServerRequest, call: Call) -> Change:
    """Return the change that ReconnectMcpServer asks for; raises InvalidRequest."""
    required("name", request.name, call.problems)
    session_id = _changed(request, call)
    return Change(session_id=session_id, actor=call.principal.name, request=call.request)


def fork(request: pb.ForkSessionRequest, call: Call) -> Fork:
    """Return what ForkSession asks for, with the problems found so far; raises InvalidRequest without a session."""
    problems = call.problems
    if not required("session_id", request.session_id, problems):
        call.refuse_problems()
    named = name_violations(session_id=request.new_session_id)
    problems += [Violation("new_session_id", each.description) for each in named]
    start_mode = START_MODES.member(request.start_mode, StartMode.AUTO, "start_mode", problems)
    config = partial_config_of(request.config, "config", problems)
    return Fork(
        session_id=request.session_id,
        config=config,
        oauth_token=oauth_token_of(request.config),
        new_session_id="" if named else request.new_session_id,
        display_name=request.display_name,
        labels=dict(request.labels),
        metadata=json_of(request.metadata),
        start_mode=start_mode,
        request=call.request,
        violations=tuple(problems),
    )


def _changed(request: ChangeRequest, call: Call) -> str:
    """Return the id of the session to change; raises InvalidRequest if there is any problem."""
    required("session_id", request.session_id, call.problems)
    call.refuse_problems()
    return request.session_id
