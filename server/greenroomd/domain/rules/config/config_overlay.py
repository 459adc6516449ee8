"""Overlays configs: a session's own options on top of its profile's.

Each option by itself: the upper config wins if it sets the option, otherwise the lower one shows through.

- Lists (`allowed_tools`, `disallowed_tools`) are replaced as a whole.
- Maps (`environment`) merge by key.
- JSON objects (`mcp_config`, `settings`) merge by key at every depth, as JSON Merge Patch (RFC 7396): a null removes
  the key, a list inside replaces a list.
- `limits` and `recovery` are groups: each of their options is one by itself.

OAuth tokens are not part of a config; the caller lets the upper one's win too. The result is validated as a whole, by
the rules of a session's config.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property, reduce
from operator import attrgetter
from typing import Any

from greenroomd.domain.config import Limits, RecoveryPolicy, SessionConfig

_GROUPS: Mapping[str, type[Limits | RecoveryPolicy]] = {"limits": Limits, "recovery": RecoveryPolicy}
_NOT_OPTIONS = {"oauth_token_set", *_GROUPS}

OPTIONS = frozenset(
    {option.name for option in fields(SessionConfig) if option.name not in _NOT_OPTIONS}
    | {f"{group}.{option.name}" for group, record in _GROUPS.items() for option in fields(record)}
)


@dataclass(frozen=True)  # no slots, because of the cached property
class PartialConfig:
    """Only the options that are set, by their names in SessionConfig; those of a group as `limits.cpu_cores`.

    An option is set if its protobuf field is present or, for a field without presence, not empty; so an empty list or
    map sets nothing. An unknown name or None as a value is a bug in the caller: ValueError.
    """

    options: Mapping[str, Any]

    def __post_init__(self) -> None:
        unknown = self.options.keys() - OPTIONS
        if unknown:
            raise ValueError(f"not options of a session: {sorted(unknown)}")
        unset = sorted(name for name, value in self.options.items() if value is None)
        if unset:
            raise ValueError(f"left unset, yet named: {unset}")

    def alone(self) -> SessionConfig:
        """Return the complete config with these options alone; `working_dir` is empty if it is not set.

        JSON objects stay as they are: there is nothing below for a null to remove. Always returns the same object.
        """
        return self._alone

    @cached_property
    def _alone(self) -> SessionConfig:
        groups: dict[str, dict[str, Any]] = {}
        for name, value in self.options.items():
            group, _, option = name.rpartition(".")
            groups.setdefault(group, {})[option] = value
        options: dict[str, Any] = {"working_dir": "", **groups.pop("", {})}
        options |= {name: _GROUPS[name](**group) for name, group in groups.items()}
        return SessionConfig(**options)


def overlay(base: SessionConfig, over: PartialConfig) -> SessionConfig:
    """Return `base` with the options of `over` set; changes neither, and does not validate the result."""
    changes: dict[str, dict[str, Any]] = {"": {}, **{group: {} for group in _GROUPS}}
    for name, value in over.options.items():
        group, _, option = name.rpartition(".")
        changes[group][option] = _combined(name, attrgetter(name)(base), value)
    return replace(
        base,
        **changes[""],
        limits=replace(base.limits, **changes["limits"]),
        recovery=replace(base.recovery, **changes["recovery"]),
    )


def layered(*layers: PartialConfig) -> SessionConfig:
    """Return the config that `layers` make, lowest first; `working_dir` is empty if none sets it."""
    return reduce(overlay, layers, SessionConfig(working_dir=""))


def _combined(name: str, lower: Any, upper: Any) -> Any:
    if name == "environment":
        return {**lower, **upper}
    if name in ("mcp_config", "settings"):
        return _patched(lower, upper)
    return upper


def _patched(target: Any, patch: Any) -> Any:
    """Apply a JSON Merge Patch, as the pseudo-code of RFC 7396, section 2, does."""
    if not isinstance(patch, Mapping):
        return patch
    patched = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            patched.pop(name, None)
        else:
            patched[name] = _patched(patched.get(name), value)
    return patched
