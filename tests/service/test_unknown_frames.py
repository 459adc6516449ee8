"""A CLI that says and asks what this version does not know: it is shown, and the session goes on."""

from __future__ import annotations

import json

import pytest

from fake_cli.installed import turn
from greenroom.v1 import turn_pb2
from greenroom_server import GreenroomServer
from story import create, history, run_turn

COMPLETED = turn_pb2.TURN_STATE_COMPLETED


async def test_an_unknown_frame_is_kept_and_shown(fake: GreenroomServer) -> None:
    news = {"type": "of_next_year", "subtype": "late", "body": {"deep": [1, None], "é": "\u2028"}}
    session_id = (await create(fake)).session_id
    done, shown = await run_turn(fake, session_id, turn(garbage=json.dumps(news), text="on"))
    assert (done.state, done.result_text) == (COMPLETED, "on")
    for told in (shown, await history(fake, session_id)):
        (kept,) = (e.message_system for e in told if e.message_system.frame_type == "of_next_year")
        assert (kept.subtype, json.loads(kept.raw_frame)) == ("late", news)


@pytest.mark.parametrize("subtype", ["of_next_year", "elicitation", "request_user_dialog", "hook_callback"])
async def test_an_unknown_request_is_shown_and_ends_nothing(fake: GreenroomServer, subtype: str) -> None:
    session_id = (await create(fake)).session_id
    done, _ = await run_turn(fake, session_id, turn(request=subtype, text="on"))
    assert (done.state, done.result_text) == (COMPLETED, "on")
    told = await history(fake, session_id)
    (asked,) = (e.message_system for e in told if e.message_system.frame_type == "control_request")
    assert asked.subtype == subtype
    again, _ = await run_turn(fake, session_id, "two")
    assert (again.state, again.result_text) == (COMPLETED, "prompt 2")
