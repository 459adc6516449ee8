"""The tail itself: bounded in bytes, shared between its readers, and honest about what it never saw."""

from __future__ import annotations

import gc
import weakref

import pytest

from greenroomd.app.ports.storage import Selection, StoredEvent
from greenroomd.app.watch.tail import SHARED_READS, FellBehind, Tail
from greenroomd.domain.events import EventType
from unit.watch.log import Log, only

MUCH = 256 * 1024


def test_readers_at_one_place_share_a_batch_and_its_bytes() -> None:
    log = Log()
    with log.tail.listening(only("s0")):
        place = log.tail.end(only("s0"))
        log.commit("s0", count=3, size=10)
        first, _ = log.tail.read(only("s0"), place, ephemeral=False, max_bytes=MUCH)
        second, _ = log.tail.read(only("s0"), place, ephemeral=False, max_bytes=MUCH)
    assert first is second
    assert first.records == b"x" * 30
    assert first.records is second.records


def test_a_batch_is_cut_at_its_bytes_but_holds_an_event() -> None:
    log = Log()
    selection = Selection()
    with log.tail.listening(selection):
        place = log.tail.end(selection)
        for size in (600, 600, 5_000):
            log.commit("s0", size=size)
        sizes = []
        for _ in range(3):
            batch, place = log.tail.read(selection, place, ephemeral=False, max_bytes=1_000)
            sizes.append([len(event.record) for event in batch.events])
    assert sizes == [[600], [600], [5_000]]


def test_old_events_make_room_for_new_ones() -> None:
    log = Log(max_bytes=10_000)
    selection = only("s0")
    with log.tail.listening(selection):
        place = log.tail.end(selection)
        log.commit("s0", count=5, size=1_000)
        log.tail.read(selection, place, ephemeral=False, max_bytes=MUCH)
        log.commit("s1", count=5, size=1_000)
        with pytest.raises(FellBehind):
            log.tail.read(selection, place, ephemeral=False, max_bytes=MUCH)
        assert log.tail.join(selection, 0) is None
        assert log.tail.join(selection, 10) == log.tail.end(selection)


class Traced(StoredEvent):
    """An event that the collector can find."""


def test_nobody_holds_what_is_lost() -> None:
    tail = Tail(0, max_bytes=100_000)
    selection = only("s0", "s1", "s2", "s3")
    with tail.listening(selection):
        for revision in range(1, 200):
            session_id = f"s{revision % 4}"
            event = (revision, session_id, "w0", revision, EventType.TURN_STARTED, "", b"x" * 4_000)
            tail.announce([Traced(*event)], revision)
        held = [each for each in gc.get_objects() if isinstance(each, Traced)]
        assert 10 < len(held) < 100_000 / 4_000
        assert tail.join(selection, min(held).revision) is not None
        assert tail.join(selection, min(held).revision - 2) is None


def test_small_events_weigh_more_than_their_bytes() -> None:
    log = Log(max_bytes=100_000)
    with log.tail.listening(Selection()):
        log.commit("s0", count=1_000)
        assert log.tail.join(Selection(), 500) is None  # a thousand entries are more than a hundred kilobytes


def test_a_session_that_lost_nothing_is_read_from_the_tail_however_busy_the_others() -> None:
    log = Log(max_bytes=10_000)
    log.commit("s0")
    with log.tail.listening(only("s0")):
        place = log.tail.join(only("s0"), 1)
        assert place is not None
        log.commit("s1", count=1_000)
        batch, _ = log.tail.read(only("s0"), place, ephemeral=False, max_bytes=MUCH)
    assert (list(batch.events), batch.revision) == ([], 1_001)


def test_a_missing_revision_empties_the_tail() -> None:
    log = Log()
    selection = Selection()
    with log.tail.listening(selection) as bell:
        log.commit("s0", count=3)
        place = log.tail.end(selection)
        bell.clear()
        log.commit_elsewhere("s0")
        log.commit("s0")
        assert bell.is_set()
        with pytest.raises(FellBehind):
            log.tail.read(selection, place, ephemeral=False, max_bytes=MUCH)
        assert log.tail.join(selection, 3) is None
        after_the_gap = log.tail.join(selection, 4)
        assert after_the_gap is not None
        batch, _ = log.tail.read(selection, after_the_gap, ephemeral=False, max_bytes=MUCH)
    assert [event.revision for event in batch.events] == [5]


def test_a_session_first_watched_after_the_gap_knows_of_it_too() -> None:
    log = Log()
    log.commit("s0")
    log.commit_elsewhere("s0")
    log.commit("s1")
    with log.tail.listening(only("s0")):
        assert log.tail.join(only("s0"), 1) is None
        assert log.tail.join(only("s0"), 2) is not None


def test_every_listener_hears_of_a_gap() -> None:
    log = Log()
    with log.tail.listening(only("s0")) as bell:
        log.commit_elsewhere("s0")
        log.commit("s1")
        assert bell.is_set()


def test_an_announcement_that_comes_late_changes_nothing() -> None:
    log = Log()
    log.commit("s0", announced=False)
    log.hear_of_the_others()
    with log.tail.listening(only("s0")):
        place = log.tail.end(only("s0"))
        log.announce()
        batch, _ = log.tail.read(only("s0"), place, ephemeral=False, max_bytes=MUCH)
    assert (list(batch.events), batch.revision, log.tail.head) == ([], 1, 1)


def test_a_tail_can_begin_anywhere() -> None:
    log = Log()
    log.commit_elsewhere("s0")
    log.commit_elsewhere("s0")
    log.tail.begin(2)
    with log.tail.listening(only("s0")):
        assert log.tail.join(only("s0"), 1) is None
        assert log.tail.join(only("s0"), 2) is not None
        log.commit("s0")
        assert log.tail.join(only("s0"), 2) is not None


def test_readers_on_their_way_through_a_quiet_tail_hold_few_copies_of_it() -> None:
    log = Log()
    selection = Selection()
    with log.tail.listening(selection):
        start = log.tail.end(selection)
        log.commit("s0", count=2 * SHARED_READS, size=1_000)
        batch, place = log.tail.read(selection, start, ephemeral=False, max_bytes=1_000)
        first = weakref.ref(batch)
        for _ in range(SHARED_READS):
            batch, place = log.tail.read(selection, place, ephemeral=False, max_bytes=1_000)
        gc.collect()
        assert first() is None


def test_topics_last_as_long_as_somebody_listens_or_something_is_kept() -> None:
    log = Log(max_bytes=1)
    with log.tail.listening(only("s0", "s1")), log.tail.listening(only("s0")):
        assert log.tail.topics == {"s0", "s1"}
        log.commit("s0", count=3)
    assert log.tail.topics == {"*", "w:w0", "s0"}  # of the last event
    log.commit("s2")
    assert log.tail.topics == {"*", "w:w1", "s2"}
