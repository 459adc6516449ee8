"""Rules of the parts of a session that a caller can set or change. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from greenroomd.domain.config import PermissionMode, SessionConfig
from greenroomd.domain.errors import Violation
from greenroomd.domain.memo import IdentityMemo
from greenroomd.domain.rules.checks import spelled
from greenroomd.domain.rules.config.config_rules import violations
from greenroomd.domain.rules.field_masks import Parts
from greenroomd.domain.rules.naming_rules import label_violations, metadata_violations, name_violations

_without_token = IdentityMemo(violations)  # many sessions share few configs


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorBounds:
    """What the operator allows sessions to ask for."""

    may_bypass: bool
    """Whether they may use the permission mode BYPASS_PERMISSIONS."""
    may_use_project: bool = False
    """Whether they may ask for the context of the project in their working directory."""
    mcp_connect_timeout: timedelta = timedelta(minutes=5)
    """The longest time that their MCP servers may take to connect."""
    background_grace: timedelta = timedelta(days=1)
    """The longest time for which work in the background may keep a process."""


def part_violations(
    parts: Parts, *, bounds: OperatorBounds, before: SessionConfig | None = None
) -> list[Violation]:
    """Return every rule that the parts break; `before` is the config that they replace.

    What `bounds` do not allow is refused, except for a session that already has it.
    """
    config = parts.config
    found = [
        *name_violations(display_name=parts.display_name),
        *(
            violations(config, oauth_token=parts.oauth_token)
            if config.oauth_token_set
            else _without_token(config)
        ),
        *label_violations(parts.labels),
        *metadata_violations(parts.metadata),
    ]
    wait = config.mcp_connect_timeout
    if (
        wait is not None
        and wait > bounds.mcp_connect_timeout
        and not (before and before.mcp_connect_timeout == wait)
    ):
        text = (
            f"must be at most {spelled(bounds.mcp_connect_timeout)}, is {spelled(wait)} "
            "(GREENROOM_MAX_MCP_CONNECT_TIMEOUT)"
        )
        found.append(Violation("config.mcp_connect_timeout", text))
    if not bounds.may_bypass and _bypasses(parts.config) and not (before and _bypasses(before)):
        text = "BYPASS_PERMISSIONS is not allowed by this server (GREENROOM_ALLOW_BYPASS_PERMISSIONS)"
        found.append(Violation("config.permission_mode", text))
    parts_of_project = set(config.project_context) - set(before.project_context if before else ())
    if parts_of_project and not bounds.may_use_project:
        text = "is not allowed by this server (GREENROOM_ALLOW_PROJECT_CONTEXT)"
        found.append(Violation("config.project_context", text))
    grace = config.limits.background_grace
    if (
        grace is not None
        and grace > bounds.background_grace
        and not (before and before.limits.background_grace == grace)
    ):
        text = (
            f"must be at most {spelled(bounds.background_grace)}, is {spelled(grace)} "
            "(GREENROOM_MAX_BACKGROUND_GRACE)"
        )
        found.append(Violation("config.limits.background_grace", text))
    return found


def _bypasses(config: SessionConfig) -> bool:
    return config.permission_mode is PermissionMode.BYPASS_PERMISSIONS
