"""The stand-in of the model API answers as its plan says; other tests rely on that."""

import http.client
import json
import subprocess
import sys
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from standin.model_api import TESTS, ModelApi
from standin.plan import JsonObject

TOOLS = [{"name": "Bash", "input_schema": {"type": "object"}}]


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": text}]}


def assistant() -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "text", "text": "."}]}


def ask(api: ModelApi, *messages: JsonObject, session: str = "s1", **more: object) -> dict[str, Any]:
    body = json.dumps({"model": "m", "max_tokens": 9, "messages": messages, **more}).encode()
    request = Request(f"{api.url}/v1/messages", body, {"x-claude-code-session-id": session})
    with urlopen(request) as answer:
        message: dict[str, Any] = json.load(answer)
        return message


def said(message: JsonObject) -> list[str]:
    return [block["text"] for block in message["content"]]


def test_the_plan_in_the_prompt_goes_on_with_each_answer(model_api: ModelApi) -> None:
    prompt = user('go [[stub [{"tool": "Bash", "input": {"command": "ls"}}, {"text": "finished"}]]]')
    first = ask(model_api, prompt, tools=TOOLS)
    assert [(block["name"], block["input"]) for block in first["content"]] == [("Bash", {"command": "ls"})]
    assert first["stop_reason"] == "tool_use"
    assert said(ask(model_api, prompt, assistant(), user("result"))) == ["finished"]
    assert said(ask(model_api, prompt, assistant(), user("result"), assistant(), user("more"))) == ["done"]


def test_a_pushed_plan_is_used_up_and_only_by_its_session(model_api: ModelApi) -> None:
    model_api.plan("s1", {"text": "one"}, {"text": "two"})
    assert said(ask(model_api, user("?"), session="s2")) == ["hello from stub"]
    assert [said(ask(model_api, user("?"))) for _ in range(3)] == [["one"], ["two"], ["hello from stub"]]


def test_a_step_fails_only_as_often_as_it_says(model_api: ModelApi) -> None:
    prompt = user('go [[stub {"status": 529, "times": 2, "then": {"text": "at last"}}]]')
    for _ in range(2):
        with pytest.raises(HTTPError) as refused:
            ask(model_api, prompt)
        with refused.value as answer:
            assert answer.status == 529
            assert json.load(answer)["error"]["type"] == "overloaded_error"
    assert said(ask(model_api, prompt)) == ["at last"]


def test_a_requests_facts_can_be_waited_for(model_api: ModelApi) -> None:
    ask(model_api, user("?"), temperature=0.3, tools=TOOLS, system=[{"type": "text", "text": "be brief"}])
    (seen,) = model_api.requests("s1", at_least=1)
    assert (seen["model"], seen["temperature"], seen["tools"]) == ("m", 0.3, ["Bash"])
    assert seen["system_tail"] == "be brief"
    with pytest.raises(AssertionError, match="1 requests of s1"):
        model_api.requests("s1", at_least=2, within=0.01)


def test_a_plan_with_an_unknown_key_is_refused_or_answered_with_the_reason(model_api: ModelApi) -> None:
    with pytest.raises(ValueError, match="no such key in a step: txt"):
        model_api.plan("s1", {"txt": "?"})
    assert said(ask(model_api, user('[[stub {"txt": 1}]]'))) == ["stub: bad plan: no such key in a step: txt"]


@pytest.mark.parametrize("text", ["a few words", "x" * 100_000], ids=["short", "long"])
def test_a_stream_adds_up_to_the_whole_text(model_api: ModelApi, text: str) -> None:
    model_api.plan("s1", {"text": text, "thinking": "hm"})
    kinds, parts = streamed(model_api)
    assert "".join(parts) == text
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]


def test_a_cut_stream_ends_without_its_end(model_api: ModelApi) -> None:
    model_api.plan("s1", {"text": "a few words", "cut": True})
    with pytest.raises(http.client.IncompleteRead):
        streamed(model_api)


def test_an_error_in_a_stream_is_an_event(model_api: ModelApi) -> None:
    model_api.plan("s1", {"text": "a few words", "sse_error": True})
    kinds, _ = streamed(model_api)
    assert kinds[-1] == "error"


def streamed(api: ModelApi) -> tuple[list[str], list[str]]:
    """Return the kinds of all events, and the pieces of text among them."""
    body = json.dumps({"model": "m", "max_tokens": 9, "messages": [user("?")], "stream": True}).encode()
    with urlopen(Request(f"{api.url}/v1/messages", body, {"x-claude-code-session-id": "s1"})) as answer:
        lines = answer.read().decode().splitlines()
    data = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    deltas = [event["delta"] for event in data if event["type"] == "content_block_delta"]
    return [event["type"] for event in data], [delta["text"] for delta in deltas if "text" in delta]


def billed(api: ModelApi) -> list[JsonObject]:
    """Return what was billed of each request, oldest first."""
    return [entry["billed"] for entry in api.requests("s1")]


def test_each_request_is_billed_what_was_sent_of_its_answer(model_api: ModelApi) -> None:
    usage = {"input_tokens": 7, "output_tokens": 30}
    model_api.plan("s1", {"usage": usage}, {"usage": usage, "cut": True}, {"status": 529})
    streamed(model_api)
    with pytest.raises(http.client.IncompleteRead):
        streamed(model_api)
    with pytest.raises(HTTPError):
        ask(model_api, user("?"))
    whole, cut, refused = billed(model_api)
    assert (whole["input_tokens"], whole["output_tokens"]) == (7, 30)
    assert (cut["input_tokens"], cut["output_tokens"]) == (7, 1)
    assert refused is None


def test_usage_that_varies_is_never_the_same(model_api: ModelApi) -> None:
    model_api.vary_usage("seed")
    for _ in range(5):
        ask(model_api, user("?"))
    assert len({json.dumps(usage) for usage in billed(model_api)}) == 5


CALL = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}}
ANSWER = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}
NO_PICTURE = {"type": "base64", "media_type": "image/png", "data": "bm8gcGljdHVyZQ=="}


def blocks(role: str, *content: JsonObject) -> JsonObject:
    return {"role": role, "content": list(content)}


def effort(level: str) -> JsonObject:
    return {"output_config": {"effort": level}}


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
        ({"messages": []}, "at least one message"),
        ({"messages": [{"role": "tool", "content": "?"}]}, "Unexpected role"),
        ({"messages": [blocks("assistant", {"type": "text", "text": "?"})]}, "must use the user role"),
        ({"messages": [blocks("user")]}, "must have non-empty content"),
        ({"messages": [blocks("user", {"type": "text", "text": ""})]}, "must be non-empty"),
        ({"messages": [blocks("user", {"type": "text", "text": " "})]}, "must contain non-whitespace"),
        ({"messages": [user("?"), blocks("system")]}, "must have non-empty content"),
        ({"messages": [user("?"), {**blocks("system"), **effort("great")}]}, "must have non-empty content"),
        ({"messages": [{**blocks("user"), **effort("max")}]}, "must have non-empty content"),
        ({"messages": [blocks("user", ANSWER)]}, "unexpected `tool_use_id`"),
        ({"messages": [user("?"), blocks("assistant", CALL), user("?")]}, "without `tool_result` blocks"),
        ({"messages": [blocks("user", {"type": "image", "source": NO_PICTURE})]}, "not process image"),
        ({"tools": [{"name": "Bash", "input_schema": {}}]}, "input_schema.type"),
        ({"tools": TOOLS * 2}, "must be unique"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "must be greater than"),
    ],
)
def test_what_the_real_api_refuses_is_refused(model_api: ModelApi, request_: JsonObject, why: str) -> None:
    model_api.expect_refusals()
    whole = {"messages": [user("?")], **request_}
    with pytest.raises(HTTPError) as refused:
        ask(model_api, *whole.pop("messages"), **whole)
    with refused.value as answer:
        assert answer.status == 400
        assert why in json.load(answer)["error"]["message"]
    (entry,) = model_api.requests("s1")
    assert why in entry["refused"]


def test_a_refusal_that_a_test_does_not_expect_fails_it(model_api: ModelApi) -> None:
    model_api.check()
    with pytest.raises(HTTPError) as refused:
        ask(model_api, blocks("user"))
    refused.value.close()
    with pytest.raises(AssertionError, match="must have non-empty content"):
        model_api.check()
    model_api.expect_refusals()
    model_api.check()
    model_api.reset()
    ask(model_api, user("?"))
    model_api.check()


def test_a_whole_conversation_is_taken(model_api: ModelApi) -> None:
    conversation = [user("?"), blocks("assistant", CALL), blocks("user", ANSWER), user("and?")]
    conversation.append({**blocks("system"), **effort("max")})
    assert said(ask(model_api, *conversation)) == ["hello from stub"]


def test_it_ends_when_its_input_does() -> None:
    command = [sys.executable, "-m", "standin", "--until-eof"]
    with subprocess.Popen(command, cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"http://127.0.0.1:")
    assert process.returncode == 0
