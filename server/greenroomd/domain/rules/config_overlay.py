"""How configurations lie on top of each other: a profile below, a session's own above.

The rule, for each option by itself: what the upper one sets, wins; what it does not set shows through.

- Lists (`allowed_tools`, `disallowed_tools`) are replaced as a whole.
- Maps (`environment`) merge by key.
- JSON objects (`mcp_config`, `settings`) merge by key at every depth, as JSON Merge Patch (RFC 7396): a null removes
  the key, a list inside replaces a list.
- `limits` and `recovery` are groups: each of their options is one by itself.

An OAuth token is no part of a configuration; the upper one's wins there too, which is for the caller to see to. What
comes out is judged as a whole, by the rules of a session's configuration.
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


@dataclass(frozen=True)  # without slots, for the cached property
class PartialConfig:
    """Only what somebody set: option by name, as in SessionConfig; those of a group as `limits.cpu_cores`.

    An option is set if its protobuf field has presence and is there, or has none and is not the empty value; so an
    empty list or map sets nothing. An unknown name or a None is a bug of whoever builds it: ValueError.
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
        """Return the configuration that these options make by themselves; `working_dir` is empty if it is not set.

        JSON objects stay as they are: a null removes nothing where nothing lies below. It is always the same object.
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
    """Return `base` with what `over` sets; neither is changed, and the result is not validated."""
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
    """Return the configuration that `layers` make, lowest first; `working_dir` is empty if none sets it."""
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
