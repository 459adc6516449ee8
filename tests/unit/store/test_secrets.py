"""The key file: made once, for its owner only, and never used in doubt."""

import json
import os
from pathlib import Path

import pytest

from greenroomd.domain.config import Secret
from greenroomd.domain.retryable_errors import StoreUnavailable
from greenroomd.store.secrets import KeyFileUnusable, open_keyring


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "secret.key"


def test_it_is_made_for_its_owner_only_even_if_the_umask_is_lax(key_file: Path) -> None:
    before = os.umask(0)
    try:
        open_keyring(key_file)
    finally:
        os.umask(before)
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert key_file.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in key_file.parent.iterdir()] == ["secret.key"]


def test_the_draft_of_a_start_that_crashed_is_in_nobody_s_way(key_file: Path) -> None:
    key_file.parent.mkdir()
    key_file.with_name(f".secret.key.{os.getpid()}").write_text("half of a k")
    open_keyring(key_file)
    assert len(list(key_file.parent.iterdir())) == 2


def test_the_new_file_and_its_name_are_written_through_to_the_disk(
    key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []

    def fsync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)

    monkeypatch.setattr(os, "fsync", fsync)
    open_keyring(key_file)
    assert synced[1:] == [key_file.parent.name]
    assert synced[0].startswith(".secret.key.")


def test_what_was_sealed_opens_with_the_same_file(key_file: Path) -> None:
    key_id, sealed = open_keyring(key_file).seal("s1", Secret("tökén"))
    assert open_keyring(key_file).open("s1", key_id, sealed) == Secret("tökén")


def test_the_same_secret_is_never_sealed_to_the_same_bytes(key_file: Path) -> None:
    keyring = open_keyring(key_file)
    assert keyring.seal("s1", Secret("x")) != keyring.seal("s1", Secret("x"))


def test_an_altered_or_moved_value_does_not_open(key_file: Path) -> None:
    keyring = open_keyring(key_file)
    key_id, sealed = keyring.seal("s1", Secret("x"))
    for session_id, value in (("s1", sealed[:-1] + bytes([sealed[-1] ^ 1])), ("s2", sealed), ("s1", b"")):
        with pytest.raises(StoreUnavailable, match="altered"):
            keyring.open(session_id, key_id, value)


def test_a_key_that_the_file_lacks_is_named(key_file: Path) -> None:
    keyring = open_keyring(key_file)
    with pytest.raises(StoreUnavailable, match="key 0123"):
        keyring.open("s1", "0123", b"")


def test_old_keys_still_open_what_they_sealed(key_file: Path, tmp_path: Path) -> None:
    old_id, sealed = open_keyring(key_file).seal("s1", Secret("old"))
    other = tmp_path / "other.key"
    open_keyring(other)
    both = json.loads(key_file.read_text())
    new = json.loads(other.read_text())
    both = {"current": new["current"], "keys": {**both["keys"], **new["keys"]}}
    key_file.write_text(json.dumps(both))
    keyring = open_keyring(key_file)
    assert keyring.open("s1", old_id, sealed) == Secret("old")
    assert keyring.seal("s1", Secret("new"))[0] == new["current"]


def test_a_file_that_others_may_read_is_refused(key_file: Path) -> None:
    open_keyring(key_file)
    key_file.chmod(0o640)
    with pytest.raises(KeyFileUnusable, match="chmod 600"):
        open_keyring(key_file)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "nonsense",
        "[]",
        "{}",
        '{"current": "a", "keys": {}}',
        '{"current": "a", "keys": {"a": "not base64!"}}',
        '{"current": "a", "keys": {"a": "AAAA"}}',
        '{"current": "a", "keys": []}',
    ],
)
def test_a_file_that_is_no_key_file_is_refused(key_file: Path, content: str) -> None:
    open_keyring(key_file)
    key_file.write_text(content)
    with pytest.raises(KeyFileUnusable, match=r"secret\.key"):
        open_keyring(key_file)


def test_a_key_under_another_s_name_is_refused(key_file: Path) -> None:
    open_keyring(key_file)
    document = json.loads(key_file.read_text())
    [key] = document["keys"].values()
    key_file.write_text(json.dumps({"current": "0123", "keys": {"0123": key}}))
    with pytest.raises(KeyFileUnusable, match="0123"):
        open_keyring(key_file)
