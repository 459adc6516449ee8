"""Keeps as many processes ready as the stored profiles ask for, and re-reads the profiles when one has changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog

from greenroomd.app.background import background_tasks, restarting
from greenroomd.app.ports.process_slots import WarmStart, WarmStarts
from greenroomd.app.ports.processes import Launch
from greenroomd.app.ports.profile_store import ProfileStore, place_of
from greenroomd.app.ports.storage import Position
from greenroomd.app.ports.working_dirs import WorkingDirs
from greenroomd.domain.config import Secret
from greenroomd.domain.errors import GreenroomError, InvalidRequest, WorkingDirOutsideRoots
from greenroomd.domain.profile import Profile
from greenroomd.domain.retryable_errors import StoreUnavailable
from greenroomd.domain.rules.config.config_overlay import layered

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=10)
"""How often to look for changes made elsewhere: by another node, or to a directory."""
LOOK_FOR = timedelta(seconds=2)
"""How long to wait for the directories of the profiles: so long may one that hangs delay the others."""
_PAGE = 1_000


@asynccontextmanager
async def warming(
    store: ProfileStore, working_dirs: WorkingDirs, processes: WarmStarts, changed: asyncio.Event
) -> AsyncIterator[None]:
    """Keep the processes that profiles ask for ready while the block runs. Set `changed` to re-read the profiles."""
    follow = partial(_follow, store, working_dirs, processes, changed)
    async with background_tasks(restarting("warming", follow)):
        yield


async def _follow(
    store: ProfileStore, working_dirs: WorkingDirs, processes: WarmStarts, changed: asyncio.Event
) -> None:
    kept: Sequence[WarmStart] = ()
    while True:
        changed.clear()  # before reading, so that a change in the meantime is read next time
        try:
            kept = await _wanted([found async for found in _profiles(store)], working_dirs, kept)
            processes.keep(kept)
        except GreenroomError as error:  # the database is unavailable; processes that are ready stay ready
            log.warning("profiles_unavailable", error=str(error))
        with suppress(TimeoutError):
            async with asyncio.timeout(EVERY.total_seconds()):
                await changed.wait()


async def _profiles(store: ProfileStore) -> AsyncIterator[tuple[Profile, Secret | None]]:
    """Yield the profiles that want processes, each with its token."""
    after: Position | None = None
    while True:
        page = await store.profiles(None, after=after, limit=_PAGE)
        for profile in page.items:
            if profile.parts.warm_processes:
                yield profile, await _token(profile, store)
        if page.next is None:
            return
        after = place_of(page.items[-1])


async def _wanted(
    profiles: Sequence[tuple[Profile, Secret | None]],
    working_dirs: WorkingDirs,
    kept: Sequence[WarmStart],
) -> Sequence[WarmStart]:
    """Return what to keep ready, after `kept`. All directories are looked at together, for `LOOK_FOR` at most."""
    async with asyncio.TaskGroup() as group:
        looks = [
            (profile, group.create_task(_launch(profile, token, working_dirs, kept)))
            for profile, token in profiles
        ]
    return [
        WarmStart(launch, profile.parts.warm_processes)
        for profile, look in looks
        if (launch := look.result()) is not None
    ]


async def _token(profile: Profile, store: ProfileStore) -> Secret | None:
    if not profile.oauth_token_set:
        return None
    return await store.oauth_token(profile.workspace_id, profile.profile_id)


async def _launch(
    profile: Profile, token: Secret | None, working_dirs: WorkingDirs, kept: Sequence[WarmStart]
) -> Launch | None:
    """Return the launch of a session that sets no options; without a working directory if the profile's is invalid.

    Returns None for a profile that fails, so that the others still get their processes. One whose directory does not
    answer gets no new process, but keeps those that it has.
    """
    try:
        launch = _configured(profile, token)
        try:
            async with asyncio.timeout(LOOK_FOR.total_seconds()):
                await working_dirs.resolve(launch.config.working_dir)
        except (InvalidRequest, WorkingDirOutsideRoots):
            return replace(launch, config=replace(launch.config, working_dir=""))
        except (TimeoutError, StoreUnavailable):
            if any(start.launch == launch for start in kept):
                return launch
            raise
    except Exception:
        log.exception("profile_skipped", workspace_id=profile.workspace_id, profile_id=profile.profile_id)
        return None
    return launch


def _configured(profile: Profile, token: Secret | None) -> Launch:
    return Launch(
        session_id="",
        workspace_id=profile.workspace_id,
        cli_session_id="",
        resume=False,
        config=replace(layered(profile.parts.config), oauth_token_set=token is not None),
        oauth_token=token,
    )
