"""What a state directory remembers of its database."""

import shutil
from pathlib import Path

from greenroomd.processes.node.store_record import StoreRecord


def test_what_was_reached_is_remembered_without_an_end(tmp_path: Path) -> None:
    record = StoreRecord(tmp_path, "node")
    with record.of("one", 5):
        record.reached(17)
        after_a_crash = StoreRecord(tmp_path, "node")
        assert after_a_crash.seen_revision("one", "node") == 17
        assert after_a_crash.seen_revision("two", "node") is None
    record.reached(18)  # behind the end: nothing happens
    assert StoreRecord(tmp_path, "node").seen_revision("one", "") == 17


def test_without_a_record_the_last_owner_decides(tmp_path: Path) -> None:
    record = StoreRecord(tmp_path, "node")
    assert record.seen_revision("one", "node") == 0
    assert record.seen_revision("one", "") == 0
    assert record.seen_revision("one", "another") is None


def test_a_copied_or_torn_record_knows_no_store(tmp_path: Path) -> None:
    with StoreRecord(tmp_path, "node").of("one", 5):
        pass
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy2(tmp_path / "store", copy)
    assert StoreRecord(copy, "node").seen_revision("one", "node") is None
    moved = tmp_path / "moved"
    moved.mkdir()
    (tmp_path / "store").rename(moved / "store")
    assert StoreRecord(moved, "node").seen_revision("one", "node") == 5
    (moved / "store").write_text("one 12")
    assert StoreRecord(moved, "node").seen_revision("one", "node") is None
