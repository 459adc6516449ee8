"""A PostgreSQL that is frozen, as on a host that hangs: its sockets stay open, and nothing is answered."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import timedelta
from threading import Timer

import pytest

from contract.conftest import Opening
from contract.postgres import PostgresServer
from contract.sample import creation, new_session, saying
from greenroomd.app.ports.storage import Selection
from greenroomd.domain.errors import GreenroomError
from greenroomd.domain.retryable_errors import CommitUnknown, StoreUnavailable
from greenroomd.store.open_engines import READERS
from greenroomd.store.sql_store import ENDS_WITHIN

SHORT = timedelta(milliseconds=200)
IN_TIME = 20
"""Seconds; far more than any wait that is tested, and less than the tests' own limit."""

pytestmark = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


async def test_reads_are_unavailable_in_time_and_work_again_afterwards(
    opening: Opening, postgres: PostgresServer
) -> None:
    """More of them than there are threads, so that some wait for a thread."""
    async with opening(wait_timeout=SHORT) as store:
        await store.commit(creation(new_session()))
        with postgres.frozen():
            async with asyncio.timeout(IN_TIME):
                reads = (store.events(Selection(), after=0, limit=10) for _ in range(5 * READERS))
                outcomes = await asyncio.gather(*reads, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
        assert len(await store.events(Selection(), after=0, limit=10)) == 1


async def test_a_commit_that_has_not_begun_is_unavailable_in_time(
    opening: Opening, postgres: PostgresServer
) -> None:
    async with opening(wait_timeout=SHORT) as store:
        session = await store.commit(creation(new_session()))
        with postgres.frozen():
            async with asyncio.timeout(IN_TIME):
                with pytest.raises(StoreUnavailable):
                    await store.commit(saying(session, "lost"))
        assert (await store.commit(saying(session, "kept"))).revision == 2


async def test_the_end_of_the_store_is_bounded_and_an_unanswered_commit_is_unknown(
    opening: Opening, postgres: PostgresServer, database_url: str
) -> None:
    name = database_url.partition("@/")[2].partition("?")[0]
    with postgres.connect(name) as beside:
        # COMMIT itself waits, for a lock that the test holds
        beside.execute(
            "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END'"
        )
        beside.execute(
            "CREATE CONSTRAINT TRIGGER lingering AFTER UPDATE ON meta DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION linger()"
        )

        def committing() -> bool:
            found = beside.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE query = 'COMMIT' AND wait_event_type = 'Lock' "
                "AND datname = current_database()"
            ).fetchone()
            return found == (1,)

        with ExitStack() as freezing:
            async with asyncio.TaskGroup() as waiting, opening() as store:
                beside.execute("SELECT pg_advisory_lock(1)")
                unknown = waiting.create_task(_outcome(store.commit(creation(new_session()))))
                await _until(committing)
                freezing.enter_context(postgres.frozen())
                behind = waiting.create_task(_outcome(store.commit(creation(new_session()))))
                read = waiting.create_task(_outcome(store.events(Selection(), after=0, limit=10)))
                await asyncio.sleep(0)  # both have begun
                began = time.monotonic()
                # a store that waits for ever would hold up the tests
                freezing.callback(_after(3 * ENDS_WITHIN, postgres.thaw))
            took = time.monotonic() - began
    assert took < 2 * ENDS_WITHIN.total_seconds()
    assert isinstance(unknown.result(), CommitUnknown)
    assert isinstance(behind.result(), StoreUnavailable)
    assert isinstance(read.result(), StoreUnavailable)


def _after(span: timedelta, work: Callable[[], None]) -> Callable[[], None]:
    """Do something after a while, unless the function that this returns is called before."""
    timer = Timer(span.total_seconds(), work)
    timer.start()
    return timer.cancel


async def _outcome(work: Awaitable[object]) -> object:
    """Return what comes of it, be it an error."""
    try:
        return await work
    except GreenroomError as error:
        return error


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(IN_TIME):
        while not condition():  # noqa: ASYNC110 — what another process does
            await asyncio.sleep(0.01)
