"""What the CLI offers, as its answer to the initialize request says."""

from __future__ import annotations

from typing import Any

from greenroomd.domain.capabilities import Agent, Capabilities, Command, ModelChoice
from greenroomd.processes.claude.parsing.offered_choices import MAX_ENTRIES, MAX_LENGTH, capabilities_of

ANSWER: dict[str, Any] = {
    "commands": [
        {
            "name": "usage",
            "description": "Show it.",
            "argumentHint": "",
            "aliases": ["cost"],
            "builtin": True,
        },
        {"name": "mine", "description": "Do it.", "argumentHint": "<file>"},
    ],
    "agents": [{"name": "Explore", "description": "Look.", "model": "inherit"}, 7],
    "models": [
        {
            "value": "opus",
            "resolvedModel": "claude-opus-5-5",
            "displayName": "Opus",
            "description": "Best",
            "supportsEffort": True,
            "supportedEffortLevels": ["low", "max"],
            "supportsAdaptiveThinking": True,
        },
        {"value": "haiku"},
    ],
    "output_style": "default",
    "available_output_styles": ["default", "Concise"],
    "pid": 4711,
}


def test_all_that_is_offered_is_read() -> None:
    found = capabilities_of(ANSWER)
    assert found.etag
    assert found == Capabilities(
        commands=(
            Command(name="usage", description="Show it.", aliases=("cost",), builtin=True),
            Command(name="mine", description="Do it.", argument_hint="<file>"),
        ),
        agents=(Agent(name="Explore", description="Look.", model="inherit"),),
        models=(
            ModelChoice(
                model="opus",
                resolved_model="claude-opus-5-5",
                display_name="Opus",
                description="Best",
                efforts=("low", "max"),
                adaptive_thinking=True,
            ),
            ModelChoice(model="haiku"),
        ),
        output_style="default",
        output_styles=("default", "Concise"),
        etag=found.etag,
    )


def test_processes_that_offer_the_same_share_it_and_others_have_another_etag() -> None:
    first = capabilities_of(ANSWER)
    assert capabilities_of({**ANSWER, "pid": 12}) is first
    other = capabilities_of({**ANSWER, "commands": ANSWER["commands"][:1]})
    assert other.etag != first.etag
    assert capabilities_of(ANSWER) is first


def test_an_answer_of_another_shape_offers_nothing() -> None:
    for answer in ({}, {"commands": "?", "agents": None, "models": {"a": 1}, "output_style": 3}):
        found = capabilities_of(answer)
        assert (found.commands, found.agents, found.models, found.output_style) == ((), (), (), "")


def test_what_is_offered_is_bounded() -> None:
    many = [{"name": "x" * 9999, "description": "y" * 9999}] * 2000
    found = capabilities_of({"commands": many})
    assert len(found.commands) == MAX_ENTRIES
    assert {len(found.commands[0].name), len(found.commands[0].description)} == {MAX_LENGTH}
