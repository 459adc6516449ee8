"""A configuration that sets every option there is, each to something else than its default."""

from datetime import timedelta

from greenroomd.domain.config import (
    ApprovalPolicy,
    Effort,
    HomeScope,
    OnIdle,
    PermissionMode,
    ProjectContext,
    RecoveryMode,
)
from greenroomd.domain.rules.config.config_overlay import PartialConfig

FULL = PartialConfig(
    {
        "working_dir": "/srv",
        "system_prompt": "be brief",
        "append_system_prompt": "and kind",
        "model": "opus",
        "permission_mode": PermissionMode.PLAN,
        "effort": Effort.XHIGH,
        "max_thinking_tokens": 0,
        "project_context": (ProjectContext.AGENTS, ProjectContext.MEMORY),
        "home": HomeScope.WORKSPACE,
        "max_turns": 7,
        "temperature": 0.25,
        "max_budget_usd": 1.5,
        "fallback_models": ("sonnet", "haiku"),
        "allowed_tools": ("Read", "Bash(git *)"),
        "disallowed_tools": ("WebFetch",),
        "tool_timeout": timedelta(seconds=90),
        "environment": {"TZ": "UTC"},
        "mcp_config": {"mcpServers": {"calc": None}},
        "mcp_connect_timeout": timedelta(seconds=4),
        "required_mcp_servers": ("calc",),
        "settings": {"model": None},
        "limits.memory_bytes": 2**30,
        "limits.cpu_cores": 1.5,
        "limits.max_duration": timedelta(hours=1),
        "limits.idle_timeout": timedelta(minutes=2),
        "limits.turn_timeout": timedelta(minutes=3),
        "limits.output_bytes": 10_000,
        "limits.background_grace": timedelta(minutes=4),
        "recovery.mode": RecoveryMode.ON_CRASH,
        "recovery.max_restarts": 9,
        "recovery.window": timedelta(seconds=61),
        "recovery.first_backoff": timedelta(milliseconds=1500),
        "recovery.max_backoff": timedelta(seconds=62),
        "on_idle": OnIdle.CLOSE,
        "approval_policy": ApprovalPolicy.DENY,
    }
)
