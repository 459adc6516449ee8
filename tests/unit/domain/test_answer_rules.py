"""Which answers to the questions of AskUserQuestion the CLI can take."""

from __future__ import annotations

from typing import Any

import pytest

from greenroomd.domain.rules.answer_rules import ASKING_TOOL, answer_violations

ASKED: dict[str, Any] = {
    "questions": [
        {"question": "Which colour?", "options": [{"label": "red"}, {"label": "blue"}], "multiSelect": False},
        {"question": "Which sizes?", "options": [{"label": "S"}, {"label": "L"}], "multiSelect": True},
    ]
}


def fields(updated: dict[str, Any] | None) -> list[str]:
    return sorted(each.field for each in answer_violations(ASKING_TOOL, ASKED, updated))


@pytest.mark.parametrize("sizes", ["S", "S, L", "neither, please"])
def test_an_answer_to_every_question_is_good(sizes: str) -> None:
    answers = {"Which colour?": "red", "Which sizes?": sizes}
    assert fields({**ASKED, "answers": answers}) == []
    assert fields({**ASKED, "answers": answers, "annotations": {"Which colour?": {"notes": "warm"}}}) == []


@pytest.mark.parametrize(
    ("updated", "paths"),
    [
        (None, ["updated_input"]),
        ({}, ["updated_input.answers", "updated_input.questions"]),
        ({"choice": "red"}, ["updated_input.answers", "updated_input.questions"]),
        (ASKED, ["updated_input.answers"]),
        ({**ASKED, "answers": ["red", "S"]}, ["updated_input.answers"]),
        (
            {**ASKED, "answers": {"Which colour?": "red"}},
            ['updated_input.answers["Which sizes?"]'],
        ),
        (
            {**ASKED, "answers": {"Which colour?": " ", "Which sizes?": ""}},
            ['updated_input.answers["Which colour?"]', 'updated_input.answers["Which sizes?"]'],
        ),
        (
            {**ASKED, "answers": {"Which colour?": 7, "Which sizes?": ["S", "L"]}},
            ['updated_input.answers["Which colour?"]', 'updated_input.answers["Which sizes?"]'],
        ),
        (
            {**ASKED, "answers": {"Which colour?": "red", "Which sizes?": "S", "colour": "red"}},
            ['updated_input.answers["colour"]'],
        ),
        (
            {"questions": ASKED["questions"][:1], "answers": {"Which colour?": "red", "Which sizes?": "S"}},
            ["updated_input.questions"],
        ),
    ],
)
def test_any_other_answer_is_told_by_its_place(updated: dict[str, Any] | None, paths: list[str]) -> None:
    assert fields(updated) == paths


def test_a_tool_that_asks_nothing_takes_any_input() -> None:
    for updated in (None, {}, {"command": "make -n"}):
        assert answer_violations("Bash", {"command": "make"}, updated) == []
        assert answer_violations("Bash", ASKED, updated) == []


@pytest.mark.parametrize("asked", [{}, {"questions": []}, {"questions": "none"}, {"questions": [7]}])
def test_what_asks_no_question_of_this_form_is_left_to_the_cli(asked: dict[str, Any]) -> None:
    assert answer_violations(ASKING_TOOL, asked, None) == []
