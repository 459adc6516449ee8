"""Profiles on both databases: stored whole, changed one after the other, never given more sessions than they take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contract.conftest import Opening
from contract.postgres import PostgresServer
from contract.sample import NOON, creation, message, new_request, new_session
from contract.test_outages import locked
from full_config import FULL
from greenroomd.app.ports.profile_store import ProfileChange, ProfileStore
from greenroomd.app.ports.storage import Position, RequestReplayed, Unit
from greenroomd.domain.config import Secret
from greenroomd.domain.errors import InvalidPageToken, ProfileInUse, ProfileNotFound, RequestIdReused
from greenroomd.domain.plan_limit import LimitState, PlanLimit
from greenroomd.domain.profile import Profile, ProfileParts
from greenroomd.domain.retryable_errors import QuotaExceeded, StoreUnavailable
from greenroomd.domain.rules.config.config_overlay import OPTIONS, PartialConfig
from greenroomd.domain.session import Session
from greenroomd.domain.states import State
from greenroomd.store.secrets import KeyFileUnusable
from greenroomd.store.sql_store import SqlStore

EVERYTHING = PartialConfig(
    {
        **FULL.options,
        "append_system_prompt": "",
        "settings": {"deep": {"list": [1, None, True, "\ud800"]}},
        "limits.memory_bytes": 2**33,
        "limits.turn_timeout": timedelta(microseconds=1),
    }
)


@pytest.fixture
async def sql_store(opening: Opening) -> AsyncIterator[SqlStore]:
    async with opening() as opened:
        assert isinstance(opened, SqlStore)
        yield opened


@pytest.fixture
def profiles(sql_store: SqlStore) -> ProfileStore:
    return sql_store.profiles


def new_profile(name: str = "reviewer", **changes: Any) -> Profile:
    fields = {"workspace_id": "lab", "profile_id": name, "create_time": NOON, "update_time": NOON, **changes}
    return Profile(parts=fields.pop("parts", ProfileParts()), **fields)


def putting(profile: Profile, **changes: Any) -> ProfileChange:
    """A decision for a profile, whatever is stored."""
    return ProfileChange(
        workspace_id=profile.workspace_id,
        profile_id=profile.profile_id,
        decide=lambda _: profile,
        answer=lambda _: b"stored",
        **changes,
    )


def removing(name: str = "reviewer") -> ProfileChange:
    return ProfileChange(workspace_id="lab", profile_id=name, decide=lambda _: None, answer=lambda _: b"gone")


async def make_session(store: SqlStore, **changes: Any) -> Session:
    session = new_session(profile_id="reviewer", **changes)
    return await store.commit(replace(creation(session), claims_profile=True))


async def test_every_field_of_a_profile_comes_back(profiles: ProfileStore) -> None:
    assert EVERYTHING.options.keys() == OPTIONS
    profile = new_profile(
        parts=ProfileParts(
            display_name="Ünïque",
            description='two\nlines\tand "quotes" \\ 🎭',
            labels={"team": "red", "tier": ""},
            config=EVERYTHING,
            warm_processes=2,
            max_sessions=10,
        ),
        create_time=NOON - timedelta(days=1),
        version=2**40,
    )
    assert await profiles.change(putting(profile)) == profile
    assert await profiles.profile("lab", "reviewer") == profile


async def test_profiles_of_one_name_in_two_workspaces_are_two(profiles: ProfileStore) -> None:
    await profiles.change(putting(new_profile()))
    other = new_profile(workspace_id="den", parts=ProfileParts(display_name="other"))
    await profiles.change(putting(other))
    await profiles.change(removing())
    assert await profiles.profile("den", "reviewer") == other
    with pytest.raises(ProfileNotFound):
        await profiles.profile("lab", "reviewer")


async def test_a_decision_sees_what_is_stored_and_may_refuse(profiles: ProfileStore) -> None:
    seen: list[Profile | None] = []

    def decide(profile: Profile | None) -> Profile:
        seen.append(profile)
        raise InvalidPageToken

    change = ProfileChange(workspace_id="lab", profile_id="reviewer", decide=decide, answer=lambda _: b"")
    with pytest.raises(InvalidPageToken):
        await profiles.change(change)
    profile = await profiles.change(putting(new_profile()))
    with pytest.raises(InvalidPageToken):
        await profiles.change(change)
    assert seen == [None, profile]
    assert await profiles.profile("lab", "reviewer") == profile


async def test_changes_follow_each_other(profiles: ProfileStore) -> None:
    await profiles.change(putting(new_profile()))

    def counted(profile: Profile | None) -> Profile:
        assert profile is not None
        return replace(profile, version=profile.version + 1)

    change = ProfileChange(workspace_id="lab", profile_id="reviewer", decide=counted, answer=lambda _: b"")
    await asyncio.gather(*(profiles.change(change) for _ in range(50)))
    assert (await profiles.profile("lab", "reviewer")).version == 51


async def test_pages_are_by_name_then_workspace(profiles: ProfileStore) -> None:
    names = ["b", "a-b", "a", "z", "a0"]
    for name in names:
        await profiles.change(putting(new_profile(name)))
    await profiles.change(putting(new_profile("a", workspace_id="den")))

    async def listed(workspace_id: str | None, within: frozenset[str] | None = None) -> list[str]:
        found: list[str] = []
        after = None
        while True:
            page = await profiles.profiles(workspace_id, after=after, limit=2, within=within)
            found += [f"{each.workspace_id}:{each.profile_id}" for each in page.items]
            assert len(page.items) <= 2
            after = page.next
            if after is None:
                return found

    assert await listed("lab") == [f"lab:{name}" for name in sorted(names)]
    assert await listed(None) == ["den:a", *(f"lab:{name}" for name in sorted(names))]
    assert await listed("nobody") == []
    assert await listed(None, frozenset({"den", "other"})) == ["den:a"]
    assert await listed("lab", frozenset({"den"})) == []
    with pytest.raises(InvalidPageToken):
        await profiles.profiles("lab", after=Position(0, "odd"), limit=2)


async def test_a_token_is_sealed_kept_replaced_and_removed(
    sql_store: SqlStore, database_url: str, tmp_path: Path
) -> None:
    profiles = sql_store.profiles
    secret = Secret("sk-ant-very-secret")
    made = await profiles.change(putting(new_profile(parts=ProfileParts(oauth_token=secret))))
    assert made is not None
    assert made.oauth_token_set
    assert made.parts.oauth_token is None
    assert await profiles.oauth_token("lab", "reviewer") == secret
    await profiles.change(putting(replace(made, version=2)))
    assert await profiles.oauth_token("lab", "reviewer") == secret
    if database_url.startswith("sqlite"):
        stored = b"".join(path.read_bytes() for path in tmp_path.glob("greenroom.db*"))
        assert b"very-secret" not in stored
    await profiles.change(putting(new_profile(parts=ProfileParts(oauth_token=Secret("")))))
    assert await profiles.oauth_token("lab", "reviewer") is None
    assert not (await profiles.profile("lab", "reviewer")).oauth_token_set
    with pytest.raises(ProfileNotFound):
        await profiles.oauth_token("den", "reviewer")


async def test_without_its_key_a_stored_token_is_missed_at_the_start(
    opening: Opening, key_file: Path
) -> None:
    async with opening() as store:
        assert isinstance(store, SqlStore)
        await store.profiles.change(putting(new_profile(parts=ProfileParts(oauth_token=Secret("sk")))))
    key_file.unlink()
    with pytest.raises(KeyFileUnusable):
        async with opening():
            pass


async def test_a_repeated_request_is_answered_and_changes_nothing(profiles: ProfileStore) -> None:
    request = new_request(method="CreateProfile")
    await profiles.change(putting(new_profile(), request=request))
    with pytest.raises(RequestReplayed) as replayed:
        await profiles.change(replace(removing(), request=request))
    assert replayed.value.answer == b"stored"
    with pytest.raises(RequestIdReused):
        await profiles.change(replace(removing(), request=replace(request, fingerprint=b"other")))
    assert (await profiles.profile("lab", "reviewer")).version == 1


async def test_a_request_is_forgotten_after_a_day(opening: Opening) -> None:
    times = iter([NOON, NOON + timedelta(hours=24), NOON + timedelta(hours=25)])

    def clock() -> datetime:
        return next(times)

    request = new_request(method="CreateProfile")
    async with opening(clock=clock) as store:
        assert isinstance(store, SqlStore)
        await store.profiles.change(putting(new_profile(), request=request))
        with pytest.raises(RequestReplayed):
            await store.profiles.change(putting(new_profile(), request=request))
        await store.profiles.change(replace(removing(), request=request))
        with pytest.raises(ProfileNotFound):
            await store.profiles.profile("lab", "reviewer")


async def test_a_repeated_request_of_sessions_is_one_too(sql_store: SqlStore) -> None:
    request = new_request(method="CreateProfile")
    await sql_store.profiles.change(putting(new_profile(), request=request))
    assert await sql_store.answer(request) == b"stored"


async def test_a_session_claims_a_profile_that_exists(sql_store: SqlStore) -> None:
    with pytest.raises(ProfileNotFound):
        await make_session(sql_store)
    await sql_store.profiles.change(putting(new_profile()))
    await make_session(sql_store)
    with pytest.raises(ProfileNotFound):
        await make_session(sql_store, workspace_id="den")


async def test_racing_sessions_never_exceed_the_limit(sql_store: SqlStore) -> None:
    await sql_store.profiles.change(putting(new_profile(parts=ProfileParts(max_sessions=7))))
    made = await asyncio.gather(*(make_session(sql_store) for _ in range(40)), return_exceptions=True)
    refused = [error for error in made if isinstance(error, QuotaExceeded)]
    assert len(refused) == 33
    assert (refused[0].subject, refused[0].limit) == ("profile:reviewer", 7)
    assert sum(isinstance(each, Session) for each in made) == 7


async def test_a_closed_session_gives_its_place_back(sql_store: SqlStore) -> None:
    await sql_store.profiles.change(putting(new_profile(parts=ProfileParts(max_sessions=1))))
    session = await make_session(sql_store)
    with pytest.raises(QuotaExceeded):
        await make_session(sql_store)
    await sql_store.commit(Unit(session=replace(session, state=State.CLOSED), events=[message()]))
    await make_session(sql_store)


async def test_a_lowered_limit_ends_nothing_and_lets_nothing_in(sql_store: SqlStore) -> None:
    await sql_store.profiles.change(putting(new_profile()))
    sessions = [await make_session(sql_store) for _ in range(3)]
    await sql_store.profiles.change(putting(new_profile(parts=ProfileParts(max_sessions=2))))
    await sql_store.commit(Unit(session=replace(sessions[0], state=State.CLOSED), events=[message()]))
    with pytest.raises(QuotaExceeded):
        await make_session(sql_store)


async def test_a_profile_in_use_stays_until_its_sessions_are_closed(sql_store: SqlStore) -> None:
    await sql_store.profiles.change(putting(new_profile()))
    sessions = [await make_session(sql_store) for _ in range(2)]
    with pytest.raises(ProfileInUse) as refused:
        await sql_store.profiles.change(removing())
    assert refused.value.sessions == 2
    for session in sessions:
        await sql_store.commit(Unit(session=replace(session, state=State.CLOSED), events=[message()]))
    assert await sql_store.profiles.change(removing()) is None


async def test_a_profile_and_the_session_that_needs_it_cannot_miss_each_other(sql_store: SqlStore) -> None:
    for _ in range(10):
        await sql_store.profiles.change(putting(new_profile()))
        made, gone = await asyncio.gather(
            make_session(sql_store), sql_store.profiles.change(removing()), return_exceptions=True
        )
        assert isinstance(made, ProfileNotFound) or isinstance(gone, ProfileInUse)
        if isinstance(made, Session):
            await sql_store.commit(Unit(session=replace(made, state=State.CLOSED), events=[message()]))


async def test_changes_and_commits_that_wait_together_are_all_done(sql_store: SqlStore) -> None:
    profiles = sql_store.profiles
    names = [f"p{number}" for number in range(20)]
    work = [profiles.change(putting(new_profile(name))) for name in names]
    commits = [sql_store.commit(creation(new_session())) for _ in names]
    done = await asyncio.gather(*(each for pair in zip(work, commits, strict=True) for each in pair))
    assert [each.revision for each in done if isinstance(each, Session)] == list(range(1, 21))
    page = await profiles.profiles("lab", after=None, limit=100)
    assert {each.profile_id for each in page.items} == set(names)
    assert page.revision == 20


async def test_a_decision_that_is_a_bug_harms_nobody(sql_store: SqlStore) -> None:
    def decide(_: Profile | None) -> Profile:
        raise ZeroDivisionError

    bug = ProfileChange(workspace_id="lab", profile_id="reviewer", decide=decide, answer=lambda _: b"")
    work = [sql_store.profiles.change(bug), sql_store.commit(creation(new_session()))]
    failed, session = await asyncio.gather(*work, return_exceptions=True)
    assert isinstance(failed, ZeroDivisionError)
    assert isinstance(session, Session)
    await sql_store.profiles.change(putting(new_profile()))


async def test_a_locked_database_refuses_a_change_and_heals(
    opening: Opening, database_url: str, postgres: PostgresServer
) -> None:
    async with opening(wait_timeout=timedelta(milliseconds=200)) as store:
        assert isinstance(store, SqlStore)
        with locked(database_url, postgres), pytest.raises(StoreUnavailable):
            await store.profiles.change(putting(new_profile()))
        await store.profiles.change(putting(new_profile()))


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_change_does_not_notice_that_idle_connections_were_cut(
    profiles: ProfileStore, postgres: PostgresServer
) -> None:
    await profiles.change(putting(new_profile()))
    postgres.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ~ '^t[0-9a-f]{32}$'"
    )
    assert await profiles.change(removing()) is None


async def test_a_closed_store_changes_nothing(opening: Opening) -> None:
    async with opening() as store:
        assert isinstance(store, SqlStore)
        profiles = store.profiles
    with pytest.raises(StoreUnavailable):
        await profiles.change(putting(new_profile()))


async def test_a_profile_keeps_what_its_sessions_were_told_of_their_subscription(
    sql_store: SqlStore, profiles: ProfileStore
) -> None:
    later = NOON + timedelta(days=4000)
    weekly = PlanLimit(name="seven_day", state=LimitState.WARNING, used=0.8, reset_time=later)
    opus = PlanLimit(name="seven_day_opus", state=LimitState.USED_UP)
    put = await profiles.change(putting(new_profile(parts=ProfileParts(oauth_token=Secret("sk")))))
    for told in (weekly, opus):
        session = new_session(workspace_id="lab", profile_id="reviewer", plan_limits=(told,))
        session = await sql_store.commit(creation(session))
        await sql_store.commit(Unit(session=session, events=[message()], tells_profile=True))
    profile = await profiles.profile("lab", "reviewer")
    assert profile.plan_limits == (weekly, opus)
    assert replace(profile, plan_limits=()) == put
    renamed = await profiles.change(putting(replace(profile, parts=ProfileParts(display_name="x"))))
    assert renamed == await profiles.profile("lab", "reviewer")
    assert renamed is not None
    assert renamed.plan_limits == (weekly, opus)
    other = replace(renamed, parts=ProfileParts(oauth_token=Secret("another")))
    await profiles.change(putting(other))
    assert (await profiles.profile("lab", "reviewer")).plan_limits == ()


async def test_a_limit_of_a_profile_that_is_gone_is_told_to_nobody(sql_store: SqlStore) -> None:
    limit = PlanLimit(name="five_hour", state=LimitState.WARNING)
    session = await sql_store.commit(creation(new_session(profile_id="gone", plan_limits=(limit,))))
    stored = await sql_store.commit(Unit(session=session, events=[message()], tells_profile=True))
    assert stored.plan_limits == (limit,)
