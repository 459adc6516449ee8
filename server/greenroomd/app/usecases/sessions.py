"""The calls on existing sessions: the session's owner decides, and answers once the change is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from greenroomd.app.commands import Change, Close, Restart, Start, Suspend, Update
from greenroomd.app.ports.storage import Page, Position, Request, Selection, SessionQuery
from greenroomd.app.ports.working_dirs import WorkingDirs
from greenroomd.app.supervision.registry import Supervisors
from greenroomd.app.usecases.session_directories import directory_violations
from greenroomd.domain.decision.step import Step
from greenroomd.domain.errors import InvalidRequest, TurnNotFound, Violation
from greenroomd.domain.lifecycle import orders
from greenroomd.domain.lifecycle.reconfiguration import Patch, update
from greenroomd.domain.rules.field_masks import masked
from greenroomd.domain.rules.session_field_rules import OperatorBounds, part_violations
from greenroomd.domain.session import Session
from greenroomd.domain.states import LIVE, REQUESTED, State

CLOSE_ANSWER_WITHIN = timedelta(seconds=10)


class Sessions:
    """The calls on existing sessions; `bounds` as in Creation."""

    def __init__(
        self, supervisors: Supervisors, working_dirs: WorkingDirs, *, bounds: OperatorBounds
    ) -> None:
        self._supervisors = supervisors
        self._working_dirs = working_dirs
        self._node = supervisors.node
        self._bounds = bounds
        self._unanswered: dict[Request, asyncio.Event] = {}
        self._calls_answered = 0

    async def get(self, session_id: str) -> Session:
        """Return a session; raises SessionNotFound."""
        return await self._node.store.session(session_id)

    async def list(self, query: SessionQuery, *, after: Position | None, limit: int) -> Page[Session]:
        """Return one page of sessions."""
        return await self._node.store.sessions(query, after=after, limit=limit)

    async def replay(self, request: Request) -> bytes | None:
        """Return the recorded answer to the same request; raises RequestIdReused.

        While the first call still waits for the effect, a replay waits with it.
        """
        while True:
            before = self._calls_answered
            recorded = await self._node.store.answer(request)
            if recorded is None:
                return None
            if (answered := self._unanswered.get(request)) is not None:
                await answered.wait()
            elif before == self._calls_answered:  # else the record may be outdated: a call was answered
                return recorded

    async def update(self, change: Update) -> Session:
        """Change the fields that the mask names; a changed config becomes a new generation.

        Raises InvalidRequest, InvalidUpdateMask, TurnRunning, EtagMismatch, SessionNotFound.
        """
        named = not {"config", "config.settings"}.isdisjoint(change.paths)
        outside = (
            await directory_violations(change.given.config.settings, self._working_dirs) if named else []
        )

        def patch(step: Step) -> None:
            parts = masked(step.session, change.given, change.paths)
            rules = part_violations(parts, bounds=self._bounds, before=step.session.config)
            broken = (Violation(f"session.{each.field}", each.description) for each in [*rules, *outside])
            found = [*change.violations, *broken]
            if found:
                raise InvalidRequest(found)
            update(
                step,
                Patch(
                    paths=change.paths,
                    display_name=parts.display_name,
                    labels=parts.labels,
                    metadata=parts.metadata,
                    config=parts.config,
                    oauth_token=parts.oauth_token,
                ),
                change.apply,
                actor=change.actor,
            )

        session, _ = await self._supervisors.order(change, patch)
        return session

    async def start(self, change: Start) -> Session:
        """Start a session that never ran or has failed; raises IllegalTransition for any other."""
        session, _ = await self._supervisors.order(
            change, lambda step: orders.start(step, actor=change.actor)
        )
        return session

    async def resume(self, change: Start) -> Session:
        """Give a suspended session a process again; raises IllegalTransition for any other."""
        session, _ = await self._supervisors.order(
            change, lambda step: orders.resume(step, actor=change.actor)
        )
        return session

    async def suspend(self, change: Suspend) -> Session:
        """End a session's process and keep its conversation; answers when that is done, or after 10 s."""
        with self._answering(change.request):
            session, _ = await self._supervisors.order(
                change,
                lambda step: orders.suspend(
                    step, reason=change.reason or REQUESTED, force=change.force, actor=change.actor
                ),
            )
            return await self._settled(change, session, lambda now: now.state not in LIVE)

    async def restart(self, change: Restart) -> Session:
        """End a session's process and start another; answers when the old one is gone, or after 10 s."""
        with self._answering(change.request):
            before, _ = await self._supervisors.order(
                change,
                lambda step: orders.restart(
                    step, reason=change.reason or REQUESTED, force=change.force, actor=change.actor
                ),
            )
            count = before.process.restart_count
            return await self._settled(
                change, before, lambda now: now.process.restart_count > count or now.state not in LIVE
            )

    async def close(self, change: Close) -> Session:
        """End a session for good; answers when it is CLOSED, or after 10 s while it is still CLOSING."""
        with self._answering(change.request):
            session, _ = await self._supervisors.order(
                change,
                lambda step: orders.close(
                    step,
                    reason=change.reason or REQUESTED,
                    grace=change.grace,
                    force=change.force,
                    actor=change.actor,
                ),
            )
            return await self._settled(change, session, lambda now: now.state is not State.CLOSING)

    async def wait(
        self,
        session_id: str,
        *,
        states: frozenset[State],
        turn_id: str,
        after_revision: int | None,
        timeout: timedelta,
    ) -> tuple[Session, bool]:
        """Return the session and True once one of the conditions holds, or the session and False after `timeout`.

        The conditions: its state is one of `states`, the turn has ended, or its revision is above `after_revision`.
        """

        async def matched(session: Session) -> bool:
            if session.state in states or (after_revision is not None and session.revision > after_revision):
                return True
            return bool(turn_id) and await self._turn_over(session_id, turn_id)

        with self._node.tail.listening(Selection.of_session(session_id)) as wakeup:
            session = await self.get(session_id)
            try:
                async with asyncio.timeout(timeout.total_seconds()):
                    while not await matched(session):
                        await wakeup.wait()
                        wakeup.clear()
                        session = await self.get(session_id)
            except TimeoutError:
                return session, False
        return session, True

    async def _turn_over(self, session_id: str, turn_id: str) -> bool:
        turn = await self._node.store.turn(turn_id)
        if turn.session_id != session_id:
            raise TurnNotFound(turn_id)
        return turn.state.final

    @contextmanager
    def _answering(self, request: Request | None) -> Iterator[None]:
        """Block replays of this request until the block exits. Re-entering for the same request is a no-op."""
        if request is None or request in self._unanswered:
            yield
            return
        answered = self._unanswered[request] = asyncio.Event()
        try:
            yield
        finally:
            del self._unanswered[request]
            self._calls_answered += 1
            answered.set()

    async def _settled(self, change: Change, session: Session, done: Callable[[Session], bool]) -> Session:
        """Wait until `done`, then record the session as the answer for replays of this call."""
        session = await self._until(session, done)
        if change.request is None:
            return session
        answer = Change(session_id=change.session_id, answers=change.request)
        return (await self._supervisors.order(answer, lambda step: None))[0]

    async def _until(self, session: Session, done: Callable[[Session], bool]) -> Session:
        """Wait until `done`, at most 10 s, and return the session as it is then."""
        with (
            self._node.tail.listening(Selection.of_session(session.session_id)) as wakeup,
            suppress(TimeoutError),
        ):
            async with asyncio.timeout(CLOSE_ANSWER_WITHIN.total_seconds()):
                while not done(session := await self.get(session.session_id)):
                    await wakeup.wait()
                    wakeup.clear()
        return session
