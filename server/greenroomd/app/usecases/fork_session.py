"""Forks sessions: creates one that continues a copy of another's conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from greenroomd.app.commands import Caller, Change, Fork, NewSession
from greenroomd.app.ids import new_id
from greenroomd.app.ports.storage import RequestReplayed
from greenroomd.app.ports.transcripts import Transcripts
from greenroomd.app.supervision.registry import Supervisors
from greenroomd.app.usecases.create_session import Creation, ResolvedConfig
from greenroomd.domain.decision.step import Step
from greenroomd.domain.errors import GreenroomError, ProfileNotFound, TurnRunning
from greenroomd.domain.retryable_errors import Unavailable
from greenroomd.domain.rules.config.config_overlay import PartialConfig, overlay
from greenroomd.domain.session import Session
from greenroomd.domain.task import Task, TaskKind

_NOTHING = PartialConfig({})


class Forking:
    """Forks sessions.

    The conversation is copied at once, so the fork does not depend on what happens to the original later.
    """

    def __init__(self, supervisors: Supervisors, creation: Creation, transcripts: Transcripts) -> None:
        self._supervisors = supervisors
        self._store = supervisors.node.store
        self._creation = creation
        self._transcripts = transcripts

    async def fork(self, fork: Fork, caller: Caller) -> Session:
        """Create a session with the original's config, overridden by the given one, and a copy of its conversation.

        If the original has no conversation yet, the fork begins a new one. Raises what `Creation.create` raises,
        SessionNotFound, TurnRunning, ConversationLost.
        """
        original = await self._at_rest(fork.session_id)
        new = NewSession(
            config=_NOTHING,
            workspace_id=original.workspace_id,
            user_id=original.user_id,
            session_id=fork.new_session_id,
            profile_id=original.profile_id,
            display_name=fork.display_name or original.display_name,
            labels=fork.labels,
            metadata=fork.metadata,
            start_mode=fork.start_mode,
            request=fork.request,
            violations=fork.violations,
        )
        resolved = await self._resolved(original, fork)
        await self._creation.check(new, resolved)
        if not original.conversation:
            return await self._admit(new, resolved, caller)
        conversation = await self._copied(original)
        try:
            timers = await self._timers_of(original.session_id)
            resolved = replace(resolved, conversation=conversation, timers=timers)
            return await self._admit(new, resolved, caller)
        except (GreenroomError, RequestReplayed) as refusal:
            if not isinstance(
                refusal, Unavailable
            ):  # if unavailable, the session may have been stored after all
                await self._transcripts.remove(original.workspace_id, conversation)
            raise

    async def _timers_of(self, session_id: str) -> Sequence[Task]:
        """Return the timers that a copy of the session's conversation has too: all but wakeups of its process."""
        tasks = await self._store.open_tasks(session_id)
        return [task for task in tasks if task.kind is TaskKind.TIMER and task.schedule]

    async def _admit(self, new: NewSession, resolved: ResolvedConfig, caller: Caller) -> Session:
        """Store the new session. If the original's profile is gone, store it without one: its config is complete."""
        try:
            return await self._creation.admit(new, resolved, caller)
        except ProfileNotFound:
            return await self._creation.admit(replace(new, profile_id=""), resolved, caller)

    async def _copied(self, original: Session) -> str:
        """Copy a conversation as it was after a complete turn; return the id of the copy."""
        workspace, conversation = original.workspace_id, new_id()
        try:
            while True:
                await self._transcripts.copy(workspace, original.cli_session_id, conversation)
                before, original = original, await self._at_rest(original.session_id)
                if original.turn_count == before.turn_count:
                    return conversation
        except BaseException:
            await self._transcripts.remove(workspace, conversation)
            raise

    async def _at_rest(self, session_id: str) -> Session:
        """Return a session that has no open turn; raises TurnRunning."""

        def look(step: Step) -> None:
            if step.live.turns:
                raise TurnRunning(step.live.turns[0].turn_id)

        session, _ = await self._supervisors.order(Change(session_id=session_id), look)
        return session

    async def _resolved(self, original: Session, fork: Fork) -> ResolvedConfig:
        token = fork.oauth_token
        if token is None and original.config.oauth_token_set:
            token = await self._store.oauth_token(original.session_id)
        config = replace(overlay(original.config, fork.config), oauth_token_set=token is not None)
        of_profile = original.profile_token and fork.oauth_token is None
        return ResolvedConfig(config=config, oauth_token=token, profile_token=of_profile)
