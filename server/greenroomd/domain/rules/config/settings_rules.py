"""Rules of a session's CLI settings: a table of the accepted ones, each with its check.

A setting is accepted if it has its documented effect on the CLI as it runs here (2.1.330), within the bounds of the
option for the same purpose. All others are refused, by their paths. The CLI itself ignores settings that it does not
know, and obeys some that reach beyond the session, such as one that deletes other sessions' conversations, or a
credential beside the operator's. ADR 0027 has the reasons.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from greenroomd.domain.config import JsonObject
from greenroomd.domain.errors import Violation
from greenroomd.domain.rules.checks import Check, key, shown, size_of
from greenroomd.domain.rules.config.environment_rules import environment_violations
from greenroomd.domain.rules.config.hook_rules import hook_violations
from greenroomd.domain.rules.config.tool_rules import rule_list_violations
from greenroomd.domain.rules.json_rules import json_problem, kind_of, string_map

MAX_DIRECTORIES = 32
MAX_PATH_BYTES = 4096


def _flag(value: object) -> str | None:
    return None if isinstance(value, bool) else f"must be true or false, is {kind_of(value)}"


def _one_of(*words: str) -> Check:
    def check(value: object) -> str | None:
        if isinstance(value, str) and value in words:
            return None
        return f"must be one of {', '.join(words)}, is {shown(str(value))}"

    return check


def _whole(low: int, high: int) -> Check:
    def check(value: object) -> str | None:
        # JSON in protobuf has only one kind of number
        if isinstance(value, int | float) and not isinstance(value, bool) and value == int(value):
            return None if low <= value <= high else f"must be from {low} to {high}, is {value:g}"
        return f"must be a whole number from {low} to {high}"

    return check


def _line(value: object) -> str | None:
    if isinstance(value, str) and 0 < len(value) <= 64 and value.isprintable():
        return None
    return "must be 1 to 64 printable characters"


def _attribution(value: object) -> str | None:
    fields = {"commit": str, "pr": str, "sessionUrl": bool}
    if not isinstance(value, Mapping) or value.keys() - fields.keys():
        return f"must be an object with {', '.join(fields)}"
    wrong = [name for name, kind in fields.items() if name in value and not isinstance(value[name], kind)]
    return f"must have {wrong[0]} as {_KINDS[fields[wrong[0]]]}" if wrong else None


def _skills(value: object) -> str | None:
    words = ("on", "name-only", "user-invocable-only", "off")
    if isinstance(value, Mapping) and all(each in words for each in value.values()):
        return None
    return f"must be an object by the name of a skill, each one of {', '.join(words)}"


_KINDS = {str: "a string", bool: "true or false"}

ACCEPTED: Mapping[str, tuple[Check, str]] = {
    "attribution": (
        _attribution,
        "what commits and pull requests say of the CLI: `commit`, `pr`, `sessionUrl`",
    ),
    "autoCompactEnabled": (_flag, "whether a long conversation is compacted"),
    "autoCompactWindow": (_whole(100_000, 1_000_000), "the tokens at which it is compacted"),
    "autoMemoryEnabled": (
        _flag,
        "true: the session uses the memory that the sessions of its workspace and directory share; else none",
    ),
    "bashEditDiffEnabled": (_flag, "whether the Bash tool shows what a command changed"),
    "bashOutputMaxChars": (_whole(4000, 128_000), "how much of a command's output the model reads"),
    "disableAllHooks": (_flag, "no hook runs"),
    "disableBundledSkills": (_flag, "the CLI's own skills are not offered"),
    "disableWorkflows": (_flag, "the Workflow tool is not offered"),
    "includeCoAuthoredBy": (_flag, "older form of `attribution`"),
    "includeGitInstructions": (_flag, "whether the prompt says how to commit"),
    "language": (_line, "the language of answers"),
    "outputStyle": (_line, "the name of one of the CLI's output styles"),
    "promptCacheTtl": (_one_of("5m", "1h"), "how long the API keeps the prompt of the conversation"),
    "showThinkingSummaries": (_flag, "summaries of the model's thinking"),
    "skillOverrides": (_skills, "by skill: `on`, `name-only`, `user-invocable-only`, `off`"),
    "subagentPromptCacheTtl": (_one_of("5m", "1h"), "the same for subagents"),
}
"""Accepted settings with the check and the effect of each. `env`, `permissions` and `hooks` have rules of their own."""

_KEPT = "it would touch what is kept of other sessions"
_CREDENTIAL = "a session's credential is oauth_token or api_key; the operator's is never sent beside another"
_EFFORT = "use config.effort"
_ORGANIZATION = "it is for the operator, who may set it on the machine (managed settings)"
_PROGRAM = "it would run a program that is neither a tool nor a hook"

REFUSED: Mapping[str, str] = {
    "model": "use config.model",
    "fallbackModel": "use config.fallback_models",
    "advisorModel": "the model is chosen by config.model alone",
    "effortLevel": _EFFORT,
    "maxEffortLevel": _EFFORT,
    "ultracode": _EFFORT,
    "alwaysThinkingEnabled": "use config.max_thinking_tokens",
    "agent": "use config.system_prompt, config.model and the lists of tools",
    "cleanupPeriodDays": _KEPT,
    "desktopSessionCleanupPeriodDays": _KEPT,
    "autoMemoryDirectory": _KEPT,
    "autoDreamEnabled": _KEPT,
    "plansDirectory": _KEPT,
    "syncClaudeAiPlugins": _KEPT,
    "syncClaudeAiSkills": _KEPT,
    "worktree": _KEPT,
    "apiKeyHelper": _CREDENTIAL,
    "awsAuthRefresh": _CREDENTIAL,
    "awsCredentialExport": _CREDENTIAL,
    "gcpAuthRefresh": _CREDENTIAL,
    "proxyAuthHelper": _CREDENTIAL,
    "otelHeadersHelper": _CREDENTIAL,
    "forceLoginMethod": _CREDENTIAL,
    "forceLoginOrgUUID": _CREDENTIAL,
    "forceLoginGatewayUrl": _CREDENTIAL,
    "xaaIdp": _CREDENTIAL,
    "crossSessionInbound": "sessions take no messages from each other",
    "mcpServers": "use config.mcp_config",
    "modelPricing": "costs and budgets are reckoned by one price list",
    "statusLine": _PROGRAM,
    "subagentStatusLine": _PROGRAM,
    "fileSuggestion": _PROGRAM,
    "processWrapper": _PROGRAM,
    "policyHelper": _PROGRAM,
    "policyHelpers": _PROGRAM,
    "sandbox": _ORGANIZATION,
    "skipWebFetchPreflight": _ORGANIZATION,
    "enabledPlugins": _ORGANIZATION,
    "extraKnownMarketplaces": _ORGANIZATION,
}
"""Settings that the CLI would obey but a session may not set, with the reasons."""

_UNKNOWN = "is not among the settings that a session may give"
_RULE_LISTS = {"allow": True, "deny": False, "ask": False}


def settings_violations(settings: JsonObject, *, path: str = "config.settings") -> list[Violation]:
    """Return every broken rule of CLI settings: settings that are not accepted, and invalid values."""
    problem = json_problem(settings)
    return [Violation(path, problem)] if problem is not None else list(_broken(settings, path))


def accepted(settings: JsonObject) -> dict[str, Any]:
    """Return only the accepted settings: a stored session may be older than these rules."""
    return {name: value for name, value in settings.items() if name in ACCEPTED or name in _OBJECTS}


def additional_directories(settings: JsonObject | None) -> Sequence[tuple[str, str]]:
    """Return the additional directories in a session's settings, each with its path below the settings.

    Skips anything but a list of strings, which the rules refuse.
    """
    permissions = (settings or {}).get("permissions")
    given = permissions.get("additionalDirectories") if isinstance(permissions, Mapping) else None
    if not isinstance(given, Sequence) or isinstance(given, str):
        return ()
    return [
        (f"permissions.additionalDirectories[{index}]", directory)
        for index, directory in enumerate(given)
        if isinstance(directory, str)
    ]


def with_directories(settings: JsonObject, directories: Sequence[str]) -> JsonObject:
    """Return settings with their additional directories replaced."""
    return {**settings, "permissions": {**settings["permissions"], "additionalDirectories": [*directories]}}


def _broken(settings: JsonObject, path: str) -> Iterator[Violation]:
    for name, value in settings.items():
        where = _below(path, name)
        if name in _OBJECTS:
            if isinstance(value, Mapping):
                yield from _OBJECTS[name](value, where)
            else:
                yield Violation(where, f"must be an object, is {kind_of(value)}")
        elif name in ACCEPTED:
            check, _ = ACCEPTED[name]
            problem = check(value)
            if problem is not None:
                yield Violation(where, problem)
        elif name in REFUSED:
            yield Violation(where, f"must not be set: {REFUSED[name]}")
        else:
            yield Violation(where, _UNKNOWN)


def _environment(value: Mapping[str, Any], path: str) -> Iterator[Violation]:
    if string_map(value):
        yield Violation(path, "must be an object of strings")
    else:
        yield from environment_violations(value, path=path)


def _permissions(value: Mapping[str, Any], path: str) -> Iterator[Violation]:
    for name, given in value.items():
        where = _below(path, name)
        if name == "defaultMode":
            # it would bypass the operator's rule about bypassPermissions, and the session would show another mode
            yield Violation(where, "must not be set here; use permission_mode")
        elif name not in _RULE_LISTS and name != "additionalDirectories":
            yield Violation(where, _UNKNOWN)
        elif not isinstance(given, list | tuple) or not all(isinstance(each, str) for each in given):
            yield Violation(where, "must be a list of strings")
        elif name in _RULE_LISTS:
            yield from rule_list_violations(given, where, allows=_RULE_LISTS[name])
        else:
            yield from _directories(given, where)


def _directories(given: Sequence[str], path: str) -> Iterator[Violation]:
    if len(given) > MAX_DIRECTORIES:
        yield Violation(path, f"must have at most {MAX_DIRECTORIES} entries, has {len(given)}")
    for index, directory in enumerate(given[:MAX_DIRECTORIES]):
        if not directory.startswith("/") or "\0" in directory:
            yield Violation(f"{path}[{index}]", f"must be an absolute path, is {shown(directory)}")
        elif size_of(directory) > MAX_PATH_BYTES:
            yield Violation(f"{path}[{index}]", f"must be at most {MAX_PATH_BYTES} bytes")


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if name.isidentifier() and len(name) <= 64 else key(path, name)


_OBJECTS = {"env": _environment, "permissions": _permissions, "hooks": hook_violations}
