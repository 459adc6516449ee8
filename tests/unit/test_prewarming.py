"""What profiles want kept ready reaches the processes at once, and what nobody told of by and by."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from greenroomd.app.maintenance import prewarming as module
from greenroomd.app.maintenance.prewarming import warming
from greenroomd.app.ports.process_slots import Claim, WarmStart
from greenroomd.app.ports.processes import Launch
from greenroomd.app.usecases.profiles import NewProfile, ProfileDeletion, Profiles, ProfileUpdate
from greenroomd.domain.config import ProjectContext
from greenroomd.domain.profile import ProfileParts
from greenroomd.domain.retryable_errors import StoreUnavailable
from greenroomd.domain.rules.config.config_overlay import PartialConfig
from greenroomd.processes.node.allowed_roots import AllowedRoots
from greenroomd.rpc.stream.event_codec import EventCodec
from greenroomd.store.sql_store import SqlStore, open_store

HOUR = timedelta(hours=1)


class Wishes:
    """Hears what is to be kept ready."""

    def __init__(self) -> None:
        self.heard: list[Sequence[WarmStart]] = []
        self._more = asyncio.Event()

    def keep(self, wanted: Sequence[WarmStart]) -> None:
        self.heard.append(wanted)
        self._more.set()

    def claim(self, launch: Launch) -> Claim | None:
        return None

    async def next(self) -> Sequence[WarmStart]:
        """Return the next wishes that are heard."""
        await self._more.wait()
        self._more.clear()
        return self.heard[-1]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    url = f"sqlite:///{tmp_path}/greenroom.db"
    async with open_store(
        url, key_file=tmp_path / "keys", codec=EventCodec, announce=lambda *_: None
    ) as running:
        yield running


def wish(count: int, **config: object) -> ProfileParts:
    return ProfileParts(config=PartialConfig(config), warm_processes=count)


async def test_each_change_of_a_profile_is_followed_at_once(
    store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY", HOUR)
    wishes, changed = Wishes(), asyncio.Event()
    profiles = Profiles(store.profiles, lambda *_: b"", lambda: datetime.now(UTC), changed.set)
    named: dict[str, Any] = {"workspace_id": "w", "profile_id": "quick"}
    async with warming(store.profiles, AllowedRoots([tmp_path]), wishes, changed):
        assert await wishes.next() == []
        await profiles.create(NewProfile(**named, parts=wish(2, working_dir=str(tmp_path))))
        (start,) = await wishes.next()
        assert (start.count, start.launch.config.working_dir) == (2, str(tmp_path))
        await profiles.update(ProfileUpdate(**named, given=wish(1), paths=["warm_processes"]))
        (start,) = await wishes.next()
        assert start.count == 1
        await profiles.delete(ProfileDeletion(**named))
        assert await wishes.next() == []


async def test_no_process_waits_that_no_session_could_get(
    store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY", HOUR)
    wishes = Wishes()
    profiles = Profiles(store.profiles, lambda *_: b"", lambda: datetime.now(UTC))
    with monkeypatch.context() as before:  # a profile from before this was refused
        before.setattr("greenroomd.app.usecases.profiles.profile_violations", lambda _parts: [])
        parts = wish(2, project_context=(ProjectContext.MEMORY,))
        await profiles.create(NewProfile(workspace_id="w", profile_id="reads", parts=parts))
    await profiles.create(NewProfile(workspace_id="w", profile_id="quick", parts=wish(1)))
    async with warming(store.profiles, AllowedRoots([tmp_path]), wishes, asyncio.Event()):
        assert [start.count for start in await wishes.next()] == [1]


async def test_what_another_node_changed_is_found_by_looking(
    store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY", timedelta(milliseconds=20))
    wishes = Wishes()
    elsewhere = Profiles(store.profiles, lambda *_: b"", lambda: datetime.now(UTC))
    async with warming(store.profiles, AllowedRoots([tmp_path]), wishes, asyncio.Event()):
        assert await wishes.next() == []
        await elsewhere.create(NewProfile(workspace_id="w", profile_id="quick", parts=wish(1)))
        while not (starts := await wishes.next()):
            pass
    assert starts[0].launch.config.working_dir == "", (
        "it waits elsewhere for a session that names a directory"
    )


async def test_a_profile_that_cannot_be_looked_at_harms_no_other(
    store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging:
        """Knows one directory on a file system that hangs."""

        async def resolve(self, path: str) -> str:
            if path.endswith("hangs"):
                raise StoreUnavailable("the file system did not answer")
            return path

    monkeypatch.setattr(module, "EVERY", HOUR)
    profiles = Profiles(store.profiles, lambda *_: b"", lambda: datetime.now(UTC))
    for name in ("hangs", "works"):
        parts = wish(1, working_dir=str(tmp_path / name))
        await profiles.create(NewProfile(workspace_id="w", profile_id=name, parts=parts))
    wishes = Wishes()
    async with warming(store.profiles, Hanging(), wishes, asyncio.Event()):
        starts = await wishes.next()
    assert [start.launch.config.working_dir for start in starts] == [str(tmp_path / "works")]


async def test_a_directory_that_hangs_delays_no_other_profile_and_ends_no_process(
    store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging:
        """Answers until it hangs; from then on only for the directory `late`."""

        hangs = False

        async def resolve(self, path: str) -> str:
            if self.hangs and not path.endswith("late"):
                await asyncio.Event().wait()
            return path

    monkeypatch.setattr(module, "EVERY", HOUR)
    wishes, changed, directories = Wishes(), asyncio.Event(), Hanging()
    profiles = Profiles(store.profiles, lambda *_: b"", lambda: datetime.now(UTC), changed.set)

    async def next_after_creating(name: str) -> list[str]:
        parts = wish(1, working_dir=str(tmp_path / name))
        await profiles.create(NewProfile(workspace_id="w", profile_id=name, parts=parts))
        async with asyncio.timeout(60):
            return [start.launch.config.working_dir for start in await wishes.next()]

    async with warming(store.profiles, directories, wishes, changed):
        await wishes.next()
        assert await next_after_creating("early") == [str(tmp_path / "early")]
        directories.hangs = True
        monkeypatch.setattr(module, "LOOK_FOR", timedelta(milliseconds=100))
        assert await next_after_creating("hangs") == [str(tmp_path / "early")], (
            "what waits there goes on waiting"
        )
        monkeypatch.setattr(module, "LOOK_FOR", HOUR)
        both = {str(tmp_path / "early"), str(tmp_path / "late")}
        assert set(await next_after_creating("late")) == both, "it waits for nobody"
        assert set(await next_after_creating("too-late")) == {*both, str(tmp_path / "too-late")}, (
            "nor does a change wait for the look before it"
        )


async def test_a_wish_that_cannot_be_followed_is_not_the_last(store: SqlStore, tmp_path: Path) -> None:
    class Failing(Wishes):
        """Fails once."""

        def keep(self, wanted: Sequence[WarmStart]) -> None:
            super().keep(wanted)
            if len(self.heard) == 1:
                raise RuntimeError("a bug")

    wishes = Failing()
    async with warming(store.profiles, AllowedRoots([tmp_path]), wishes, asyncio.Event()):
        for _ in range(2):
            assert await wishes.next() == []
