"""Converts profiles to rows and back. Rows are tuples in the order of the table's columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from greenroomd.domain.config import (
    ApprovalPolicy,
    Effort,
    HomeScope,
    OnIdle,
    PermissionMode,
    ProjectContext,
    RecoveryMode,
)
from greenroomd.domain.profile import Profile, ProfileParts
from greenroomd.domain.rules.config.config_overlay import PartialConfig
from greenroomd.store.schema.documents import (
    plan_limits_document,
    plan_limits_of,
    span,
    span_of,
    text,
    time,
    time_of,
    value_of,
)
from greenroomd.store.schema.rows import Row

Sealed = tuple[str | None, bytes | None]

# How to convert an option's value back from JSON; those not named stay as they are.
_VALUES: Mapping[str, Callable[[Any], Any]] = {
    "permission_mode": PermissionMode,
    "effort": Effort,
    "home": HomeScope,
    "project_context": lambda parts: tuple(ProjectContext(part) for part in parts),
    "fallback_models": tuple,
    "allowed_tools": tuple,
    "disallowed_tools": tuple,
    "tool_timeout": span_of,
    "mcp_connect_timeout": span_of,
    "required_mcp_servers": tuple,
    "limits.max_duration": span_of,
    "limits.idle_timeout": span_of,
    "limits.turn_timeout": span_of,
    "limits.background_grace": span_of,
    "recovery.mode": RecoveryMode,
    "recovery.window": span_of,
    "recovery.first_backoff": span_of,
    "recovery.max_backoff": span_of,
    "on_idle": OnIdle,
    "approval_policy": ApprovalPolicy,
}


def partial_config_text(config: PartialConfig) -> str:
    """Return the options that a partial config sets, as JSON."""
    return text(
        {
            name: span(value) if isinstance(value, timedelta) else value
            for name, value in config.options.items()
        }
    )


def partial_config_of(written: str) -> PartialConfig:
    """Return the partial config of a JSON text."""
    document: dict[str, Any] = value_of(written)
    return PartialConfig(
        {name: _VALUES[name](value) if name in _VALUES else value for name, value in document.items()}
    )


def profile_row(profile: Profile, sealed: Sealed) -> Row:
    """Return the row of `profiles`; `sealed` is the id of the token's key, and the token under it."""
    parts = profile.parts
    return (
        profile.workspace_id,
        profile.profile_id,
        parts.display_name,
        parts.description,
        text(parts.labels),
        partial_config_text(parts.config),
        *sealed,
        parts.warm_processes,
        parts.max_sessions,
        time(profile.create_time),
        time(profile.update_time),
        profile.version,
        text(plan_limits_document(profile.plan_limits)),
    )


def profile_of(row: Row) -> Profile:
    """Return the profile of a row of `profiles`."""
    (
        workspace_id,
        profile_id,
        display_name,
        description,
        labels,
        config,
        key_id,
        _sealed,
        warm_processes,
        max_sessions,
        create_time,
        update_time,
        version,
        plan_limits,
    ) = row
    return Profile(
        workspace_id=workspace_id,
        profile_id=profile_id,
        parts=ProfileParts(
            display_name=display_name,
            description=description,
            labels=value_of(labels),
            config=partial_config_of(config),
            warm_processes=warm_processes,
            max_sessions=max_sessions,
        ),
        oauth_token_set=key_id is not None,
        plan_limits=plan_limits_of(value_of(plan_limits)),
        create_time=time_of(create_time),
        update_time=time_of(update_time),
        version=version,
    )


def sealed_of(row: Row) -> Sealed:
    """Return the sealed token of a row of `profiles`."""
    return row[6], row[7]
