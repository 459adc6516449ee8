"""The use cases of profiles, and the config of a session that names one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from greenroomd.app.commands import NewSession
from greenroomd.app.ports.profile_store import ProfileChange, ProfileStore
from greenroomd.app.ports.storage import Page, Position, Request
from greenroomd.domain.config import Secret, SessionConfig
from greenroomd.domain.errors import InvalidRequest, ProfileExists, ProfileNotFound, Violation
from greenroomd.domain.profile import (
    Profile,
    ProfileParts,
    changed,
    profile_violations,
    require_etag,
    settled,
)
from greenroomd.domain.rules.config.config_overlay import layered
from greenroomd.domain.rules.naming_rules import name_violations

Answer = Callable[[str, Profile | None], bytes]
"""Makes the serialized answer of a method, to be recorded for replays; the profile is None for DeleteProfile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileCall:
    """The arguments that all changes of one profile share.

    `violations` are the problems found while converting the request; they are reported together with all others.
    """

    workspace_id: str
    profile_id: str
    request: Request | None = None
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProfile(ProfileCall):
    """Create a profile."""

    parts: ProfileParts
    validate_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileUpdate(ProfileCall):
    """Change the parts that `paths` name to the given ones; `etag` "" skips the check of the etag."""

    given: ProfileParts
    paths: Sequence[str]
    etag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileDeletion(ProfileCall):
    """Delete a profile that no session uses; `etag` as in ProfileUpdate."""

    etag: str = ""


class Profiles:
    """The calls on profiles. `changed` is called after each change."""

    def __init__(
        self,
        store: ProfileStore,
        answer: Answer,
        now: Callable[[], datetime],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._answer = answer
        self._now = now
        self._tell = changed

    async def create(self, new: NewProfile) -> Profile:
        """Store a profile; raises InvalidRequest with every violation, ProfileExists."""
        named = [
            Violation(f"profile.{each.field}", each.description)
            for each in name_violations(workspace_id=new.workspace_id, profile_id=new.profile_id)
        ]
        _refuse([*new.violations, *named, *profile_violations(new.parts)])
        at = self._now()
        profile = Profile(
            workspace_id=new.workspace_id,
            profile_id=new.profile_id,
            parts=new.parts,
            create_time=at,
            update_time=at,
        )

        def decide(present: Profile | None) -> Profile:
            if present is not None:
                raise ProfileExists(new.profile_id)
            return profile

        if new.validate_only:
            return settled(profile)[0]
        return await self._changed(new, "CreateProfile", decide)

    async def get(self, workspace_id: str, profile_id: str) -> Profile:
        """Return a profile; raises ProfileNotFound."""
        return await self._store.profile(workspace_id, profile_id)

    async def list(
        self,
        workspace_id: str | None,
        *,
        after: Position | None,
        limit: int,
        within: frozenset[str] | None = None,
    ) -> Page[Profile]:
        """Return one page of profiles by name; a workspace of None means all of those that the reader may see."""
        return await self._store.profiles(workspace_id, after=after, limit=limit, within=within)

    async def update(self, change: ProfileUpdate) -> Profile:
        """Change the parts that the mask names; existing sessions keep their config.

        Raises InvalidRequest, InvalidUpdateMask, EtagMismatch, ProfileNotFound.
        """
        _refuse(change.violations)

        def decide(present: Profile | None) -> Profile:
            if present is None:
                raise ProfileNotFound(change.profile_id)
            require_etag(present, change.etag)
            after = changed(present, change.given, change.paths, at=self._now())
            _refuse(profile_violations(after.parts))
            return after

        return await self._changed(change, "UpdateProfile", decide)

    async def delete(self, change: ProfileDeletion) -> None:
        """Delete a profile; raises InvalidRequest, EtagMismatch, ProfileNotFound, ProfileInUse."""
        _refuse(change.violations)

        def decide(present: Profile | None) -> None:
            if present is None:
                raise ProfileNotFound(change.profile_id)
            require_etag(present, change.etag)

        await self._commit(self._change(change, "DeleteProfile", decide))

    async def _changed(
        self, call: ProfileCall, method: str, decide: Callable[[Profile | None], Profile]
    ) -> Profile:
        profile = await self._commit(self._change(call, method, decide))
        assert profile is not None, "what was decided to be is there"
        return profile

    async def _commit(self, change: ProfileChange) -> Profile | None:
        outcome = await self._store.change(change)
        self._tell()
        return outcome

    def _change(
        self, call: ProfileCall, method: str, decide: Callable[[Profile | None], Profile | None]
    ) -> ProfileChange:
        return ProfileChange(
            workspace_id=call.workspace_id,
            profile_id=call.profile_id,
            decide=decide,
            answer=lambda profile: self._answer(method, profile),
            request=call.request,
        )


async def resolve_config(new: NewSession, profiles: ProfileStore) -> tuple[SessionConfig, Secret | None]:
    """Return the config and the token of a new session: its own, completed by its profile's if it names one.

    The session keeps both, whatever happens to the profile later. Raises ProfileNotFound. An invalid `profile_id` is
    ignored here; `Creation.check` refuses it.
    """
    config, token = new.config.alone(), new.oauth_token
    if new.profile_id and not name_violations(profile_id=new.profile_id, workspace_id=new.workspace_id):
        profile = await profiles.profile(new.workspace_id, new.profile_id)
        config = layered(profile.parts.config, new.config)
        if token is None and profile.oauth_token_set:
            token = await profiles.oauth_token(new.workspace_id, new.profile_id)
    if config.oauth_token_set != (token is not None):
        config = replace(config, oauth_token_set=token is not None)
    return config, token


def _refuse(violations: Sequence[Violation]) -> None:
    if violations:
        raise InvalidRequest(violations)
