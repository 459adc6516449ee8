"""The rules of a session's config as a table: one pass finds every broken rule, with its field path.

Paths are those of the protobuf message. Rules about the file system (`working_dir` exists and is inside an allowed
root) are checked elsewhere; enumerations are parsed before, so their values are known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from operator import attrgetter

from greenroomd.domain.config import ApiKey, Secret, SessionConfig
from greenroomd.domain.errors import Violation
from greenroomd.domain.rules.checks import (
    KIB,
    Check,
    above_zero,
    at_least,
    between,
    lasting,
    shown,
    size_of,
    spelled,
    text,
)
from greenroomd.domain.rules.config.environment_rules import environment_violations
from greenroomd.domain.rules.config.model_rules import fallback_violations, model_name
from greenroomd.domain.rules.config.required_server_rules import required_server_violations
from greenroomd.domain.rules.config.settings_rules import settings_violations
from greenroomd.domain.rules.config.tool_rules import tool_violations
from greenroomd.domain.rules.json_rules import mcp_violations

SECOND = timedelta(seconds=1)
WEEK = timedelta(days=7)
MAX_PATH_BYTES = 4096
MAX_PROMPT_BYTES = 256 * KIB
MAX_TOKEN_LENGTH = 8192
MAX_THINKING_TOKENS = 1_000_000


def _working_dir(value: str) -> str | None:
    if not value:
        return "is required: the absolute path of the directory that the process works in"
    if "\0" in value:
        return "must not hold the NUL character"
    if not value.startswith("/"):
        return f"must be an absolute path, is {shown(value)}"
    size = size_of(value)
    return f"must be at most {MAX_PATH_BYTES} bytes, is {size}" if size > MAX_PATH_BYTES else None


_prompt = text(at_most=MAX_PROMPT_BYTES)
_LEAST_THINKING = 1024  # the API refuses less


def _thinking(value: int) -> str | None:
    if value == 0 or _LEAST_THINKING <= value <= MAX_THINKING_TOKENS:
        return None
    return f"must be 0, or from {_LEAST_THINKING} to {MAX_THINKING_TOKENS}, is {value}"


_backoff = lasting(timedelta(milliseconds=100), timedelta(hours=1))

# The path below the config, the attribute of SessionConfig, and the check of a value that is set (not None).
OPTIONS: Sequence[tuple[str, str, Check]] = (
    ("working_dir", "working_dir", _working_dir),
    ("system_prompt", "system_prompt", _prompt),
    ("append_system_prompt", "append_system_prompt", _prompt),
    ("model", "model", model_name),
    ("max_thinking_tokens", "max_thinking_tokens", _thinking),
    ("max_turns", "max_turns", between(1, 1000)),
    ("temperature", "temperature", between(0, 1)),
    ("max_budget_usd", "max_budget_usd", above_zero),
    ("tool_timeout", "tool_timeout", lasting(SECOND, timedelta(minutes=10))),
    ("mcp_connect_timeout", "mcp_connect_timeout", lasting(timedelta(milliseconds=100), timedelta(hours=1))),
    ("limits.memory_bytes", "limits.memory_bytes", at_least(256 * KIB * KIB, "256 MiB")),
    ("limits.cpu", "limits.cpu_cores", above_zero),
    ("limits.max_duration", "limits.max_duration", lasting(SECOND, WEEK)),
    ("limits.idle_timeout", "limits.idle_timeout", lasting(SECOND, WEEK)),
    ("limits.turn_timeout", "limits.turn_timeout", lasting(SECOND, WEEK)),
    ("limits.background_grace", "limits.background_grace", lasting(timedelta(), WEEK)),
    ("limits.output_bytes", "limits.output_bytes", at_least(1)),
    ("recovery_policy.max_restarts", "recovery.max_restarts", between(1, 100)),
    ("recovery_policy.restart_window", "recovery.window", lasting(SECOND, timedelta(days=1))),
    ("recovery_policy.initial_backoff", "recovery.first_backoff", _backoff),
    ("recovery_policy.max_backoff", "recovery.max_backoff", _backoff),
)


def _same_prompt(config: SessionConfig) -> str | None:
    if config.append_system_prompt and config.append_system_prompt == config.system_prompt:
        return "must not repeat the text of system_prompt"
    return None


def _backoff_order(config: SessionConfig) -> str | None:
    first, longest = config.recovery.first_backoff, config.recovery.max_backoff
    if longest >= first:
        return None
    return f"must be at least initial_backoff ({spelled(first)}), is {spelled(longest)}"


# Rules about two options, reported at the first one; only checked if each is valid by itself.
PAIRS: Sequence[tuple[str, str, Callable[[SessionConfig], str | None]]] = (
    ("append_system_prompt", "system_prompt", _same_prompt),
    ("recovery_policy.max_backoff", "recovery_policy.initial_backoff", _backoff_order),
)

_READERS = tuple((path, attrgetter(attribute), check) for path, attribute, check in OPTIONS)
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]*")


def violations(
    config: SessionConfig, *, oauth_token: Secret | None = None, prefix: str = "config"
) -> list[Violation]:
    """Return every rule that `config` and its token break.

    Field paths begin with `prefix`. No description shows the token, a value of the environment or a prompt.
    """
    broken: dict[str, str] = {}
    for path, read, check in _READERS:
        value = read(config)
        problem = None if value is None else check(value)
        if problem is not None:
            broken[path] = problem
    for path, other, rule in PAIRS:
        problem = None if path in broken or other in broken else rule(config)
        if problem is not None:
            broken[path] = problem
    found = [Violation(f"{prefix}.{path}", problem) for path, problem in broken.items()]
    found += fallback_violations(config.fallback_models, config.model, prefix=prefix)
    found += tool_violations(config.allowed_tools, config.disallowed_tools, prefix=prefix)
    found += environment_violations(config.environment, path=f"{prefix}.environment")
    if oauth_token is not None:
        option = "api_key" if isinstance(oauth_token, ApiKey) else "oauth_token"
        found += _token_violations(oauth_token, f"{prefix}.{option}")
    if config.mcp_config is not None:
        found += mcp_violations(config.mcp_config, path=f"{prefix}.mcp_config")
    found += required_server_violations(config, path=f"{prefix}.required_mcp_servers")
    if config.settings is not None:
        found += settings_violations(config.settings, path=f"{prefix}.settings")
    return found


def _token_violations(token: Secret, path: str) -> list[Violation]:
    value = token.reveal()
    if not 1 <= len(value) <= MAX_TOKEN_LENGTH:
        return [Violation(path, f"must have 1 to {MAX_TOKEN_LENGTH} characters, has {len(value)}")]
    if not _VISIBLE_ASCII.fullmatch(value):  # it is sent in an HTTP header
        return [Violation(path, "must be visible ASCII: no blanks, line ends or control characters")]
    return []
