"""Keeps as many processes ready as the stored profiles ask for, and re-reads the profiles when one has changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

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
"""How long to wait for the directories of the profiles before they are read again after a pause."""
_PAGE = 1_000

Kept = Mapping[tuple[str, str], WarmStart]
"""What is kept ready, by workspace and profile."""


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
    kept: Kept = {}
    while True:
        changed.clear()  # before reading, so that a change in the meantime is read next time
        try:
            wanted = [found async for found in _profiles(store)]
            kept = await _keep(wanted, working_dirs, processes, kept, changed)
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


async def _keep(
    profiles: Sequence[tuple[Profile, Secret | None]],
    working_dirs: WorkingDirs,
    processes: WarmStarts,
    kept: Kept,
    changed: asyncio.Event,
) -> Kept:
    """Keep ready what profiles ask for, those first whose directories answer first; return what is kept now.

    Waits for the directories until `LOOK_FOR` is over or `changed` is set, whatever comes first. As long as one does
    not answer, the processes that wait there go on waiting, and no new one is started there.
    """
    starts = {
        (profile.workspace_id, profile.profile_id): start
        for profile, token in profiles
        if (start := _start(profile, token)) is not None
    }
    waiting = {
        key: going_on for key, start in starts.items() if (going_on := _going_on(start, kept.get(key)))
    }
    async with asyncio.TaskGroup() as group:
        looks = {
            key: group.create_task(_looked_at(key, start, waiting.get(key), working_dirs))
            for key, start in starts.items()
        }
        until = group.create_task(changed.wait())
        deadline = asyncio.get_running_loop().time() + LOOK_FOR.total_seconds()
        pending: set[asyncio.Task[Any]] = {*looks.values(), until}
        while True:
            answered: set[asyncio.Task[Any]] = set()
            if pending != {until}:
                left = max(0.0, deadline - asyncio.get_running_loop().time())
                answered, pending = await asyncio.wait(
                    pending, timeout=left, return_when=asyncio.FIRST_COMPLETED
                )
            if until.done():
                break
            found = {key: look.result() if look.done() else waiting.get(key) for key, look in looks.items()}
            kept = {key: start for key, start in found.items() if start is not None}
            processes.keep(list(kept.values()))
            if not answered or pending == {until}:
                break
        for task in pending:
            task.cancel()
    return kept


async def _token(profile: Profile, store: ProfileStore) -> Secret | None:
    if not profile.oauth_token_set:
        return None
    return await store.oauth_token(profile.workspace_id, profile.profile_id)


async def _looked_at(
    key: tuple[str, str], start: WarmStart, waiting: WarmStart | None, working_dirs: WorkingDirs
) -> WarmStart | None:
    """Return what to keep for a profile: without a working directory if its own is invalid, None if it fails."""
    try:
        await working_dirs.resolve(start.launch.config.working_dir)
    except (InvalidRequest, WorkingDirOutsideRoots):
        return _anywhere(start)
    except StoreUnavailable as error:
        if waiting is None:
            log.warning("profile_skipped", workspace_id=key[0], profile_id=key[1], error=str(error))
        return waiting
    except Exception:
        log.exception("profile_skipped", workspace_id=key[0], profile_id=key[1])
        return None
    return start


def _going_on(start: WarmStart, before: WarmStart | None) -> WarmStart | None:
    """Return what waits for a profile already, if that is still what it asks for."""
    if before is None or before.launch not in (start.launch, _anywhere(start).launch):
        return None
    return replace(before, count=start.count)


def _anywhere(start: WarmStart) -> WarmStart:
    config = replace(start.launch.config, working_dir="")
    return replace(start, launch=replace(start.launch, config=config))


def _start(profile: Profile, token: Secret | None) -> WarmStart | None:
    """Return the start for a session that sets no options.

    None if no session could get the process, or if this fails, so that other profiles get theirs.
    """
    try:
        config = replace(layered(profile.parts.config), oauth_token_set=token is not None)
    except Exception:
        log.exception("profile_skipped", workspace_id=profile.workspace_id, profile_id=profile.profile_id)
        return None
    if config.project_context:  # from before it was refused: it is read at a session's own start
        return None
    launch = Launch(
        session_id="",
        workspace_id=profile.workspace_id,
        cli_session_id="",
        resume=False,
        config=config,
        oauth_token=token,
    )
    return WarmStart(launch, profile.parts.warm_processes)
