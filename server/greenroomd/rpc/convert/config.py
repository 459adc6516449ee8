"""A session's config. What an absent field means is decided here; whether a value is allowed is the domain's matter."""

from __future__ import annotations

from datetime import timedelta

from greenroom.v1 import config_pb2 as pb
from greenroomd.domain.config import (
    ApprovalPolicy,
    Limits,
    OnIdle,
    RecoveryMode,
    RecoveryPolicy,
    Secret,
    SessionConfig,
)
from greenroomd.domain.errors import Violation
from greenroomd.rpc.convert.enums import APPROVAL_POLICIES, ON_IDLE, PERMISSION_MODES, RECOVERY_MODES
from greenroomd.rpc.convert.structs import json_of, struct
from greenroomd.rpc.convert.times import duration, maybe_duration, optional_timedelta


def config_of(message: pb.SessionConfig, path: str, problems: list[Violation]) -> SessionConfig:
    """Return the config of a message; what cannot be represented is a problem below `path`.

    The token stays behind: `oauth_token_of` hands it out.
    """
    has = message.HasField
    return SessionConfig(
        working_dir=message.working_dir,
        system_prompt=message.system_prompt if has("system_prompt") else None,
        append_system_prompt=message.append_system_prompt if has("append_system_prompt") else None,
        model=message.model or None,
        permission_mode=PERMISSION_MODES.optional(
            message.permission_mode, f"{path}.permission_mode", problems
        ),
        max_turns=message.max_turns if has("max_turns") else None,
        temperature=message.temperature if has("temperature") else None,
        max_budget_usd=message.max_budget_usd if has("max_budget_usd") else None,
        allowed_tools=tuple(message.allowed_tools),
        disallowed_tools=tuple(message.disallowed_tools),
        tool_timeout=optional_timedelta(message, "tool_timeout", path, problems),
        environment=dict(message.environment),
        oauth_token_set=bool(message.oauth_token),
        mcp_config=json_of(message.mcp_config) if has("mcp_config") else None,
        settings=json_of(message.settings) if has("settings") else None,
        limits=_limits_of(message.limits, f"{path}.limits", problems),
        recovery=_recovery_of(message.recovery_policy, f"{path}.recovery_policy", problems),
        on_idle=ON_IDLE.member(message.on_idle, OnIdle.SUSPEND, f"{path}.on_idle", problems),
        approval_policy=APPROVAL_POLICIES.member(
            message.approval_policy, ApprovalPolicy.ASK, f"{path}.approval_policy", problems
        ),
    )


def oauth_token_of(message: pb.SessionConfig) -> Secret | None:
    """Return the token that a message brings."""
    return Secret(message.oauth_token) if message.oauth_token else None


def config_message(config: SessionConfig, *, full: bool) -> pb.SessionConfig:
    """Return a config as a message, never with its token.

    Unless `full`, prompts, environment, MCP servers and settings are left out.
    """
    message = pb.SessionConfig(
        working_dir=config.working_dir,
        model=config.model or "",
        max_turns=config.max_turns,
        temperature=config.temperature,
        max_budget_usd=config.max_budget_usd,
        allowed_tools=config.allowed_tools,
        disallowed_tools=config.disallowed_tools,
        tool_timeout=maybe_duration(config.tool_timeout),
        oauth_token_set=config.oauth_token_set,
        limits=_limits_message(config.limits),
        recovery_policy=_recovery_message(config.recovery),
        on_idle=ON_IDLE.number[config.on_idle],
        approval_policy=APPROVAL_POLICIES.number[config.approval_policy],
    )
    if config.permission_mode is not None:
        message.permission_mode = PERMISSION_MODES.number[config.permission_mode]
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


def _limits_of(message: pb.SessionLimits, path: str, problems: list[Violation]) -> Limits:
    has = message.HasField
    return Limits(
        memory_bytes=message.memory_bytes if has("memory_bytes") else None,
        cpu_cores=message.cpu if has("cpu") else None,
        max_duration=optional_timedelta(message, "max_duration", path, problems),
        idle_timeout=optional_timedelta(message, "idle_timeout", path, problems),
        turn_timeout=optional_timedelta(message, "turn_timeout", path, problems),
        output_bytes=message.output_bytes if has("output_bytes") else None,
    )


_NO_LIMITS = Limits()
_DEFAULT_RECOVERY = RecoveryPolicy()


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
    )


def _recovery_of(message: pb.RecoveryPolicy, path: str, problems: list[Violation]) -> RecoveryPolicy:
    default = _DEFAULT_RECOVERY

    def span(name: str, otherwise: timedelta) -> timedelta:
        found = optional_timedelta(message, name, path, problems)
        return otherwise if found is None else found

    return RecoveryPolicy(
        mode=RECOVERY_MODES.member(message.mode, RecoveryMode.NEVER, f"{path}.mode", problems),
        max_restarts=message.max_restarts if message.HasField("max_restarts") else default.max_restarts,
        window=span("restart_window", default.window),
        first_backoff=span("initial_backoff", default.first_backoff),
        max_backoff=span("max_backoff", default.max_backoff),
    )


def _recovery_message(recovery: RecoveryPolicy) -> pb.RecoveryPolicy:
    return pb.RecoveryPolicy(
        mode=RECOVERY_MODES.number[recovery.mode],
        max_restarts=recovery.max_restarts,
        restart_window=duration(recovery.window),
        initial_backoff=duration(recovery.first_backoff),
        max_backoff=duration(recovery.max_backoff),
    )
