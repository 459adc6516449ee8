"""What the model's API answers, as a program meets it: by code, reason, status and delay, after bounded tries."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

import pytest
from google.rpc import code_pb2, error_details_pb2

from greenroom.v1 import event_pb2, plan_limit_pb2, turn_pb2
from greenroom.v1.config_pb2 import SessionConfig
from greenroom.v1.profile_pb2 import Profile
from greenroom.v1.profile_service_pb2 import CreateProfileRequest, GetProfileRequest
from greenroom.v1.turn_pb2 import Turn
from greenroom_server import GreenroomServer
from shared_servers import SharedServers
from standin.model_api import ModelApi
from story import create, get, names, run_turn, scripted, working

TOKEN = "sk-ant-oat01-fake"
HOUR = 3600


@pytest.fixture
async def server(servers: SharedServers, model_api: ModelApi) -> AsyncIterator[GreenroomServer]:
    """A server that repeats a request once."""
    async with servers.real(
        model_api.cli_environment, api_max_retries="1", api_retry_timeout="30s"
    ) as running:
        yield running


def info_of(turn: Turn) -> error_details_pb2.ErrorInfo:
    assert turn.state == turn_pb2.TURN_STATE_FAILED
    info = error_details_pb2.ErrorInfo()
    assert turn.error.details[0].Unpack(info)
    return info


def delay_of(turn: Turn) -> float | None:
    """Return the seconds to wait that the error names, if it does."""
    delay = error_details_pb2.RetryInfo()
    found = [packed for packed in turn.error.details if packed.Unpack(delay)]
    return delay.retry_delay.ToTimedelta().total_seconds() if found else None


async def refused(server: GreenroomServer, *, token: str = "", model: str = "", **step: object) -> Turn:
    """Run a turn that the API does not answer."""
    session = await create(server, working(server, oauth_token=token, model=model))
    turn, events = await run_turn(server, session.session_id, scripted("x", step))
    assert names(events)[-1] == "turn_failed"
    assert events[-1].turn_failed.turn == turn
    return turn


CASES = [
    (401, "", "API_CREDENTIALS_REFUSED", code_pb2.FAILED_PRECONDITION, 1),
    (401, TOKEN, "API_CREDENTIALS_REFUSED", code_pb2.FAILED_PRECONDITION, 1),
    (403, "", "API_CREDENTIALS_REFUSED", code_pb2.FAILED_PRECONDITION, 1),
    (402, "", "API_LIMIT_REACHED", code_pb2.RESOURCE_EXHAUSTED, 1),
    (413, "", "API_REQUEST_REFUSED", code_pb2.INVALID_ARGUMENT, 1),
    (404, "", "API_REQUEST_REFUSED", code_pb2.INVALID_ARGUMENT, 2),
    (429, "", "API_LIMIT_REACHED", code_pb2.RESOURCE_EXHAUSTED, 2),
    (500, "", "API_ERROR", code_pb2.UNAVAILABLE, 2),
    (529, "", "API_ERROR", code_pb2.UNAVAILABLE, 2),
]


@pytest.mark.parametrize(("status", "token", "reason", "code", "requests"), CASES)
async def test_an_answer_of_the_api_tells_whether_to_repeat(
    server: GreenroomServer,
    model_api: ModelApi,
    status: int,
    token: str,
    reason: str,
    code: int,
    requests: int,
) -> None:
    model_api.reset()
    turn = await refused(server, token=token, status=status)
    info = info_of(turn)
    assert (info.reason, turn.error.code) == (reason, code)
    assert info.metadata["api_status"] == str(status)
    assert len(model_api.requests()) == requests
    repeated = status in (429, 500, 529)
    assert (delay_of(turn) is not None) == repeated


async def test_a_refused_request_is_not_sent_again_without_the_features_that_an_api_may_not_know(
    servers: SharedServers, model_api: ModelApi
) -> None:
    environment = {**model_api.cli_environment, "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "1"}
    async with servers.real(environment, api_max_retries="1", api_retry_timeout="30s") as server:
        model_api.reset()
        turn = await refused(server, status=400, message="messages: at least one is required")
        assert info_of(turn).reason == "API_REQUEST_REFUSED"
        assert "messages: at least one is required" in turn.error.message
        assert info_of(turn).metadata["api_request_id"].startswith("req_")
        assert len(model_api.requests()) == 1


async def test_a_turn_goes_on_trying_as_often_as_the_operator_says_with_opus_too(
    servers: SharedServers, model_api: ModelApi
) -> None:
    """By itself the CLI gives up an overloaded Opus at the third answer."""
    async with servers.real(model_api.cli_environment, api_max_retries="3") as server:
        session = await create(server, working(server, model="opus"))
        model_api.reset()
        flaky = {"status": 529, "times": 3, "then": {"text": "better now"}}
        turn, _ = await run_turn(server, session.session_id, scripted("x", flaky))
        assert turn.result_text == "better now"
        assert len(model_api.requests()) == 4


async def test_a_wait_beyond_the_operators_timeout_is_told_and_not_waited_for(
    server: GreenroomServer, model_api: ModelApi
) -> None:
    began = time.monotonic()
    turn = await refused(server, status=429, headers={"retry-after": 300})
    assert time.monotonic() - began < 240
    assert info_of(turn).metadata["limit_kind"] == "RATE"
    delay = delay_of(turn)
    assert delay is not None
    assert 300 <= delay <= 380  # the CLI adds up to a quarter


async def test_a_session_goes_on_after_a_turn_that_was_given_up(server: GreenroomServer) -> None:
    session = await create(server)
    turn, _ = await run_turn(server, session.session_id, scripted("x", {"status": 401}))
    assert info_of(turn).reason == "API_CREDENTIALS_REFUSED"
    again, _ = await run_turn(server, session.session_id, scripted("y", {"text": "fine again"}))
    assert again.result_text == "fine again"


def limit(status: str, used: float) -> Mapping[str, object]:
    return {"status": status, "used": used, "resets": HOUR}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("five_hour", plan_limit_pb2.PLAN_LIMIT_KIND_FIVE_HOUR),
        ("seven_day", plan_limit_pb2.PLAN_LIMIT_KIND_WEEKLY),
        ("seven_day_opus", plan_limit_pb2.PLAN_LIMIT_KIND_WEEKLY_OPUS),
    ],
)
async def test_a_plan_that_is_used_up_is_told_with_its_reset_time(
    server: GreenroomServer, name: str, kind: plan_limit_pb2.PlanLimitKind.ValueType
) -> None:
    turn = await refused(server, token=TOKEN, status=429, limits={name: limit("rejected", 1)})
    info = info_of(turn)
    assert (info.reason, turn.error.code) == ("API_LIMIT_REACHED", code_pb2.RESOURCE_EXHAUSTED)
    kind_name = plan_limit_pb2.PlanLimitKind.Name(kind)
    assert info.metadata["limit_kind"] == kind_name.removeprefix("PLAN_LIMIT_KIND_")
    resets_at = datetime.fromisoformat(info.metadata["resets_at"])
    assert 0 < (resets_at - datetime.now(UTC)).total_seconds() <= HOUR
    delay = delay_of(turn)
    assert delay is not None
    assert HOUR - 60 <= delay <= HOUR
    (used_up,) = (each for each in turn.plan_limits if each.name == name)
    assert (used_up.kind, used_up.state) == (kind, plan_limit_pb2.PLAN_LIMIT_STATE_USED_UP)
    assert used_up.reset_time.ToDatetime(UTC) == resets_at


async def test_a_plan_that_is_nearly_used_up_warns_on_turn_session_and_stream(
    server: GreenroomServer,
) -> None:
    session = await create(server, working(server, oauth_token=TOKEN))
    limits = {"five_hour": limit("allowed_warning", 0.93), "seven_day": limit("allowed", 0.4)}
    turn, events = await run_turn(
        server, session.session_id, scripted("x", {"text": "well", "limits": limits})
    )
    assert turn.state == turn_pb2.TURN_STATE_COMPLETED
    states = {each.name: (each.state, each.used) for each in turn.plan_limits}
    assert states == {
        "five_hour": (plan_limit_pb2.PLAN_LIMIT_STATE_WARNING, 0.93),
        "seven_day": (plan_limit_pb2.PLAN_LIMIT_STATE_ALLOWED, 0.4),
    }
    assert list((await get(server, session.session_id)).plan_limits) == list(turn.plan_limits)
    (told,) = (event for event in events if event.type == event_pb2.EVENT_TYPE_SESSION_PLAN_LIMITS_CHANGED)
    assert list(told.session_plan_limits_changed.plan_limits) == list(turn.plan_limits)


async def test_a_model_that_is_overloaded_is_replaced_by_the_next_and_the_turn_says_so(
    servers: SharedServers, model_api: ModelApi
) -> None:
    async with servers.real(model_api.cli_environment, api_max_retries="3") as server:
        session = await create(server, working(server, model="opus", fallback_models=["haiku"]))
        assert list(session.config.fallback_models) == ["haiku"]
        overloaded = {"status": 529, "times": 3, "then": {"text": "from another"}}
        turn, _ = await run_turn(server, session.session_id, scripted("x", overloaded))
        assert turn.result_text == "from another"
        assert [model.split("-")[1] for model in turn.models] == ["haiku"]
        next_one, _ = await run_turn(server, session.session_id, scripted("y", {"text": "well"}))
        assert [model.split("-")[1] for model in next_one.models] == ["opus"]


async def test_a_profile_knows_the_limits_of_its_subscription_and_not_those_of_another(
    server: GreenroomServer,
) -> None:
    profile = Profile(profile_id="ann", config=SessionConfig(oauth_token=TOKEN))
    await server.profiles.CreateProfile(CreateProfileRequest(profile=profile))
    for token, name in (("", "seven_day"), ("sk-ant-oat01-other", "five_hour")):
        session = await create(server, working(server, oauth_token=token), profile_id="ann")
        limits = {name: limit("allowed_warning", 0.8)}
        turn, _ = await run_turn(
            server, session.session_id, scripted("x", {"text": "well", "limits": limits})
        )
        assert [each.name for each in turn.plan_limits] == [name]
    known = (await server.profiles.GetProfile(GetProfileRequest(profile_id="ann"))).profile
    assert [(each.name, each.state) for each in known.plan_limits] == [
        ("seven_day", plan_limit_pb2.PLAN_LIMIT_STATE_WARNING)
    ]
