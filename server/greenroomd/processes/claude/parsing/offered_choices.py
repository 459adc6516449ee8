"""Reads what the CLI offers from its answer to the initialize request. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from greenroomd.domain.capabilities import Agent, Capabilities, Command, ModelChoice, with_etag
from greenroomd.domain.config import JsonObject
from greenroomd.processes.claude.parsing.json_fields import json_objects, text, texts

MAX_LENGTH = 4096
MAX_ENTRIES = 1000
_OFFERED = ("commands", "agents", "models", "output_style", "available_output_styles")
_REMEMBERED = 8


def capabilities_of(initialized: JsonObject) -> Capabilities:
    """Return what an answer offers. Answers that offer the same return the same object: most processes do."""
    offered = [initialized.get(name) for name in _OFFERED]
    for index, (known, capabilities) in enumerate(_READ):
        if known == offered:
            _READ.append(_READ.pop(index))
            return capabilities
    capabilities = with_etag(
        Capabilities(
            commands=commands_of(initialized.get("commands")),
            agents=tuple(map(_agent, _entries(initialized.get("agents")))),
            models=tuple(map(_model, _entries(initialized.get("models")))),
            output_style=_short(initialized.get("output_style")),
            output_styles=_shorts(initialized.get("available_output_styles")),
        )
    )
    _READ.append((offered, capabilities))
    del _READ[:-_REMEMBERED]
    return capabilities


_READ: list[tuple[list[Any], Capabilities]] = []


def commands_of(listed: Any) -> tuple[Command, ...]:
    """Return the commands in a list of the CLI."""
    return tuple(
        Command(
            name=_short(each.get("name")),
            description=_short(each.get("description")),
            argument_hint=_short(each.get("argumentHint")),
            aliases=_shorts(each.get("aliases")),
            builtin=each.get("builtin") is True,
        )
        for each in _entries(listed)
    )


def _agent(message: JsonObject) -> Agent:
    return Agent(
        name=_short(message.get("name")),
        description=_short(message.get("description")),
        model=_short(message.get("model")),
    )


def _model(message: JsonObject) -> ModelChoice:
    return ModelChoice(
        model=_short(message.get("value")),
        resolved_model=_short(message.get("resolvedModel")),
        display_name=_short(message.get("displayName")),
        description=_short(message.get("description")),
        efforts=_shorts(message.get("supportedEffortLevels")),
        adaptive_thinking=message.get("supportsAdaptiveThinking") is True,
    )


def _entries(listed: Any) -> Sequence[JsonObject]:
    return json_objects(listed)[:MAX_ENTRIES]


def _short(value: Any) -> str:
    return text(value)[:MAX_LENGTH]


def _shorts(listed: Any) -> tuple[str, ...]:
    return tuple(each[:MAX_LENGTH] for each in texts(listed)[:MAX_ENTRIES])
