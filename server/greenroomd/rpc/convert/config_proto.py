"""Converts a session's config: decides what an absent field means. The domain decides which values are allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from enum import Enum
from functools import partial
from typing import Any

from google.protobuf.message import Message

from greenroom.v1 import config_pb2 as pb
from greenroomd.domain.config import (
    ApiKey,
    ApprovalPolicy,
    Effort,
    HomeScope,
    Limits,
    OnIdle,
    PermissionMode,
    ProjectContext,
    RecoveryMode,
    RecoveryPolicy,
    Secret,
    SessionConfig,
)
from greenroomd.domain.errors import Violation
from greenroomd.domain.memo import IdentityMemo
from greenroomd.domain.rules.config.config_overlay import PartialConfig
from greenroomd.rpc.convert.enums import (
    APPROVAL_POLICIES,
    EFFORTS,
    HOME_SCOPES,
    ON_IDLE,
    PERMISSION_MODES,
    PROJECT_CONTEXTS,
    RECOVERY_MODES,
    EnumPair,
)
from greenroomd.rpc.convert.structs import json_of, struct
from greenroomd.rpc.convert.times import duration, maybe_duration, optional_timedelta


def partial_config_of(message: pb.SessionConfig, path: str, problems: list[Violation]) -> PartialConfig:
    """Return the options that a message sets; a value that cannot be represented becomes a problem below `path`.

    A field counts as set if it is present or, for a field without presence, not empty. The token is left out;
    `oauth_token_of` returns it. Equal messages may return the same object: clients use few configs for many sessions,
    so everything derived from one is computed once.
    """
    if message.oauth_token and message.api_key:
        problems.append(Violation(f"{path}.api_key", "must not be set beside oauth_token"))
    if message.oauth_token or message.api_key:  # a secret must not rest in a table
        return _read_partial(message, path, problems)
    key = (path, message.SerializeToString(deterministic=True))
    known = _READ.get(key)
    if known is None:
        found: list[Violation] = []
        known = _read_partial(message, path, found)
        problems += found
        if not found and len(key[1]) <= _REMEMBERED_BYTES:
            if len(_READ) >= _REMEMBERED:
                del _READ[next(iter(_READ))]
            _READ[key] = known
    return known


_READ: dict[tuple[str, bytes], PartialConfig] = {}
_REMEMBERED = 256
_REMEMBERED_BYTES = 16 * 1024


def _read_partial(message: pb.SessionConfig, path: str, problems: list[Violation]) -> PartialConfig:
    given: dict[str, Any] = {
        "working_dir": message.working_dir or None,
        "system_prompt": _present(message, "system_prompt"),
        "append_system_prompt": _present(message, "append_system_prompt"),
        "model": message.model or None,
        "fallback_models": tuple(message.fallback_models) or None,
        "permission_mode": PERMISSION_MODES.optional(
            message.permission_mode, f"{path}.permission_mode", problems
        ),
        "effort": EFFORTS.optional(message.effort, f"{path}.effort", problems),
        "project_context": tuple(
            sorted(PROJECT_CONTEXTS.members(message.project_context, f"{path}.project_context", problems))
        )
        or None,
        "home": HOME_SCOPES.optional(message.home, f"{path}.home", problems),
        "max_thinking_tokens": _present(message, "max_thinking_tokens"),
        "max_turns": _present(message, "max_turns"),
        "temperature": _present(message, "temperature"),
        "max_budget_usd": _present(message, "max_budget_usd"),
        "allowed_tools": tuple(message.allowed_tools) or None,
        "disallowed_tools": tuple(message.disallowed_tools) or None,
        "tool_timeout": optional_timedelta(message, "tool_timeout", path, problems),
        "environment": dict(message.environment) or None,
        "mcp_config": json_of(message.mcp_config) if message.HasField("mcp_config") else None,
        "settings": json_of(message.settings) if message.HasField("settings") else None,
        "mcp_connect_timeout": optional_timedelta(message, "mcp_connect_timeout", path, problems),
        "required_mcp_servers": tuple(message.required_mcp_servers) or None,
        "on_idle": ON_IDLE.optional(message.on_idle, f"{path}.on_idle", problems),
        "approval_policy": APPROVAL_POLICIES.optional(
            message.approval_policy, f"{path}.approval_policy", problems
        ),
    }
    if message.HasField("limits"):
        given |= _limits_of(message.limits, f"{path}.limits", problems)
    if message.HasField("recovery_policy"):
        given |= _recovery_of(message.recovery_policy, f"{path}.recovery_policy", problems)
    return PartialConfig({name: value for name, value in given.items() if value is not None})


def config_of(message: pb.SessionConfig, path: str, problems: list[Violation]) -> SessionConfig:
    """Return the complete config that a message describes on its own; otherwise like `partial_config_of`."""
    config = partial_config_of(message, path, problems).alone()
    return replace(config, oauth_token_set=True) if message.oauth_token or message.api_key else config


def oauth_token_of(message: pb.SessionConfig) -> Secret | None:
    """Return the OAuth token or the API key in a message, None if there is neither."""
    if message.api_key:
        return ApiKey(message.api_key)
    return Secret(message.oauth_token) if message.oauth_token else None


def config_message(config: SessionConfig, *, full: bool) -> pb.SessionConfig:
    """Return a config as a message, always without its token.

    Unless `full`, prompts, environment, MCP servers and settings are left out.
    """
    message = pb.SessionConfig(
        working_dir=config.working_dir,
        model=config.model or "",
        fallback_models=config.fallback_models,
        project_context=[PROJECT_CONTEXTS.number[part] for part in config.project_context],
        home=HOME_SCOPES.number[config.home],
        max_thinking_tokens=config.max_thinking_tokens,
        max_turns=config.max_turns,
        temperature=config.temperature,
        max_budget_usd=config.max_budget_usd,
        allowed_tools=config.allowed_tools,
        disallowed_tools=config.disallowed_tools,
        tool_timeout=maybe_duration(config.tool_timeout),
        mcp_connect_timeout=maybe_duration(config.mcp_connect_timeout),
        required_mcp_servers=config.required_mcp_servers,
        oauth_token_set=config.oauth_token_set,
        limits=_limits_message(config.limits),
        recovery_policy=_recovery_message(config.recovery),
        on_idle=ON_IDLE.number[config.on_idle],
        approval_policy=APPROVAL_POLICIES.number[config.approval_policy],
    )
    if config.permission_mode is not None:
        message.permission_mode = PERMISSION_MODES.number[config.permission_mode]
    if config.effort is not None:
        message.effort = EFFORTS.number[config.effort]
    if full:
        if config.system_prompt is not None:
            message.system_prompt = config.system_prompt
        if config.append_system_prompt is not None:
            message.append_system_prompt = config.append_system_prompt
        message.environment.update(config.environment)
        if config.mcp_config is not None:
            message.mcp_config.CopyFrom(struct(config.mcp_config))
        if config.settings is not None:
            message.settings.CopyFrom(struct(config.settings))
    return message


_full_message = IdentityMemo(partial(config_message, full=True))
_basic_message = IdentityMemo(partial(config_message, full=False))


def shared_config_message(config: SessionConfig, *, full: bool) -> pb.SessionConfig:
    """Like `config_message`, but the result is cached and shared: copy it into another message, never change it."""
    return _full_message(config) if full else _basic_message(config)


def partial_config_message(config: PartialConfig, *, oauth_token_set: bool) -> pb.SessionConfig:
    """Return a message that sets exactly what a partial config sets; `partial_config_of` is the inverse."""
    message = pb.SessionConfig(oauth_token_set=oauth_token_set)
    for name, value in config.options.items():
        group, _, option = name.rpartition(".")
        group, option = _FIELDS.get(group, group), _FIELDS.get(name, option)
        _set(getattr(message, group) if group else message, option, value)
    return message


# Groups and options whose field in the contract has another name.
_FIELDS: Mapping[str, str] = {
    "recovery": "recovery_policy",
    "limits.cpu_cores": "cpu",
    "recovery.window": "restart_window",
    "recovery.first_backoff": "initial_backoff",
}
_ENUMERATIONS: Mapping[type, EnumPair[Any, Any]] = {
    PermissionMode: PERMISSION_MODES,
    Effort: EFFORTS,
    HomeScope: HOME_SCOPES,
    OnIdle: ON_IDLE,
    ApprovalPolicy: APPROVAL_POLICIES,
    RecoveryMode: RECOVERY_MODES,
}


def _set(message: Message, field: str, value: Any) -> None:
    target = getattr(message, field)
    match value:
        case Enum():
            setattr(message, field, _ENUMERATIONS[type(value)].number[value])
        case timedelta():
            target.CopyFrom(duration(value))
        case tuple():
            target.extend(PROJECT_CONTEXTS.number[v] if isinstance(v, ProjectContext) else v for v in value)
        case Mapping() if field == "environment":
            target.update(value)
        case Mapping():
            target.CopyFrom(struct(value))
        case _:
            setattr(message, field, value)


def _present(message: Message, name: str) -> Any:
    return getattr(message, name) if message.HasField(name) else None


def _limits_of(message: pb.SessionLimits, path: str, problems: list[Violation]) -> dict[str, Any]:
    return {
        "limits.memory_bytes": _present(message, "memory_bytes"),
        "limits.cpu_cores": _present(message, "cpu"),
        "limits.max_duration": optional_timedelta(message, "max_duration", path, problems),
        "limits.idle_timeout": optional_timedelta(message, "idle_timeout", path, problems),
        "limits.turn_timeout": optional_timedelta(message, "turn_timeout", path, problems),
        "limits.output_bytes": _present(message, "output_bytes"),
        "limits.background_grace": optional_timedelta(message, "background_grace", path, problems),
    }


_NO_LIMITS = Limits()


def _limits_message(limits: Limits) -> pb.SessionLimits | None:
    if limits == _NO_LIMITS:
        return None
    return pb.SessionLimits(
        memory_bytes=limits.memory_bytes,
        cpu=limits.cpu_cores,
        max_duration=maybe_duration(limits.max_duration),
        idle_timeout=maybe_duration(limits.idle_timeout),
        turn_timeout=maybe_duration(limits.turn_timeout),
        output_bytes=limits.output_bytes,
        background_grace=maybe_duration(limits.background_grace),
    )


def _recovery_of(message: pb.RecoveryPolicy, path: str, problems: list[Violation]) -> dict[str, Any]:
    return {
        "recovery.mode": RECOVERY_MODES.optional(message.mode, f"{path}.mode", problems),
        "recovery.max_restarts": _present(message, "max_restarts"),
        "recovery.window": optional_timedelta(message, "restart_window", path, problems),
        "recovery.first_backoff": optional_timedelta(message, "initial_backoff", path, problems),
        "recovery.max_backoff": optional_timedelta(message, "max_backoff", path, problems),
    }


def _recovery_message(recovery: RecoveryPolicy) -> pb.RecoveryPolicy:
    return pb.RecoveryPolicy(
        mode=RECOVERY_MODES.number[recovery.mode],
        max_restarts=recovery.max_restarts,
        restart_window=duration(recovery.window),
        initial_backoff=duration(recovery.first_backoff),
        max_backoff=duration(recovery.max_backoff),
    )
