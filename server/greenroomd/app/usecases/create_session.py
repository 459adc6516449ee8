"""Creates sessions: checks the request, stores the session with its first event, and queues it for a process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from greenroomd.app.commands import Caller, NewSession
from greenroomd.app.ids import new_id
from greenroomd.app.ports.profile_store import ProfileStore
from greenroomd.app.ports.storage import Unit
from greenroomd.app.ports.working_dirs import WorkingDirs
from greenroomd.app.supervision.registry import Supervisors
from greenroomd.app.usecases.profiles import resolve_config
from greenroomd.app.usecases.session_directories import directory_violations
from greenroomd.domain.config import Secret, SessionConfig
from greenroomd.domain.decision.transition import create
from greenroomd.domain.errors import InvalidRequest, Violation, WorkingDirOutsideRoots
from greenroomd.domain.lifecycle.background_work.timers import taken_along, task_started
from greenroomd.domain.rules.field_masks import Parts
from greenroomd.domain.rules.naming_rules import DEFAULT_WORKSPACE, name_violations
from greenroomd.domain.rules.session_field_rules import OperatorBounds, part_violations
from greenroomd.domain.session import Session
from greenroomd.domain.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedConfig:
    """The complete config of a new session, with its token and its conversation."""

    config: SessionConfig
    """The session's own config over its profile's, over the defaults."""
    oauth_token: Secret | None
    """The session's or its profile's token; None if neither has one."""
    profile_token: bool = False
    """Whether the token is the profile's."""
    conversation: str = ""
    """The id of an existing conversation for this session alone; "" if the session begins a new one."""
    timers: Sequence[Task] = ()
    """The timers of that conversation, as they were in another session: the CLI has them in this one too."""


class Creation:
    """Creates sessions. `bounds` is what the operator allows."""

    def __init__(
        self,
        supervisors: Supervisors,
        working_dirs: WorkingDirs,
        profiles: ProfileStore,
        *,
        bounds: OperatorBounds,
    ) -> None:
        self._supervisors = supervisors
        self._node = supervisors.node
        self._working_dirs = working_dirs
        self._profiles = profiles
        self._bounds = bounds

    async def create(self, new: NewSession, caller: Caller) -> Session:
        """Create a session and, with start mode AUTO, queue it for a process.

        Raises InvalidRequest with every violation, WorkingDirOutsideRoots, ProfileNotFound, QuotaExceeded,
        SessionExists.
        """
        config, oauth_token = await resolve_config(new, self._profiles)
        of_profile = oauth_token is not None and new.oauth_token is None
        resolved = ResolvedConfig(config=config, oauth_token=oauth_token, profile_token=of_profile)
        await self.check(new, resolved)
        return await self.admit(new, resolved, caller)

    async def check(self, new: NewSession, resolved: ResolvedConfig) -> None:
        """Raise InvalidRequest with every rule that a new session breaks; WorkingDirOutsideRoots if that is all."""
        parts = Parts(
            display_name=new.display_name,
            labels=new.labels,
            metadata=new.metadata,
            config=resolved.config,
            oauth_token=resolved.oauth_token,
        )
        found = [
            *new.violations,
            *name_violations(
                workspace_id=new.workspace_id,
                user_id=new.user_id,
                session_id=new.session_id,
                profile_id=new.profile_id,
            ),
            *part_violations(parts, bounds=self._bounds),
            *await directory_violations(resolved.config.settings, self._working_dirs),
        ]
        if not any(violation.field == "config.working_dir" for violation in found):
            try:
                await self._working_dirs.resolve(resolved.config.working_dir)
            except InvalidRequest as invalid:
                found += invalid.violations
            except WorkingDirOutsideRoots as outside:
                if not found:
                    raise
                found.append(Violation("config.working_dir", str(outside)))
        if found:
            raise InvalidRequest(found)

    async def admit(self, new: NewSession, resolved: ResolvedConfig, caller: Caller) -> Session:
        """Store a checked session and start it if its start mode is AUTO; raises QuotaExceeded, SessionExists."""
        at = self._node.now()
        session_id = new.session_id or new_id()
        session = Session(
            session_id=session_id,
            workspace_id=new.workspace_id or DEFAULT_WORKSPACE,
            user_id=new.user_id,
            profile_id=new.profile_id,
            display_name=new.display_name,
            labels=dict(new.labels),
            metadata=new.metadata,
            config=resolved.config,
            profile_token=resolved.profile_token,
            start_mode=new.start_mode,
            state_time=at,
            cli_session_id=resolved.conversation or session_id,
            conversation=bool(resolved.conversation),
            create_time=at,
            update_time=at,
            last_active_time=at,
            background_task_count=len(resolved.timers),
        )
        if new.validate_only:
            return session
        timers = [taken_along(timer, session_id, at=at) for timer in resolved.timers]
        return await self._supervisors.found(
            Unit(
                session=session,
                events=[*create(session, actor=caller.principal), *map(task_started, timers)],
                tasks=tuple(timers),
                configures=True,
                oauth_token=resolved.oauth_token,
                request=new.request,
                claims_profile=bool(new.profile_id),
            )
        )
