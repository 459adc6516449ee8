"""UpdateSession: what changes at once, what reaches the process and when, and what is refused."""

import asyncio
import json
from collections.abc import Iterable

import grpc.aio
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.struct_pb2 import Struct
from google.rpc.error_details_pb2 import PreconditionFailure

from files_below import files_holding
from greenroom.v1 import config_pb2, session_pb2
from greenroom.v1.config_pb2 import SessionConfig
from greenroom.v1.event_pb2 import Event
from greenroom.v1.session_pb2 import Session
from greenroom.v1.session_service_pb2 import (
    CONFIG_APPLY_NEXT_START,
    CONFIG_APPLY_NOW,
    RestartSessionRequest,
    StartMode,
    UpdateSessionRequest,
    WaitSessionRequest,
)
from greenroom.v1.turn_service_pb2 import InterruptTurnRequest
from greenroom_server import GreenroomServer
from shared_servers import SharedServers
from standin.model_api import ModelApi
from story import (
    conversation,
    create,
    get,
    history,
    names,
    run_turn,
    scripted,
    start_turn,
    until,
    working,
)
from unit.rpc.refusal import Refusal, refused

MANUAL = StartMode.START_MODE_MANUAL
ACTIVE = session_pb2.SESSION_STATE_ACTIVE
IDLE = session_pb2.SESSION_STATE_IDLE
READY = session_pb2.SESSION_STATE_READY


def change(given: Session, *paths: str, **fields: object) -> UpdateSessionRequest:
    return UpdateSessionRequest(session=given, update_mask=FieldMask(paths=paths), **fields)  # type: ignore[arg-type]


async def update(server: GreenroomServer, given: Session, *paths: str, **fields: object) -> Session:
    return (await server.sessions.UpdateSession(change(given, *paths, **fields))).session


def configured(session: Session, **options: object) -> Session:
    return Session(session_id=session.session_id, config=SessionConfig(**options))  # type: ignore[arg-type]


async def observed(server: GreenroomServer, session: Session) -> Session:
    """Wait until the process follows the newest generation."""
    while True:
        now = await get(server, session.session_id)
        if now.observed_config_generation == now.config_generation:
            return now
        request = WaitSessionRequest(session_id=session.session_id, after_revision=now.revision)
        request.timeout.FromSeconds(20)
        assert (await server.sessions.WaitSession(request)).matched


async def say(server: GreenroomServer, session: Session, word: str) -> None:
    await run_turn(server, session.session_id, scripted(word, {"text": f"heard {word}"}))


def applications(events: Iterable[Event]) -> list[tuple[int, bool]]:
    told = [event.session_config_applied for event in events if event.HasField("session_config_applied")]
    return [(each.config_generation, each.restarted) for each in told]


async def test_what_describes_it_changes_at_once_and_by_key(fake_server: GreenroomServer) -> None:
    server = fake_server
    metadata = Struct()
    metadata.update({"ticket": 7, "kept": True})
    session = await create(
        server, start_mode=MANUAL, labels={"team": "red", "tier": "1"}, metadata=metadata, display_name="old"
    )
    given = Session(session_id=session.session_id, display_name="new", labels={"team": "blue"})
    after = await update(server, given, "display_name", "labels.team", "labels.tier", "metadata.ticket")
    assert after.display_name == "new"
    assert dict(after.labels) == {"team": "blue"}
    assert dict(after.metadata) == {"kept": True}
    assert after.config_generation == session.config_generation == 1
    assert after.etag != session.etag
    assert after == await get(server, session.session_id)
    event = (await history(server, session.session_id))[-1]
    assert list(event.session_updated.update_mask.paths)[:2] == ["display_name", "labels.team"]
    assert event.session_updated.session.display_name == "new"
    assert event.revision == after.revision


async def test_model_and_permission_mode_change_in_the_process(
    server: GreenroomServer, model_api: ModelApi
) -> None:
    session = await create(server, working(server, model="claude-opus-5-5"))
    await say(server, session, "one")
    before = await get(server, session.session_id)
    mode = config_pb2.PERMISSION_MODE_PLAN
    given = configured(session, model="claude-haiku-5-5", permission_mode=mode)
    answer = await update(server, given, "config.model", "config.permission_mode")
    assert (answer.config_generation, answer.config.model) == (2, "claude-haiku-5-5")
    after = await observed(server, session)
    await say(server, session, "two")
    first, *_, last = model_api.requests(session.cli_session_id)
    assert (first["model"], last["model"]) == ("claude-opus-5-5", "claude-haiku-5-5")
    assert after.process.pid == before.process.pid
    told = await history(server, session.session_id)
    assert applications(told) == [(2, False)]
    inits = [event.message_system for event in told if event.message_system.subtype == "init"]
    modes = [json.loads(init.raw_frame)["permissionMode"] for init in inits]
    assert modes == ["acceptEdits", "plan"]


async def test_how_much_the_model_thinks_changes_in_the_process(
    server: GreenroomServer, model_api: ModelApi
) -> None:
    # Of these two models, one decides by itself, the other takes a budget.
    config = working(server, model="claude-opus-5-5", effort=config_pb2.EFFORT_LOW, max_thinking_tokens=2048)
    session = await create(server, config)
    await say(server, session, "one")
    before = await get(server, session.session_id)
    given = configured(session, model="claude-haiku-4-5", effort=config_pb2.EFFORT_MAX)
    await update(server, given, "config.effort")
    await observed(server, session)
    await say(server, session, "two")
    await update(server, given, "config.effort", "config.model")
    await observed(server, session)
    await say(server, session, "three")
    given = configured(session, max_thinking_tokens=4096)
    await update(server, given, "config.effort", "config.max_thinking_tokens")
    after = await observed(server, session)
    await say(server, session, "four")
    assert after.process.pid == before.process.pid
    seen = model_api.requests(session.cli_session_id)
    asked = [(each["effort"], each["thinking"].get("budget_tokens")) for each in seen if each["tools"]]
    assert asked == [("low", None), ("max", None), (None, 2048), (None, 4096)]


async def test_the_rest_takes_another_process_and_keeps_the_conversation(
    server: GreenroomServer, model_api: ModelApi
) -> None:
    session = await create(server, working(server, system_prompt="You are one.", oauth_token="token-one"))
    await say(server, session, "one")
    before = await get(server, session.session_id)
    given = configured(session, system_prompt="You are two.", environment={"COLOUR": "red"})
    await update(server, given, "config.system_prompt", "config.environment.COLOUR")
    after = await observed(server, session)
    assert after.process.pid != before.process.pid
    assert after.process.restart_count == 1
    await say(server, session, "two")
    assert conversation(model_api, session.cli_session_id) == ["one", "heard one", "two"]
    request = model_api.requests(session.cli_session_id)[-1]
    assert "You are two." in request["system_tail"]
    assert "You are one." not in request["system_tail"]
    assert request["auth"] == {"authorization": "Bearer token-one"}
    told = await history(server, session.session_id)
    assert applications(told) == [(2, True)]
    assert "session_restarted" in names(told)


async def test_a_new_token_reaches_the_next_request_and_none_removes_it(
    server: GreenroomServer, model_api: ModelApi
) -> None:
    session = await create(server, working(server, oauth_token="token-one"))
    await say(server, session, "one")
    answer = await update(server, configured(session, oauth_token="token-two"), "config.oauth_token")
    assert (answer.config.oauth_token, answer.config.oauth_token_set) == ("", True)
    await observed(server, session)
    await say(server, session, "two")
    answer = await get(server, session.session_id)
    answer.config.model = "claude-haiku-5-5"
    answer = await update(server, answer, "config")
    assert answer.config.oauth_token_set
    await observed(server, session)
    await say(server, session, "as it was read")
    assert model_api.requests(session.cli_session_id)[-1]["auth"] == {"authorization": "Bearer token-two"}
    answer = await update(server, configured(session), "config.oauth_token")
    assert not answer.config.oauth_token_set
    await observed(server, session)
    await say(server, session, "three")
    auth = [request["auth"] for request in model_api.requests(session.cli_session_id)]
    assert auth[0] == {"authorization": "Bearer token-one"}
    assert {"authorization": "Bearer token-two"} in auth
    assert auth[-1] == {"x-api-key": "stub-key"}


async def test_an_api_key_is_the_sessions_only_credential_and_stays_secret(
    server: GreenroomServer, model_api: ModelApi
) -> None:
    session = await create(server, working(server, api_key="tenants-own-key"))
    assert (session.config.api_key, session.config.oauth_token_set) == ("", True)
    await say(server, session, "one")
    assert model_api.requests(session.cli_session_id)[-1]["auth"] == {"x-api-key": "tenants-own-key"}
    await update(server, configured(session, oauth_token="token-two"), "config.oauth_token")
    await observed(server, session)
    await say(server, session, "two")
    assert model_api.requests(session.cli_session_id)[-1]["auth"] == {"authorization": "Bearer token-two"}
    await update(server, configured(session, api_key="another-key"), "config.api_key")
    await observed(server, session)
    await say(server, session, "three")
    assert model_api.requests(session.cli_session_id)[-1]["auth"] == {"x-api-key": "another-key"}
    assert not files_holding(server.state.parent, "tenants-own-key")
    answer = await update(server, configured(session), "config.api_key")
    assert not answer.config.oauth_token_set
    both = working(server, oauth_token="token", api_key="key")
    refusal = await refused(create(server, both))
    assert [violation.field for violation in refusal.violations] == ["config.api_key"]


async def test_while_a_turn_runs_it_waits_or_is_refused(server: GreenroomServer, model_api: ModelApi) -> None:
    session = await create(server)
    turn = await start_turn(server, session.session_id, scripted("slow", {"hang": True}))
    active = await until(server, session.session_id, ACTIVE)
    given = configured(session, model="claude-haiku-5-5", append_system_prompt="Be brief.")
    refusal = await refused(
        server.sessions.UpdateSession(change(given, "config.model", apply=CONFIG_APPLY_NOW))
    )
    assert (refusal.code.name, refusal.reason) == ("FAILED_PRECONDITION", "TURN_RUNNING")
    (violation,) = refusal.detail(PreconditionFailure).violations
    assert (violation.type, violation.subject) == ("TURN", session.session_id)
    waiting = await update(server, given, "config.append_system_prompt")
    assert (waiting.config_generation, waiting.observed_config_generation) == (2, 1)
    assert (waiting.state, waiting.process.pid) == (ACTIVE, active.process.pid)
    await server.turns.InterruptTurn(
        InterruptTurnRequest(session_id=session.session_id, turn_id=turn.turn_id)
    )
    await observed(server, session)
    await say(server, session, "two")
    assert "Be brief." in model_api.requests(session.cli_session_id)[-1]["system_tail"]


async def test_the_next_start_brings_what_waits_for_it(server: GreenroomServer, model_api: ModelApi) -> None:
    session = await create(server)
    await say(server, session, "one")
    before = await get(server, session.session_id)
    given = configured(session, append_system_prompt="Be brief.")
    await update(server, given, "config.append_system_prompt", apply=CONFIG_APPLY_NEXT_START)
    await say(server, session, "two")
    same = await get(server, session.session_id)
    assert same.process.pid == before.process.pid
    assert (same.config_generation, same.observed_config_generation) == (2, 1)
    await server.sessions.RestartSession(RestartSessionRequest(session_id=session.session_id))
    await observed(server, session)
    await say(server, session, "three")
    tails = [request["system_tail"] for request in model_api.requests(session.cli_session_id)]
    assert "Be brief." not in tails[-2]
    assert "Be brief." in tails[-1]
    assert applications(await history(server, session.session_id)) == [(2, True)]


async def test_limits_and_idleness_need_no_process(fake_server: GreenroomServer) -> None:
    server = fake_server
    config = working(server, on_idle=config_pb2.ON_IDLE_KEEP)
    session = await create(server, config)
    ready = await until(server, session.session_id, READY)
    given = configured(session, on_idle=config_pb2.ON_IDLE_CLOSE)
    given.config.limits.idle_timeout.FromSeconds(1)
    answer = await update(server, given, "config.on_idle", "config.limits.idle_timeout")
    assert (answer.config_generation, answer.observed_config_generation) == (2, 2)
    assert answer.process.pid == ready.process.pid
    closed = await until(server, session.session_id, session_pb2.SESSION_STATE_CLOSED)
    assert (closed.state_reason, closed.process.restart_count) == ("IDLE_TIMEOUT", 0)
    assert applications(await history(server, session.session_id)) == [(2, False)]


async def test_what_cannot_be_changed_is_refused_with_every_reason(fake_server: GreenroomServer) -> None:
    server = fake_server
    session = await create(server, start_mode=MANUAL)
    given = configured(session, working_dir="/elsewhere", max_turns=-1, permission_mode=99)
    given.labels["Team"] = "x"
    paths = ["config.working_dir", "config.colour", "state", "labels.team"]
    refusal = await refused(server.sessions.UpdateSession(change(given, *paths)))
    assert (refusal.code.name, refusal.reason) == ("INVALID_ARGUMENT", "INVALID_UPDATE_MASK")
    said = [violation.description for violation in refusal.violations]
    assert len(said) == 3
    assert '"config.working_dir" is immutable' in said
    assert (await refused(server.sessions.UpdateSession(change(given)))).reason == "INVALID_UPDATE_MASK"
    request = change(given, "config.max_turns", "labels", apply=17)
    refusal = await refused(server.sessions.UpdateSession(request))
    assert (refusal.code.name, refusal.reason) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert {violation.field for violation in refusal.violations} == {
        "apply",
        "session.config.permission_mode",
        "session.config.max_turns",
        'session.labels["Team"]',
    }
    refusal = await refused(server.sessions.UpdateSession(change(Session(), "labels")))
    assert [violation.field for violation in refusal.violations] == ["session.session_id"]
    assert await get(server, session.session_id) == session


async def test_of_a_hundred_changes_one_wins_each_generation(fake_server: GreenroomServer) -> None:
    server = fake_server
    session = await create(server)
    session = await until(server, session.session_id, READY)
    wins: list[int] = []

    async def compete(number: int) -> None:
        now = session
        while True:
            given = configured(session, max_turns=number)
            given.etag = now.etag
            try:
                won = await update(server, given, "config.max_turns", apply=CONFIG_APPLY_NEXT_START)
            except grpc.aio.AioRpcError as error:
                refusal = Refusal(error)
                assert (refusal.code.name, refusal.reason) == ("ABORTED", "ETAG_MISMATCH")
                now = Session(etag=refusal.metadata["etag"])
                continue
            assert won.config.max_turns == number
            wins.append(won.config_generation)
            return

    async with asyncio.TaskGroup() as group:
        for number in range(1, 101):
            group.create_task(compete(number))
    assert wins == sorted(wins)
    assert set(wins) == set(range(2, 102))


async def test_to_bypass_permissions_takes_the_operators_consent(server: GreenroomServer) -> None:
    session = await create(server, start_mode=MANUAL)
    mode = config_pb2.PERMISSION_MODE_BYPASS_PERMISSIONS
    request = change(configured(session, permission_mode=mode), "config.permission_mode")
    refusal = await refused(server.sessions.UpdateSession(request))
    assert [violation.field for violation in refusal.violations] == ["session.config.permission_mode"]
    refusal = await refused(create(server, working(server, permission_mode=mode)))
    assert [violation.field for violation in refusal.violations] == ["config.permission_mode"]
    assert "GREENROOM_ALLOW_BYPASS_PERMISSIONS" in refusal.violations[0].description


async def test_with_consent_a_restart_bypasses_permissions(
    servers: SharedServers, model_api: ModelApi
) -> None:
    environment = {**model_api.cli_environment, "IS_SANDBOX": "1"}  # else the CLI refuses it to root
    async with servers.real(environment, allow_bypass_permissions="true") as server:
        session = await create(server, working(server, permission_mode=config_pb2.PERMISSION_MODE_DEFAULT))
        await say(server, session, "one")
        mode = config_pb2.PERMISSION_MODE_BYPASS_PERMISSIONS
        await update(server, configured(session, permission_mode=mode), "config.permission_mode")
        after = await observed(server, session)
        assert after.process.restart_count == 1
        command = {"command": "touch unasked", "description": "x"}
        prompt = scripted("two", {"tool": "Bash", "input": command}, {"text": "done"})
        turn, events = await run_turn(server, session.session_id, prompt)
        assert turn.result_text == "done"
        assert (server.work / "unasked").exists()
        assert "approval_requested" not in names(events)
        assert conversation(model_api, session.cli_session_id)[:3] == ["one", "heard one", "two"]
