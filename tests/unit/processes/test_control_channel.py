import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from greenroomd.app.ports.processes import ProcessFailed
from greenroomd.processes.claude.parsing.stream_json import ControlAnswer
from greenroomd.processes.claude.protocol.control_channel import ControlChannel, unserved
from greenroomd.processes.host.redaction import Redactor

SECOND = timedelta(seconds=1)


class Wire:
    """What was written."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    async def write(self, line: bytes) -> None:
        self.sent.append(json.loads(line))


async def test_answers_find_their_requests_in_any_order() -> None:
    wire = Wire()
    channel = ControlChannel(wire.write, Redactor())
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(channel.request("set_model", SECOND, model="m"))
        second = tasks.create_task(channel.request("interrupt", SECOND))
        await asyncio.sleep(0)
        assert [sent["request"] for sent in wire.sent] == [
            {"subtype": "set_model", "model": "m"},
            {"subtype": "interrupt"},
        ]
        assert channel.waiting
        ids = [sent["request_id"] for sent in wire.sent]
        channel.answered(ControlAnswer(ids[1], {"second": 2}))
        channel.answered(ControlAnswer(ids[1], {"again": 2}))
        channel.answered(ControlAnswer("echo", {}))
        channel.answered(ControlAnswer(ids[0], {"first": 1}))
    assert (first.result(), second.result()) == ({"first": 1}, {"second": 2})
    assert not channel.waiting
    channel.answered(ControlAnswer(ids[0], {"late": 1}))


async def test_a_refusal_fails_without_its_secrets() -> None:
    wire = Wire()
    channel = ControlChannel(wire.write, Redactor(["s3cret-value"]))

    async def refuse() -> None:
        await asyncio.sleep(0)
        channel.answered(ControlAnswer(wire.sent[0]["request_id"], {}, "no s3cret-value"))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(refuse())
        with pytest.raises(ProcessFailed, match=r"set_model: no \[redacted\]") as refused:
            await channel.request("set_model", SECOND)
    assert refused.value.reason == "CONTROL_REFUSED"


async def test_silence_fails_in_time() -> None:
    channel = ControlChannel(Wire().write, Redactor())
    with pytest.raises(ProcessFailed) as silent:
        await channel.request("interrupt", 0.01 * SECOND)
    assert silent.value.reason == "CONTROL_TIMEOUT"
    assert not channel.waiting


async def test_the_end_of_the_process_fails_all_that_wait_and_all_that_come_later() -> None:
    channel = ControlChannel(Wire().write, Redactor())

    async def close() -> None:
        await asyncio.sleep(0)
        channel.close()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(close())
        with pytest.raises(ProcessFailed) as ended:
            await channel.request("interrupt", SECOND)
    assert ended.value.reason == "PROCESS_EXITED"
    with pytest.raises(ProcessFailed, match="ended without an answer"):
        await channel.request("interrupt", SECOND)


def test_what_we_do_not_serve_is_refused_in_the_clis_own_terms() -> None:
    assert json.loads(unserved("r1", "hook_callback")) == {
        "type": "control_response",
        "response": {
            "subtype": "error",
            "request_id": "r1",
            "error": "hook_callback is not supported by this host",
            "error_code": "unsupported_request",
        },
    }
