"""Converts structured parts of records to JSON text and back, durations and times as integers of microseconds.

A field that a later version adds must be read with a default: old rows do not have it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from greenroomd.domain.config import (
    ApprovalPolicy,
    Effort,
    HomeScope,
    Limits,
    OnIdle,
    PermissionMode,
    ProjectContext,
    RecoveryMode,
    RecoveryPolicy,
    SessionConfig,
)
from greenroomd.domain.costs.usage import Usage
from greenroomd.domain.enforcement import Enforcement, OptionReport
from greenroomd.domain.in_force import InForce
from greenroomd.domain.plan_limit import LimitState, PlanLimit
from greenroomd.domain.session import LastExit, ProcessFacts, Recovery
from greenroomd.domain.turn import Problem

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Document = dict[str, Any]


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


# Built once: json.dumps builds an encoder for every call with non-default options.
text = json.JSONEncoder(separators=(",", ":"), default=_plain).encode
"""Return a value as JSON in ASCII."""

value_of = json.JSONDecoder().decode
"""Return the value of a JSON text."""


def span(value: timedelta | None) -> int | None:
    """Return a duration in microseconds."""
    return None if value is None else value // _MICROSECOND


def span_of(value: int | None) -> timedelta | None:
    """Return the duration of `value` microseconds."""
    return None if value is None else timedelta(microseconds=value)


def time(value: datetime) -> int:
    """Return microseconds since the epoch; the time must have a time zone."""
    return (value - _EPOCH) // _MICROSECOND


def time_of(value: int) -> datetime:
    """Return the time in UTC of microseconds since the epoch."""
    return _EPOCH + timedelta(microseconds=value)


def maybe_time(value: datetime | None) -> int | None:
    """Like `time`, but returns None for None."""
    return None if value is None else time(value)


def maybe_time_of(value: int | None) -> datetime | None:
    """Like `time_of`, but returns None for None."""
    return None if value is None else time_of(value)


def config_text(config: SessionConfig) -> str:
    """Return a config as JSON with every option, so that a later default does not change its meaning."""
    document: Document = {field.name: getattr(config, field.name) for field in fields(config)}
    limits, recovery = config.limits, config.recovery
    document["tool_timeout"] = span(config.tool_timeout)
    document["mcp_connect_timeout"] = span(config.mcp_connect_timeout)
    document["limits"] = {
        "memory_bytes": limits.memory_bytes,
        "cpu_cores": limits.cpu_cores,
        "max_duration": span(limits.max_duration),
        "idle_timeout": span(limits.idle_timeout),
        "turn_timeout": span(limits.turn_timeout),
        "output_bytes": limits.output_bytes,
        "background_grace": span(limits.background_grace),
    }
    document["recovery"] = {
        "mode": recovery.mode,
        "max_restarts": recovery.max_restarts,
        "window": span(recovery.window),
        "first_backoff": span(recovery.first_backoff),
        "max_backoff": span(recovery.max_backoff),
    }
    return text(document)


def config_of(written: str) -> SessionConfig:
    """Return the config of a JSON text; equal texts may return the same object.

    Many sessions share few configs, and everything derived from one, such as its message, is cached by its identity.
    """
    return _shared_config_of(written) if len(written) <= _SHARED_CHARACTERS else _read_config(written)


def _read_config(written: str) -> SessionConfig:
    document: Document = value_of(written)
    limits: Document = document["limits"]
    recovery: Document = document["recovery"]
    mode, effort = document["permission_mode"], document.get("effort")
    document.update(
        permission_mode=None if mode is None else PermissionMode(mode),
        effort=None if effort is None else Effort(effort),
        fallback_models=tuple(document.get("fallback_models", ())),
        project_context=tuple(ProjectContext(part) for part in document.get("project_context", ())),
        home=HomeScope(document.get("home", HomeScope.SESSION)),
        allowed_tools=tuple(document["allowed_tools"]),
        disallowed_tools=tuple(document["disallowed_tools"]),
        tool_timeout=span_of(document["tool_timeout"]),
        mcp_connect_timeout=span_of(document.get("mcp_connect_timeout")),
        required_mcp_servers=tuple(document.get("required_mcp_servers", ())),
        limits=Limits(
            memory_bytes=limits["memory_bytes"],
            cpu_cores=limits["cpu_cores"],
            max_duration=span_of(limits["max_duration"]),
            idle_timeout=span_of(limits["idle_timeout"]),
            turn_timeout=span_of(limits["turn_timeout"]),
            output_bytes=limits["output_bytes"],
            background_grace=span_of(limits.get("background_grace")),  # rows of earlier versions lack it
        ),
        recovery=RecoveryPolicy(
            mode=RecoveryMode(recovery["mode"]),
            max_restarts=recovery["max_restarts"],
            window=timedelta(microseconds=recovery["window"]),
            first_backoff=timedelta(microseconds=recovery["first_backoff"]),
            max_backoff=timedelta(microseconds=recovery["max_backoff"]),
        ),
        on_idle=OnIdle(document["on_idle"]),
        approval_policy=ApprovalPolicy(document["approval_policy"]),
    )
    return SessionConfig(**document)


_SHARED_CHARACTERS = 16 * 1024
_shared_config_of = lru_cache(maxsize=256)(_read_config)


def usage_document(usage: Usage) -> list[float]:
    """Return usage as a list, in the order in which `usage_of` reads it."""
    return [
        usage.turns,
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_creation_tokens,
        usage.cache_read_tokens,
        usage.cost_usd,
        usage.requests,
        usage.estimated_cost_usd,
        usage.incomplete,
    ]


_ABSENT = (0, 0.0, False)


def usage_of(document: list[Any]) -> Usage:
    """Return the usage of its list; rows of earlier versions lack the last three values, or the last."""
    whole = [*document, *_ABSENT[len(document) - 6 :]]
    turns, given, returned, created, read, cost, requests, estimated, incomplete = whole
    return Usage(
        turns=turns,
        requests=requests,
        input_tokens=given,
        output_tokens=returned,
        cache_creation_tokens=created,
        cache_read_tokens=read,
        cost_usd=cost,
        estimated_cost_usd=estimated,
        incomplete=incomplete,
    )


def problem_document(problem: Problem | None) -> Document | None:
    """Return the document of a problem, None for None."""
    if problem is None:
        return None
    return {
        "reason": problem.reason,
        "message": problem.message,
        "exit_code": problem.exit_code,
        "signal": problem.signal,
        "stderr_tail": problem.stderr_tail,
        "facts": problem.facts,
        "retry_after": span(problem.retry_after),
    }


def problem_of(document: Document | None) -> Problem | None:
    """Return the problem of a document, None for None."""
    if document is None:
        return None
    return Problem(**{**document, "retry_after": span_of(document.get("retry_after"))})


def plan_limits_document(limits: Sequence[PlanLimit]) -> list[list[Any]]:
    """Return the limits of a subscription, each as a list of its fields."""
    return [[each.name, each.state, each.used, maybe_time(each.reset_time)] for each in limits]


def plan_limits_of(document: Sequence[Sequence[Any]]) -> tuple[PlanLimit, ...]:
    """Return the limits of their document."""
    return tuple(
        PlanLimit(name=name, state=LimitState(state), used=used, reset_time=maybe_time_of(reset))
        for name, state, used, reset in document
    )


def report_document(report: Sequence[OptionReport]) -> list[list[str]]:
    """Return how options are enforced, each option as a list of its fields."""
    return [[each.option, each.enforcement.value, each.reason] for each in report]


def report_of(document: Sequence[Sequence[str]]) -> tuple[OptionReport, ...]:
    """Return the report of its document."""
    return tuple(OptionReport(option, Enforcement(how), reason) for option, how, reason in document)


def recovery_document(recovery: Recovery) -> Document:
    """Return the progress of a recovery."""
    return {
        "attempt": recovery.attempt,
        "max_attempts": recovery.max_attempts,
        "next_attempt_time": maybe_time(recovery.next_attempt_time),
        "recoverable": recovery.recoverable,
        "restarts": [time(each) for each in recovery.restarts],
    }


def recovery_of(document: Document) -> Recovery:
    """Return the recovery of its document."""
    document["next_attempt_time"] = maybe_time_of(document["next_attempt_time"])
    document["restarts"] = tuple(time_of(each) for each in document.get("restarts", ()))
    return Recovery(**document)


def process_document(process: ProcessFacts) -> Document:
    """Return the facts of a process."""
    last = process.last_exit
    return {
        "node_id": process.node_id,
        "pid": process.pid,
        "kernel_start": process.kernel_start,
        "boot_id": process.boot_id,
        "start_time": maybe_time(process.start_time),
        "cli_version": process.cli_version,
        "from_warm_pool": process.from_warm_pool,
        "restart_count": process.restart_count,
        "capabilities_etag": process.capabilities_etag,
        "last_exit": last and [last.code, last.signal, time(last.time), last.memory_limit_hit],
    }


def process_of(document: Document) -> ProcessFacts:
    """Return the facts of a process from their document."""
    document["start_time"] = maybe_time_of(document["start_time"])
    if last := document["last_exit"]:
        code, signal, at, memory = last
        document["last_exit"] = LastExit(code=code, signal=signal, time=time_of(at), memory_limit_hit=memory)
    return ProcessFacts(**document)


def in_force_document(in_force: InForce) -> list[Any]:
    """Return what is in force as a list: model, mode, the CLI's own choices, and when callers last set them."""
    return [
        in_force.model,
        in_force.permission_mode,
        in_force.own_model,
        in_force.own_mode,
        in_force.model_generation,
        in_force.mode_generation,
    ]


def in_force_of(document: list[Any]) -> InForce:
    """Return what is in force of its list."""
    model, mode, own_model, own_mode, model_generation, mode_generation = document
    return InForce(
        model=model,
        permission_mode=None if mode is None else PermissionMode(mode),
        own_model=own_model,
        own_mode=None if own_mode is None else PermissionMode(own_mode),
        model_generation=model_generation,
        mode_generation=mode_generation,
    )
