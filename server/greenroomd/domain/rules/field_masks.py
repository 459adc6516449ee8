"""Applies an update mask to the parts of a session. Pure.

A path is a field (`display_name`, `labels`, `metadata`, `config`), a key of a map (`labels.team`, `metadata.ticket`),
an option of the configuration (`config.model`, `config.limits.cpu`) or a key of its environment
(`config.environment.COLOUR`). The part that a path names is set to the given value, or unset if none is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any, TypeVar

from greenroomd.domain.config import JsonObject, Secret, SessionConfig
from greenroomd.domain.errors import InvalidUpdateMask, Violation
from greenroomd.domain.rules.checks import shown
from greenroomd.domain.rules.config.config_rules import OPTIONS
from greenroomd.domain.session import Session

T = TypeVar("T")

CREDENTIALS = frozenset({"config.oauth_token", "config.api_key"})
"""Paths of a session's one credential; without a value, either removes it, whichever it is."""
MAX_PATHS = 512
"""More than there are options or entries in a map. Metadata with more keys must be changed as a whole."""

# Paths below `config` and their attributes; those with a rule of their own come from OPTIONS.
ATTRIBUTES: Mapping[str, str] = {
    **{path: attribute for path, attribute, _ in OPTIONS},
    **{
        name: name
        for name in (
            "permission_mode",
            "home",
            "project_context",
            "effort",
            "fallback_models",
            "allowed_tools",
            "disallowed_tools",
            "environment",
            "mcp_config",
            "required_mcp_servers",
            "settings",
            "on_idle",
            "approval_policy",
        )
    },
    "limits": "limits",
    "recovery_policy": "recovery",
    "recovery_policy.mode": "recovery.mode",
}
_DEFAULTS = SessionConfig(working_dir="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of a session that a caller can change."""

    display_name: str = ""
    """The name for people."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """All labels."""
    metadata: JsonObject = field(default_factory=dict)
    """All metadata."""
    config: SessionConfig = _DEFAULTS
    """The complete options."""
    oauth_token: Secret | None = None
    """A new token; None leaves the stored one."""


def masked(session: Session, given: Parts, paths: Sequence[str]) -> Parts:
    """Return the session's parts, with those that `paths` name taken from `given`.

    The token of the result is None unless a path names it. Raises InvalidUpdateMask with every path that is unknown or
    immutable, and for an empty mask.
    """
    before = Parts(
        display_name=session.display_name,
        labels=session.labels,
        metadata=session.metadata,
        config=session.config,
    )
    return taken(before, given, paths, _with)


def taken(before: T, given: T, paths: Sequence[str], take: Callable[[T, T, str], T]) -> T:
    """Return `before` with the parts that `paths` name taken from `given`, one by one by `take`.

    `take` raises LookupError, with the reason, for an invalid path. Raises InvalidUpdateMask with every such path, for
    an empty mask, and for one with more than MAX_PATHS paths, of which the rest is only counted.
    """
    if not paths:
        raise InvalidUpdateMask([Violation("update_mask", "must name what is to change")])
    parts, problems = before, []
    if len(paths) > MAX_PATHS:
        problems.append(Violation("update_mask", f"must name at most {MAX_PATHS} paths, names {len(paths)}"))
    for path in paths[:MAX_PATHS]:
        try:
            parts = take(parts, given, path)
        except LookupError as error:
            problems.append(Violation("update_mask", f"{shown(path)} {error.args[0]}"))
    if problems:
        raise InvalidUpdateMask(problems)
    return parts


def _with(parts: Parts, given: Parts, path: str) -> Parts:
    root, _, rest = path.partition(".")
    if path == "display_name":
        return replace(parts, display_name=given.display_name)
    if root == "labels":
        return replace(parts, labels=map_with(parts.labels, given.labels, rest))
    if root == "metadata":
        return replace(parts, metadata=map_with(parts.metadata, given.metadata, rest))
    if path == "config":
        if given.config.working_dir not in ("", parts.config.working_dir):
            raise LookupError("would change working_dir, which is immutable")
        config = replace(given.config, working_dir=parts.config.working_dir)
        if given.oauth_token is not None:
            return replace(parts, config=config, oauth_token=given.oauth_token)
        # The token is never shown, so writing back a config as it was read must not remove it.
        return replace(parts, config=replace(config, oauth_token_set=parts.config.oauth_token_set))
    if path in CREDENTIALS:
        set_now = given.oauth_token is not None
        config = replace(parts.config, oauth_token_set=set_now)
        return replace(parts, config=config, oauth_token=given.oauth_token or Secret(""))
    if root == "config":
        return replace(parts, config=_config_with(parts.config, given.config, rest))
    raise LookupError("is no field that can be changed")


def map_with(before: Mapping[str, Any], given: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return `before` with one key set or removed as in `given`; without a key, return `given`."""
    if not key:
        return given
    rest = {name: value for name, value in before.items() if name != key}
    return {**rest, key: given[key]} if key in given else rest


def _config_with(before: SessionConfig, given: SessionConfig, path: str) -> SessionConfig:
    if path == "working_dir":
        raise LookupError("is immutable")
    if path.startswith("environment."):
        key = path.removeprefix("environment.")
        return replace(before, environment=map_with(before.environment, given.environment, key))
    attribute = ATTRIBUTES.get(path)
    if attribute is None:
        raise LookupError("is no option of a session")
    value = attrgetter(attribute)(given)
    group, _, option = attribute.rpartition(".")
    if not group:
        return replace(before, **{option: value})
    return replace(before, **{group: replace(getattr(before, group), **{option: value})})
