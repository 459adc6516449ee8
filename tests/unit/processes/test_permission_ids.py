"""The CLI's questions under our names."""

import uuid

from greenroomd.domain.frames.tool_frames import PermissionAsked, PermissionWithdrawn
from greenroomd.processes.claude.protocol.permission_ids import PermissionIds
from unit.live.says import asks, withdraws


def ask(questions: PermissionIds, theirs: str) -> str:
    frame = questions.renamed(asks(theirs))
    assert isinstance(frame, PermissionAsked)
    return frame.request_id


def test_each_question_gets_a_uuid_and_is_answered_under_the_cli_s_name_once() -> None:
    questions = PermissionIds()
    first, second = ask(questions, "q1"), ask(questions, "q2")
    assert {uuid.UUID(first).version, uuid.UUID(second).version} == {4}
    assert questions.close(second) == "q2"
    assert questions.close(first) == "q1"
    assert questions.close(first) is None


def test_a_withdrawn_question_keeps_its_name_and_is_not_to_be_answered() -> None:
    questions = PermissionIds()
    ours = ask(questions, "q1")
    frame = questions.renamed(withdraws("q1"))
    assert isinstance(frame, PermissionWithdrawn)
    assert frame.request_id == ours
    assert questions.close(ours) is None


def test_a_name_that_the_cli_uses_again_is_another_question() -> None:
    questions = PermissionIds()
    first, again = ask(questions, "q1"), ask(questions, "q1")
    assert first != again
    assert questions.close(first) == "q1"
    assert questions.renamed(withdraws("q1")).request_id == again


def test_what_was_never_asked_withdraws_nothing() -> None:
    assert PermissionIds().renamed(withdraws("q9")).request_id == "q9"
