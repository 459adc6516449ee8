"""Rules for allowing a tool: most take any input, AskUserQuestion needs an answer to every question.

To allow AskUserQuestion, the CLI (2.1.330) takes its whole input and, added to it, `answers`: the text of each question
with the label of the chosen option, several labels as `A, B`, or any other text; it joins a list of labels without the
blank. It does not refuse an input that it cannot use: it never asks again, and the model reads that its question failed
or was not answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from greenroomd.domain.config import JsonObject
from greenroomd.domain.errors import Violation
from greenroomd.domain.rules.checks import key, shown

ASKING_TOOL = "AskUserQuestion"

_PATH = "updated_input"
_ANSWERS = f"{_PATH}.answers"


def answer_violations(
    tool_name: str, tool_input: JsonObject, updated_input: JsonObject | None
) -> list[Violation]:
    """Return why the CLI cannot take `updated_input` as the answer to a tool that asks questions with `tool_input`.

    A tool that asks no questions takes any input, or none.
    """
    questions = _questions(tool_input) if tool_name == ASKING_TOOL else ()
    if not questions:
        return []
    if updated_input is None:
        text = "is required: the input of the question, and answers with an answer to each of its questions"
        return [Violation(_PATH, text)]
    return list(_broken(questions, tool_input, updated_input))


def _broken(questions: Sequence[str], asked: JsonObject, updated: JsonObject) -> Iterator[Violation]:
    if updated.get("questions") != asked["questions"]:
        yield Violation(f"{_PATH}.questions", "must be the questions that were asked, unchanged")
    answers = updated.get("answers")
    if not isinstance(answers, Mapping):
        yield Violation(_ANSWERS, "is required: an object with an answer, by its text, to each question")
        return
    for question in questions:
        answer = answers.get(question)
        if not isinstance(answer, str) or not answer.strip():
            text = "is required: the label of an option, several labels as one text (A, B), or any other text"
            yield Violation(key(_ANSWERS, question), text)
    for name in answers.keys() - set(questions):
        yield Violation(key(_ANSWERS, name), f"must be the text of a question: {_listed(questions)}")


def _questions(tool_input: JsonObject) -> Sequence[str]:
    asked = tool_input.get("questions")
    if not isinstance(asked, Sequence) or isinstance(asked, str):
        return ()
    texts = [each.get("question") for each in asked if isinstance(each, Mapping)]
    return [text for text in texts if isinstance(text, str)]


def _listed(questions: Sequence[str]) -> str:
    return ", ".join(shown(question) for question in questions)
