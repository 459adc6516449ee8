"""Profiles over a real socket, on both databases: kept, laid below sessions, limited, refused."""

from __future__ import annotations

import asyncio
import hashlib
import uuid

import grpc
import grpc.aio
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from google.rpc import error_details_pb2 as details

from fake_cli.installed import turn
from greenroom.v1 import config_pb2
from greenroom.v1.config_pb2 import SessionConfig
from greenroom.v1.profile_pb2 import Profile
from greenroom.v1.profile_service_pb2 import (
    CreateProfileRequest,
    DeleteProfileRequest,
    GetProfileRequest,
    ListProfilesRequest,
    UpdateProfileRequest,
)
from greenroom.v1.session_pb2 import Session
from greenroom.v1.session_service_pb2 import (
    START_MODE_MANUAL,
    CloseSessionRequest,
    CreateSessionRequest,
    ListSessionsRequest,
    SessionFilter,
)
from greenroom_server import GreenroomServer
from story import detail_of, get, run_turn

C = grpc.StatusCode


def struct(value: dict[str, object]) -> Struct:
    return ParseDict(value, Struct())


async def keep(server: GreenroomServer, name: str = "reviewer", **fields: object) -> Profile:
    """Store a profile."""
    profile = Profile(profile_id=name, **fields)  # type: ignore[arg-type]
    return (await server.profiles.CreateProfile(CreateProfileRequest(profile=profile))).profile


async def update(server: GreenroomServer, profile: Profile, *paths: str) -> Profile:
    """Change what the paths name."""
    request = UpdateProfileRequest(profile=profile, update_mask=FieldMask(paths=paths))
    return (await server.profiles.UpdateProfile(request)).profile


async def make(server: GreenroomServer, config: SessionConfig | None = None, **fields: object) -> Session:
    """Create a session of the profile that is not started."""
    fields = {"profile_id": "reviewer", "start_mode": START_MODE_MANUAL, **fields}
    return (await server.sessions.CreateSession(CreateSessionRequest(config=config, **fields))).session  # type: ignore[arg-type]


async def refused(call: object, code: grpc.StatusCode, reason: str) -> grpc.aio.AioRpcError:
    """Return the refusal of a call, whose code and reason must be these."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call  # type: ignore[misc]
    info = detail_of(caught.value, details.ErrorInfo())
    assert (caught.value.code(), info.reason, info.domain) == (code, reason, "greenroom.v1")
    return caught.value


def info_of(error: grpc.aio.AioRpcError) -> dict[str, str]:
    return dict(detail_of(error, details.ErrorInfo()).metadata)


async def test_a_profile_is_kept_changed_listed_and_removed(fake_server: GreenroomServer) -> None:
    server = fake_server
    config = SessionConfig(model="opus", environment={"TZ": "UTC"}, oauth_token="sk-secret")
    config.limits.cpu = 2
    made = await keep(
        server,
        display_name="Reviewer",
        description="a\nb",
        config=config,
        warm_processes=1,
        labels={"a": "b"},
    )
    assert made.workspace_id == "default"
    assert made.create_time == made.update_time
    assert made.config.oauth_token_set
    assert made.config.oauth_token == ""
    config.ClearField("oauth_token")
    config.oauth_token_set = True
    assert made.config == config  # and nothing that was not set
    found = await server.profiles.GetProfile(GetProfileRequest(profile_id="reviewer"))
    assert found.profile == made

    change = Profile(profile_id="reviewer", etag=made.etag, labels={"a": "x", "c": "d"}, max_sessions=3)
    changed = await update(server, change, "labels.c", "max_sessions", "config.model", "config.oauth_token")
    assert (dict(changed.labels), changed.max_sessions) == ({"a": "b", "c": "d"}, 3)
    assert (changed.config.model, changed.config.limits.cpu) == ("", 2)
    assert not changed.config.oauth_token_set
    assert changed.update_time.ToNanoseconds() > made.update_time.ToNanoseconds()
    stale = await refused(update(server, change, "max_sessions"), C.ABORTED, "ETAG_MISMATCH")
    assert info_of(stale) == {"etag": changed.etag}

    for name in ("b", "c", "a"):
        await keep(server, name)
    page = await server.profiles.ListProfiles(ListProfilesRequest(page_size=3))
    assert [each.profile_id for each in page.profiles] == ["a", "b", "c"]
    rest = await server.profiles.ListProfiles(
        ListProfilesRequest(page_size=3, page_token=page.next_page_token)
    )
    assert (list(rest.profiles), rest.next_page_token) == ([changed], "")
    foreign = ListProfilesRequest(workspace_id="-", page_token=page.next_page_token)
    await refused(server.profiles.ListProfiles(foreign), C.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN")

    gone = DeleteProfileRequest(profile_id="reviewer", etag=made.etag)
    await refused(server.profiles.DeleteProfile(gone), C.ABORTED, "ETAG_MISMATCH")
    gone.etag = changed.etag
    await server.profiles.DeleteProfile(gone)
    missing = await refused(
        server.profiles.GetProfile(GetProfileRequest(profile_id="reviewer")), C.NOT_FOUND, "PROFILE_NOT_FOUND"
    )
    resource = detail_of(missing, details.ResourceInfo())
    assert (resource.resource_type, resource.resource_name) == ("greenroom.v1.Profile", "reviewer")


async def test_refusals_of_profiles_name_what_is_wrong(fake_server: GreenroomServer) -> None:
    server = fake_server
    config = SessionConfig(working_dir="relative", max_turns=0, environment={"LD_PRELOAD": "x"})
    config.limits.memory_bytes = 1
    bad = Profile(
        profile_id="No Name",
        workspace_id="No Workspace",
        config=config,
        warm_processes=-1,
        max_sessions=-1,
        labels={"Bad": ""},
    )
    error = await refused(
        server.profiles.CreateProfile(CreateProfileRequest(profile=bad, request_id="no id")),
        C.INVALID_ARGUMENT,
        "INVALID_FIELD",
    )
    fields = [each.field for each in detail_of(error, details.BadRequest()).field_violations]
    assert fields == [
        "request_id",
        "profile.workspace_id",
        "profile.profile_id",
        "profile.warm_processes",
        "profile.max_sessions",
        'profile.labels["Bad"]',
        "profile.config.working_dir",
        "profile.config.max_turns",
        "profile.config.limits.memory_bytes",
        'profile.config.environment["LD_PRELOAD"]',
    ]
    for call in (
        server.profiles.CreateProfile(CreateProfileRequest()),
        server.profiles.GetProfile(GetProfileRequest()),
        server.profiles.DeleteProfile(DeleteProfileRequest()),
        server.profiles.ListProfiles(ListProfilesRequest(page_size=-1)),
    ):
        await refused(call, C.INVALID_ARGUMENT, "INVALID_FIELD")
    unknown = Profile(profile_id="nobody")
    await refused(update(server, unknown, "display_name"), C.NOT_FOUND, "PROFILE_NOT_FOUND")
    await refused(
        server.profiles.DeleteProfile(DeleteProfileRequest(profile_id="nobody")),
        C.NOT_FOUND,
        "PROFILE_NOT_FOUND",
    )
    kept = await keep(server, config=SessionConfig(allowed_tools=["Read"]))
    await refused(keep(server), C.ALREADY_EXISTS, "PROFILE_EXISTS")
    await refused(update(server, kept, "profile_id", "colour"), C.INVALID_ARGUMENT, "INVALID_UPDATE_MASK")
    await refused(update(server, kept), C.INVALID_ARGUMENT, "INVALID_UPDATE_MASK")
    both = Profile(profile_id="reviewer", config=SessionConfig(disallowed_tools=["Read"]))
    await refused(update(server, both, "config.disallowed_tools"), C.INVALID_ARGUMENT, "INVALID_FIELD")
    assert (await server.profiles.GetProfile(GetProfileRequest(profile_id="reviewer"))).profile == kept


async def test_validating_stores_nothing(fake_server: GreenroomServer) -> None:
    server = fake_server
    request = CreateProfileRequest(
        profile=Profile(profile_id="reviewer", config=SessionConfig(oauth_token="sk")), validate_only=True
    )
    assert (await server.profiles.CreateProfile(request)).profile.config.oauth_token_set
    await refused(
        server.profiles.GetProfile(GetProfileRequest(profile_id="reviewer")), C.NOT_FOUND, "PROFILE_NOT_FOUND"
    )


async def test_repeated_changes_are_answered_again(fake_server: GreenroomServer) -> None:
    server = fake_server
    ids = [str(uuid.uuid4()) for _ in range(3)]
    create = CreateProfileRequest(profile=Profile(profile_id="reviewer"), request_id=ids[0])
    made = await server.profiles.CreateProfile(create)
    change = UpdateProfileRequest(
        profile=Profile(profile_id="reviewer", display_name="X"),
        update_mask=FieldMask(paths=["display_name"]),
        request_id=ids[1],
    )
    answers = await asyncio.gather(*(server.profiles.UpdateProfile(change) for _ in range(5)))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0].profile.etag != made.profile.etag
    gone = DeleteProfileRequest(profile_id="reviewer", request_id=ids[2])
    await server.profiles.DeleteProfile(gone)
    await server.stop()
    await server.start()
    assert await server.profiles.CreateProfile(create) == made
    assert await server.profiles.UpdateProfile(change) == answers[0]
    await server.profiles.DeleteProfile(gone)
    create.profile.display_name = "other"
    await refused(server.profiles.CreateProfile(create), C.INVALID_ARGUMENT, "REQUEST_ID_REUSED")
    await refused(
        server.profiles.GetProfile(GetProfileRequest(profile_id="reviewer")), C.NOT_FOUND, "PROFILE_NOT_FOUND"
    )


async def test_a_session_lies_over_its_profile(fake_server: GreenroomServer) -> None:
    server = fake_server
    below = SessionConfig(
        working_dir=str(server.work),
        model="opus",
        max_turns=7,
        allowed_tools=["Read", "Glob"],
        environment={"TZ": "UTC", "LANG": "C"},
        settings=struct({"language": "Deutsch", "attribution": {"commit": "a", "pr": "b"}}),
        on_idle=config_pb2.ON_IDLE_CLOSE,
        oauth_token="sk-profile",
    )
    below.limits.cpu = 2
    below.limits.idle_timeout.FromSeconds(60)
    await keep(server, config=below)
    above = SessionConfig(
        model="haiku",
        allowed_tools=["Edit"],
        environment={"LANG": "de"},
        settings=struct({"language": None, "attribution": {"pr": "c"}}),
        on_idle=config_pb2.ON_IDLE_SUSPEND,
    )
    above.limits.cpu = 1
    session = await make(server, above)
    config = session.config
    assert session.profile_id == "reviewer"
    assert (config.working_dir, config.model, config.max_turns) == (str(server.work), "haiku", 7)
    assert (list(config.allowed_tools), dict(config.environment)) == (["Edit"], {"TZ": "UTC", "LANG": "de"})
    assert config.settings == struct({"attribution": {"commit": "a", "pr": "c"}})
    assert config.on_idle == config_pb2.ON_IDLE_SUSPEND
    assert (config.limits.cpu, config.limits.idle_timeout.seconds) == (1, 60)
    assert config.oauth_token_set
    plain = (await make(server)).config
    assert (plain.model, plain.on_idle) == ("opus", config_pb2.ON_IDLE_CLOSE)
    assert await get(server, session.session_id) == session

    profile = Profile(profile_id="reviewer", config=SessionConfig(model="sonnet"))
    await update(server, profile, "config")
    assert await get(server, session.session_id) == session  # a session keeps what it was made with
    renewed = await make(server, SessionConfig(working_dir=str(server.work)))
    assert (renewed.config.model, renewed.config.max_turns) == ("sonnet", 0)
    listed = ListSessionsRequest(filter=SessionFilter(profile_id="reviewer"))
    assert len((await server.sessions.ListSessions(listed)).sessions) == 3


async def test_the_whole_of_profile_and_session_is_judged(fake_server: GreenroomServer) -> None:
    server = fake_server
    await keep(server, config=SessionConfig(allowed_tools=["Read"]))
    error = await refused(
        make(server, SessionConfig(disallowed_tools=["Read"])), C.INVALID_ARGUMENT, "INVALID_FIELD"
    )
    fields = [each.field for each in detail_of(error, details.BadRequest()).field_violations]
    assert fields == ["config.working_dir", "config.disallowed_tools[0]"]
    unknown = await refused(make(server, profile_id="nobody"), C.NOT_FOUND, "PROFILE_NOT_FOUND")
    assert detail_of(unknown, details.ResourceInfo()).resource_name == "nobody"
    await refused(make(server, workspace_id="other"), C.NOT_FOUND, "PROFILE_NOT_FOUND")
    await refused(make(server, profile_id="No Name"), C.INVALID_ARGUMENT, "INVALID_FIELD")


async def test_a_profiles_token_reaches_the_process_and_stays_the_sessions(
    fake_server: GreenroomServer,
) -> None:
    server = fake_server
    config = SessionConfig(working_dir=str(server.work), oauth_token="sk-of-the-profile")
    await keep(server, config=config)
    session = await make(server)
    own = await make(server, SessionConfig(oauth_token="sk-of-the-session"))
    await update(server, Profile(profile_id="reviewer"), "config.oauth_token")
    bare = await make(server)
    for each, token in ((session, "sk-of-the-profile"), (own, "sk-of-the-session"), (bare, "")):
        done, _ = await run_turn(server, each.session_id, turn(digest="CLAUDE_CODE_OAUTH_TOKEN"))
        assert done.result_text == hashlib.sha256(token.encode()).hexdigest()
    assert [each.config.oauth_token_set for each in (session, own, bare)] == [True, True, False]


async def test_a_full_profile_takes_no_more_and_one_in_use_stays(fake_server: GreenroomServer) -> None:
    server = fake_server
    await keep(server, config=SessionConfig(working_dir=str(server.work)), max_sessions=3)
    results = await asyncio.gather(*(make(server) for _ in range(12)), return_exceptions=True)
    made = [each for each in results if isinstance(each, Session)]
    full = [each for each in results if isinstance(each, grpc.aio.AioRpcError)]
    assert (len(made), len(full)) == (3, 9)
    error = await refused(make(server), C.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED")
    assert info_of(error) == {"limit": "3"}
    assert detail_of(error, details.QuotaFailure()).violations[0].subject == "profile:reviewer"
    assert detail_of(error, details.RetryInfo()).retry_delay.seconds == 60

    gone = DeleteProfileRequest(profile_id="reviewer")
    used = await refused(server.profiles.DeleteProfile(gone), C.FAILED_PRECONDITION, "PROFILE_IN_USE")
    assert info_of(used) == {"sessions": "3"}
    violation = detail_of(used, details.PreconditionFailure()).violations[0]
    assert (violation.type, violation.subject) == ("PROFILE", "reviewer")

    await server.sessions.CloseSession(CloseSessionRequest(session_id=made[0].session_id))
    again = await make(server)
    for each in (*made[1:], again):
        await server.sessions.CloseSession(CloseSessionRequest(session_id=each.session_id))
    await server.profiles.DeleteProfile(gone)
    assert (await get(server, again.session_id)).profile_id == "reviewer"
