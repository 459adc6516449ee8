"""Rules of the parts of a session that a caller can set or change. Pure."""

from __future__ import annotations

from greenroomd.domain.config import PermissionMode, SessionConfig
from greenroomd.domain.errors import Violation
from greenroomd.domain.memo import IdentityMemo
from greenroomd.domain.rules.config.config_rules import violations
from greenroomd.domain.rules.field_masks import Parts
from greenroomd.domain.rules.naming_rules import label_violations, metadata_violations, name_violations

_without_token = IdentityMemo(violations)  # many sessions share few configs


def part_violations(
    parts: Parts, *, may_bypass: bool, before: SessionConfig | None = None
) -> list[Violation]:
    """Return every rule that the parts break; `before` is the config that they replace.

    Without `may_bypass`, BYPASS_PERMISSIONS is refused, except for a session that already has it.
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
    if not may_bypass and _bypasses(parts.config) and not (before and _bypasses(before)):
        text = "BYPASS_PERMISSIONS is not allowed by this server (GREENROOM_ALLOW_BYPASS_PERMISSIONS)"
        found.append(Violation("config.permission_mode", text))
    return found


def _bypasses(config: SessionConfig) -> bool:
    return config.permission_mode is PermissionMode.BYPASS_PERMISSIONS
