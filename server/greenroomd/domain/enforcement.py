"""How far the options of a config can be relied on, as reported to callers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from enum import Enum

from greenroomd.domain.config import Limits, RecoveryPolicy, SessionConfig


class Enforcement(Enum):
    """How far an option of a session's config can be relied on."""

    ENFORCED = "enforced"
    BEST_EFFORT = "best_effort"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class OptionReport:
    """How one option is enforced on this host; `option` is its path inside SessionConfig.

    `reason` says why, for every option that is not ENFORCED.
    """

    option: str
    enforcement: Enforcement
    reason: str = ""


# The same on every host: it depends on how the CLI and the model's API work.
_OF_THE_CLI = (
    OptionReport(
        "temperature",
        Enforcement.BEST_EFFORT,
        "passed on to the model's API, which may refuse it together with thinking",
    ),
    OptionReport(
        "max_budget_usd",
        Enforcement.BEST_EFFORT,
        "looked at after each answer: the last one may cost more than was left",
    ),
    OptionReport(
        "tool_timeout",
        Enforcement.BEST_EFFORT,
        "the CLI may move an overdue command to the background instead of ending it",
    ),
)

_NAMES = {"limits.cpu_cores": "limits.cpu", "oauth_token_set": "oauth_token", "recovery": "recovery_policy"}


def report(config: SessionConfig, host: Iterable[OptionReport]) -> tuple[OptionReport, ...]:
    """Return how each option that `config` sets is enforced; `host` reports those that depend on the host."""
    known = {each.option: each for each in (*_OF_THE_CLI, *host)}
    return tuple(known.get(name) or OptionReport(name, Enforcement.ENFORCED) for name in _set_options(config))


def _set_options(config: SessionConfig) -> Sequence[str]:
    """Return the paths of the options that differ from their defaults, in the order of the record."""
    default = SessionConfig(working_dir="")
    changed = [
        each.name for each in fields(config) if getattr(config, each.name) != getattr(default, each.name)
    ]
    paths = []
    for name in changed:
        if name == "limits":
            given = ((limit.name, getattr(config.limits, limit.name)) for limit in fields(Limits))
            paths += [f"limits.{limit}" for limit, value in given if value is not None]
        elif name == "recovery" and config.recovery == RecoveryPolicy(mode=config.recovery.mode):
            paths.append("recovery_policy.mode")
        else:
            paths.append(name)
    return [_NAMES.get(path, path) for path in paths]
