"""Lets listeners hear: for each, a task that reads the log, calls the listener, and stores its offset."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import timedelta
from typing import Generic, TypeVar

import structlog
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    RetryError,
    retry_if_exception,
    stop_after_attempt,
    stop_never,
    wait_random_exponential,
)

from greenroomd.app.background import background_tasks, cancelled_from_outside
from greenroomd.app.ports.listener_offsets import ListenerOffsets
from greenroomd.app.ports.observers import UNOBSERVED, ListenerObserver
from greenroomd.app.ports.storage import Selection, StoredEvent
from greenroomd.app.watch.listeners import CancelledWithin, Listener, PassOver
from greenroomd.app.watch.watch import Watch
from greenroomd.domain.errors import CursorBelowFloor, GreenroomError

log = structlog.get_logger(__name__)

E = TypeVar("E")

SAVED_EVERY = timedelta(seconds=1)
"""The time between two commits of a listener's offset; after a crash it hears the events of that time again."""

READ_AGAIN_AFTER = timedelta(seconds=1)
"""How long a listener waits after the database has failed, before it reads again."""


@asynccontextmanager
async def listening(
    listeners: Sequence[Listener[E]],
    watch: Watch,
    positions: ListenerOffsets,
    decode: Callable[[StoredEvent], E],
    observer: ListenerObserver = UNOBSERVED,
) -> AsyncIterator[None]:
    """Let listeners hear while the block runs; on exit, a running call is cancelled and every offset is stored."""
    async with AsyncExitStack() as stack:
        for listener in listeners:
            if hasattr(listener, "__aenter__"):
                await stack.enter_async_context(listener)  # type: ignore[arg-type]  # asked for just now
        hearings = [_Hearing(listener, watch, positions, decode, observer).run() for listener in listeners]
        async with background_tasks(*hearings):
            yield


class _Hearing(Generic[E]):
    """The task of one listener, with its offset in the log."""

    def __init__(
        self,
        listener: Listener[E],
        watch: Watch,
        positions: ListenerOffsets,
        decode: Callable[[StoredEvent], E],
        observer: ListenerObserver,
    ) -> None:
        self._listener = listener
        self._subscription = listener.subscription
        self._called = self._subscription.name or type(listener).__name__
        self._watch = watch
        self._positions = positions
        self._decode = decode
        self._observer = observer
        self._selection = Selection(types=self._subscription.types)
        self._begun = watch.head
        self._heard: int | None = None if self._subscription.name else self._begun
        self._kept: int | None = None
        self._kept_at = 0.0

    async def run(self) -> None:
        """Give the listener its events until cancelled."""
        try:
            while True:
                try:
                    await self._follow()
                except CursorBelowFloor as below:
                    log.error(
                        "listener_missed_events",
                        listener=self._called,
                        after=self._heard,
                        oldest=below.oldest,
                        hint="it was away for longer than events are kept",
                    )
                    self._heard = below.oldest - 1
                except GreenroomError as error:  # the database is unavailable; the offset is known here
                    log.warning("listener_delayed", listener=self._called, error=str(error))
                    await asyncio.sleep(READ_AGAIN_AFTER.total_seconds())
                except Exception:  # a bug of ours, not the listener's; it must not end the server
                    log.exception("listener_delayed", listener=self._called)
                    await asyncio.sleep(READ_AGAIN_AFTER.total_seconds())
        finally:
            await self._keep(at_once=True)

    async def _follow(self) -> None:
        if self._heard is None:
            self._heard = self._kept = await self._positions.listener_position(self._subscription.name)
        if self._heard is None:  # a new listener does not hear earlier events
            self._heard = self._begun
            await self._keep(at_once=True)
        if self._heard > self._watch.head:
            log.error("listener_ahead_of_the_log", listener=self._called, hint="was the database restored?")
            self._heard = self._watch.head
        async with aclosing(self._watch.batches(self._selection, after=self._heard)) as batches:
            async for batch in batches:
                for event in batch.events:
                    await self._offer(event)
                    self._heard = event.revision
                    await self._keep()
                self._heard = batch.revision
                await self._keep()

    async def _offer(self, stored: StoredEvent) -> None:
        """Call the listener with an event until the listener takes it or the event is passed over."""
        subscription = self._subscription
        retrying = AsyncRetrying(
            retry=retry_if_exception(_worth_repeating),
            wait=wait_random_exponential(
                multiplier=subscription.first_wait.total_seconds(),
                max=subscription.longest_wait.total_seconds(),
            ),
            stop=stop_never if subscription.attempts is None else stop_after_attempt(subscription.attempts),
            before_sleep=lambda state: self._failed(stored, state),
        )
        try:
            event = self._decode(stored)
        except Exception as error:  # it would not be readable the next time either
            self._passed_over(stored, error)
            return
        try:
            await retrying(self._hear, event)
        except RetryError as error:
            self._passed_over(stored, error.last_attempt.exception())
        except PassOver as reason:
            self._passed_over(stored, reason)
        else:
            self._observer.listener_heard(self._called)

    async def _hear(self, event: E) -> None:
        try:
            async with asyncio.timeout(self._subscription.timeout.total_seconds()):
                await self._listener.hear(event)
        except asyncio.CancelledError as error:
            if cancelled_from_outside():
                raise
            raise CancelledWithin("what it waited for was cancelled") from error

    def _failed(self, stored: StoredEvent, state: RetryCallState) -> None:
        self._observer.listener_failed(self._called)
        error = state.outcome.exception() if state.outcome is not None else None
        log.warning(
            "listener_failed",
            listener=self._called,
            revision=stored.revision,
            attempt=state.attempt_number,
            error=_said(error),
            again_in=round(state.upcoming_sleep, 3),
        )

    def _passed_over(self, stored: StoredEvent, reason: BaseException | None) -> None:
        self._observer.listener_passed_over(self._called)
        log.error(
            "listener_passed_over_event",
            listener=self._called,
            revision=stored.revision,
            type=stored.type.value,
            session_id=stored.session_id,
            error=_said(reason),
        )

    async def _keep(self, *, at_once: bool = False) -> None:
        """Store the offset now and then. If the database fails, the listener only hears some events again."""
        if not self._subscription.name or self._heard is None or self._heard == self._kept:
            return
        now = asyncio.get_running_loop().time()
        if not at_once and now - self._kept_at < SAVED_EVERY.total_seconds():
            return
        self._kept_at = now
        try:
            await self._positions.save_offset(self._subscription.name, self._heard)
        except GreenroomError as error:
            log.warning("listener_position_not_kept", listener=self._called, error=str(error))
        else:
            self._kept = self._heard


def _worth_repeating(error: BaseException) -> bool:
    return isinstance(error, Exception) and not isinstance(error, PassOver)


def _said(error: BaseException | None) -> str:
    """Return an error in one line, with its type: the text alone is often empty or says little."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]
