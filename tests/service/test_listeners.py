"""Listeners: what they hear, and that whatever they do is their own trouble."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from contract.sample import JsonCodec, creation, message, new_session
from fake_cli.installed import install
from greenroom.v1.session_service_pb2 import START_MODE_MANUAL
from greenroom_server import GreenroomServer
from greenroomd.app.listener_paths import ListenerUnusable, load
from greenroomd.app.listeners import Listener, PassOver, Subscription, listening
from greenroomd.app.storage import Announce, StoredEvent, Unit
from greenroomd.app.tail import Tail
from greenroomd.app.watch import Watch
from greenroomd.domain.events import EventType
from greenroomd.domain.session import Session
from greenroomd.store.sql_store import SqlStore, open_store
from story import create, run_turn

PATIENCE = 20.0  # seconds; only ever reached by a failing test
MILLISECOND = timedelta(milliseconds=1)
IMPATIENT = Subscription(timeout=100 * MILLISECOND, first_wait=MILLISECOND, longest_wait=5 * MILLISECOND)
NAMED = replace(IMPATIENT, name="named")

Act = Callable[[StoredEvent], Awaitable[None]]


async def agree(event: StoredEvent) -> None:
    """Take whatever comes."""


@dataclass
class Ear:
    """A listener that remembers what it was given and what it took."""

    subscription: Subscription = IMPATIENT
    act: Act = agree
    given: list[int] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._changed = asyncio.Condition()

    async def hear(self, event: StoredEvent) -> None:
        await self._note(self.given, event)
        await self.act(event)
        await self._note(self.taken, event)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(condition)

    async def until_taken(self, revision: int) -> None:
        await self.until(lambda: bool(self.taken) and self.taken[-1] >= revision)

    async def _note(self, into: list[int], event: StoredEvent) -> None:
        async with self._changed:
            into.append(event.revision)
            self._changed.notify_all()


@dataclass
class Counts:
    """How often what was told of which listener."""

    told: list[tuple[str, str]] = field(default_factory=list)

    def listener_heard(self, listener: str) -> None:
        self.told.append(("heard", listener))

    def listener_failed(self, listener: str) -> None:
        self.told.append(("failed", listener))

    def listener_passed_over(self, listener: str) -> None:
        self.told.append(("passed over", listener))


@dataclass
class Log:
    """A store with its tail, and a session to say things in."""

    store: SqlStore
    tail: Tail
    session: Session
    counts: Counts = field(default_factory=Counts)

    async def say(self, count: int = 1) -> int:
        """Commit messages; returns the last revision."""
        unit = Unit(session=self.session, events=[message() for _ in range(count)])
        self.session = await self.store.commit(unit)
        return self.session.revision

    @asynccontextmanager
    async def heard_by(self, *ears: Listener[StoredEvent]) -> AsyncIterator[None]:
        """Let listeners hear while the block runs."""
        watch = Watch(self.store, self.tail, quiet=5 * MILLISECOND, per_session=1, per_node=9)
        async with listening(ears, watch, self.store.positions, lambda event: event, self.counts):
            yield


@asynccontextmanager
async def a_log(path: Path, *, remembered: int = 2**20) -> AsyncIterator[Log]:
    """Open a log whose tail holds so many bytes."""
    tail = Tail(head=0, max_bytes=remembered)
    announce: Announce = tail.announce
    store = open_store(
        f"sqlite:///{path}/log.db", key_file=path / "keys", codec=lambda _: JsonCodec(), announce=announce
    )
    async with store as opened:
        assert isinstance(opened, SqlStore)
        tail.begin(opened.head)
        yield Log(opened, tail, await opened.commit(creation(new_session())))


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    async with a_log(tmp_path) as opened:
        yield opened


async def test_it_hears_everything_from_its_start_on_in_order(log: Log) -> None:
    before, ear = log.session.revision, Ear()
    async with log.heard_by(ear):
        await log.say(3)
        last = await log.say(50)
        await ear.until_taken(last)
    assert ear.taken == list(range(before + 1, last + 1))
    assert log.counts.told == [("heard", "Ear")] * len(ear.taken)


async def test_it_hears_only_what_it_asked_for(log: Log) -> None:
    ear = Ear(replace(IMPATIENT, types=frozenset({EventType.SESSION_CREATED})))
    async with log.heard_by(ear):
        await log.say(5)
        other = await log.store.commit(creation(new_session()))
        await ear.until_taken(other.revision)
    assert ear.taken == [other.revision]


async def test_what_raises_is_given_the_same_event_again_and_loses_none(log: Log) -> None:
    async def refuse_at_first(event: StoredEvent) -> None:
        if ear.given.count(event.revision) < 3:
            raise RuntimeError("not now")

    ear, other = Ear(act=refuse_at_first), Ear()
    async with log.heard_by(ear, other):
        first = await log.say()
        last = await log.say()
        await other.until_taken(last)
        await ear.until_taken(last)
    assert ear.given == [first] * 3 + [last] * 3
    assert ear.taken == [first, last]
    assert log.counts.told.count(("failed", "Ear")) == 4


async def test_what_hangs_is_cancelled_and_asked_again_and_harms_nobody(log: Log) -> None:
    async def hang_at_first(event: StoredEvent) -> None:
        if ear.given.count(event.revision) < 2:
            await asyncio.Event().wait()

    ear, other = Ear(act=hang_at_first), Ear()
    async with log.heard_by(ear, other):
        last = await log.say()
        await other.until_taken(last)
        assert ear.taken == []
        await ear.until_taken(last)
    assert ear.given == [last, last]


async def test_a_slow_one_reads_from_the_store_what_memory_has_lost(tmp_path: Path) -> None:
    free = asyncio.Event()
    slow = Ear(replace(IMPATIENT, timeout=timedelta(minutes=1)), act=lambda _: _wait(free))
    async with a_log(tmp_path, remembered=1) as log, log.heard_by(slow):
        first = await log.say()
        await slow.until(lambda: slow.given == [first])
        last = await log.say(500)
        free.set()
        await slow.until_taken(last)
    assert slow.taken == list(range(first, last + 1))


async def test_it_may_pass_an_event_over_for_good(log: Log) -> None:
    async def never(event: StoredEvent) -> None:
        if event.revision == refused:
            raise PassOver("it is of no use")

    ear = Ear(act=never)
    async with log.heard_by(ear):
        refused = log.session.revision + 1
        last = await log.say(3)
        await ear.until_taken(last)
    assert ear.given == [refused, refused + 1, last]
    assert ear.taken == [refused + 1, last]
    assert ("passed over", "Ear") in log.counts.told


async def test_after_its_attempts_an_event_is_passed_over(log: Log) -> None:
    async def never(event: StoredEvent) -> None:
        if event.revision == refused:
            raise RuntimeError("never")

    ear = Ear(replace(IMPATIENT, attempts=3), act=never)
    async with log.heard_by(ear):
        refused = log.session.revision + 1
        last = await log.say(2)
        await ear.until_taken(last)
    assert ear.given == [refused] * 3 + [last]


async def test_with_a_name_it_goes_on_where_it_was(tmp_path: Path) -> None:
    async with a_log(tmp_path) as log:
        ear = Ear(NAMED)
        async with log.heard_by(ear):
            await ear.until_taken(await log.say(3))
        unheard = await log.say(4)
    async with a_log(tmp_path) as log:
        again = Ear(NAMED)
        async with log.heard_by(again):
            await again.until_taken(log.session.revision)
    assert again.taken[0] == ear.taken[-1] + 1
    assert set(range(ear.taken[-1] + 1, unheard + 1)) <= set(again.taken), "also what came while it was away"


async def test_without_a_name_it_hears_what_comes_while_it_listens(log: Log) -> None:
    async with log.heard_by(Ear()):
        pass
    await log.say(4)
    ear = Ear()
    async with log.heard_by(ear):
        last = await log.say()
        await ear.until_taken(last)
    assert ear.taken == [last]


async def test_its_end_is_quick_although_it_hangs_and_repeats_what_was_not_taken(log: Log) -> None:
    stuck = Ear(replace(NAMED, timeout=timedelta(hours=1)), act=lambda _: _wait(asyncio.Event()))
    async with log.heard_by(stuck):
        event = await log.say()
        await stuck.until(lambda: stuck.given == [event])
    ear = Ear(NAMED)
    async with log.heard_by(ear):
        await ear.until_taken(event)
    assert ear.taken == [event]


async def test_one_with_a_life_of_its_own_is_entered_and_left(log: Log) -> None:
    life: list[str] = []

    class Living(Ear):
        async def __aenter__(self) -> None:
            life.append("entered")

        async def __aexit__(self, *error: object) -> None:
            life.append("left")

    async with log.heard_by(Living()):
        assert life == ["entered"]
    assert life == ["entered", "left"]


async def test_an_error_in_the_block_comes_out_as_it_is(log: Log) -> None:
    with pytest.raises(KeyError):
        async with log.heard_by(Ear()):
            raise KeyError


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("", "no attribute"),
        ("listener = 7", "no subscription"),
        ("def listener(): raise OSError('no disk')", "no disk"),
        ("import nowhere", "nowhere"),
    ],
)
def test_a_path_to_something_else_is_an_error_that_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, why: str
) -> None:
    name = f"unusable_{abs(hash(source))}"
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ListenerUnusable, match=why):
        load(f"{name}:listener")


async def test_the_example_of_the_documentation_runs_in_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "billing.py").write_text(example())
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("BILLING_FILE", str(tmp_path / "billing.csv"))
    server = GreenroomServer(
        tmp_path / "server", {}, claude_path=str(install(tmp_path)), listeners="billing:Billing"
    )
    async with server:
        session = await create(server, user_id="ann")
        turn, _ = await run_turn(server, session.session_id, "hello")
        await written(tmp_path / "billing.csv", f"{turn.turn_id},")
        await server.kill()
        await server.start()
        again, _ = await run_turn(server, session.session_id, "hello")
        await written(tmp_path / "billing.csv", f"{again.turn_id},")


async def test_a_listener_that_breaks_breaks_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.py").write_text(
        "from greenroomd.app.listeners import Subscription\n"
        "class Broken:\n"
        "    subscription = Subscription()\n"
        "    async def hear(self, event):\n"
        "        raise SystemError(event.session_id)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    server = GreenroomServer(
        tmp_path / "server", {}, claude_path=str(install(tmp_path)), listeners="broken:Broken"
    )
    async with server:
        sessions: Sequence[str] = [
            (await create(server, start_mode=START_MODE_MANUAL)).session_id for _ in range(3)
        ]
        await written(server.log, sessions[0])
        assert await server.stop() == 0


def example() -> str:
    """Return the listener that docs/listeners.md shows."""
    page = (Path(__file__).resolve().parents[2] / "docs/listeners.md").read_text()
    return page.partition("```python\n")[2].partition("```")[0]


async def written(path: Path, text: str) -> None:
    """Wait until a file holds a text."""
    async with asyncio.timeout(PATIENCE):
        while not path.exists() or text not in path.read_text():  # noqa: ASYNC110 -- a file tells nobody
            await asyncio.sleep(0.02)


async def _wait(free: asyncio.Event) -> None:
    await free.wait()
