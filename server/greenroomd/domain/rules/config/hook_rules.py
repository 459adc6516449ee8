"""Rules of a session's hooks: programs, prompts and calls that the CLI runs at events, each with known fields.

The CLI (2.1.330) silently skips a hook that it cannot read. A hook meant to refuse something would then refuse nothing,
so every mistake is an error here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from greenroomd.domain.errors import Violation
from greenroomd.domain.rules.checks import Check, key, shown
from greenroomd.domain.rules.json_rules import kind_of, string_map, strings

MAX_HOOKS = 64
"""The most hooks of one event, in all its groups."""

EVENTS = frozenset(
    {
        "PreToolUse",
        "PostToolUse",
        "PostToolUseFailure",
        "PostToolBatch",
        "Notification",
        "UserPromptSubmit",
        "UserPromptExpansion",
        "SessionStart",
        "SessionEnd",
        "Stop",
        "StopFailure",
        "SubagentStart",
        "SubagentStop",
        "PreCompact",
        "PostCompact",
        "PreModelSwitch",
        "PostModelSwitch",
        "PermissionRequest",
        "PermissionDenied",
        "Setup",
        "TeammateIdle",
        "TaskCreated",
        "TaskCompleted",
        "Elicitation",
        "ElicitationResult",
        "ConfigChange",
        "WorktreeCreate",
        "WorktreeRemove",
        "InstructionsLoaded",
        "CwdChanged",
        "FileChanged",
        "DirectoryAdded",
        "MessageDisplay",
    }
)


def _text(value: object) -> str | None:
    return None if isinstance(value, str) and value.strip() else f"must be text, is {kind_of(value)}"


def _seconds(value: object) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 86_400:
        return None
    return "must be above 0 and at most 86400 seconds"


def _flag(value: object) -> str | None:
    return None if isinstance(value, bool) else f"must be true or false, is {kind_of(value)}"


def _on_failure(value: object) -> str | None:
    return None if value in ("continue", "block") else "must be continue or block"


def _object(value: object) -> str | None:
    return None if isinstance(value, Mapping) else f"must be an object, is {kind_of(value)}"


def _url(value: object) -> str | None:
    return (
        None
        if isinstance(value, str) and value.startswith(("https://", "http://"))
        else "must be an http or https address"
    )


def _variables(_: object) -> str | None:
    return "must not be set: the variables of the process hold the operator's credentials"


_COMMON: Mapping[str, Check] = {"if": _text, "timeout": _seconds, "statusMessage": _text, "once": _flag}
# By type: the required and the optional fields.
_TYPES: Mapping[str, tuple[Mapping[str, Check], Mapping[str, Check]]] = {
    "command": (
        {"command": _text},
        {**_COMMON, "args": strings, "onFailure": _on_failure, "async": _flag, "asyncRewake": _flag},
    ),
    "prompt": ({"prompt": _text}, {**_COMMON, "model": _text, "continueOnBlock": _flag}),
    "agent": ({"prompt": _text}, {**_COMMON, "model": _text}),
    "mcp_tool": ({"server": _text, "tool": _text}, {**_COMMON, "input": _object, "onFailure": _on_failure}),
    "http": (
        {"url": _url},
        {**_COMMON, "headers": string_map, "onFailure": _on_failure, "allowedEnvVars": _variables},
    ),
}


def hook_violations(hooks: Mapping[str, Any], path: str) -> Iterator[Violation]:
    """Yield every broken rule of `hooks`: a list of groups for each event; a group is a matcher and a list of hooks."""
    for event, groups in hooks.items():
        where = f"{path}.{event}" if event in EVENTS else key(path, event)
        if event not in EVENTS:
            yield Violation(where, "is no event that the CLI has hooks for")
        elif not isinstance(groups, list | tuple):
            yield Violation(where, f"must be a list of groups, is {kind_of(groups)}")
        elif sum(len(each.get("hooks") or ()) for each in groups if isinstance(each, Mapping)) > MAX_HOOKS:
            yield Violation(where, f"must have at most {MAX_HOOKS} hooks")
        else:
            for index, group in enumerate(groups):
                yield from _group(group, f"{where}[{index}]")


def _group(group: object, path: str) -> Iterator[Violation]:
    if not isinstance(group, Mapping):
        yield Violation(path, f"must be an object with hooks, is {kind_of(group)}")
        return
    for name in group.keys() - {"matcher", "hooks"}:
        yield Violation(key(path, name), "is not known; a group has matcher and hooks")
    if not isinstance(group.get("matcher", ""), str):
        yield Violation(f"{path}.matcher", "must be text: a tool, or a pattern of tools")
    hooks = group.get("hooks")
    if not isinstance(hooks, list | tuple):
        yield Violation(f"{path}.hooks", f"must be a list of hooks, is {kind_of(hooks)}")
        return
    for index, hook in enumerate(hooks):
        yield from _hook(hook, f"{path}.hooks[{index}]")


def _hook(hook: object, path: str) -> Iterator[Violation]:
    if not isinstance(hook, Mapping):
        yield Violation(path, f"must be an object, is {kind_of(hook)}")
        return
    kind = hook.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        yield Violation(f"{path}.type", f"must be one of {', '.join(_TYPES)}, is {shown(str(kind))}")
        return
    required, optional = _TYPES[kind]
    for name in hook.keys() - required.keys() - optional.keys() - {"type"}:
        yield Violation(key(path, name), f"is not known for a hook of type {kind}")
    for name, check in {**required, **optional}.items():
        problem = check(hook.get(name)) if name in required or name in hook else None
        if problem is not None:
            yield Violation(f"{path}.{name}", problem)
