"""The server's own directories are made and closed to others; those of the operator must exist."""

import stat
import uuid
from pathlib import Path

import pytest

from greenroomd.processes.node.state_dir import DirectoriesUnusable, node_id, prepare_directories


def test_the_directories_of_the_server_are_made_and_closed_to_others(tmp_path: Path) -> None:
    state_dir = tmp_path / "state" / "greenroom"
    prepare_directories(state_dir, [state_dir / "work"])
    prepare_directories(state_dir, [state_dir / "work"])
    for directory in (state_dir, state_dir / "work"):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


@pytest.mark.parametrize("below", ["", "state/greenroom"])
def test_a_state_directory_that_cannot_be_made_is_named(tmp_path: Path, below: str) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(DirectoriesUnusable, match=f"^GREENROOM_STATE_DIR: cannot make {file}"):
        prepare_directories(file / below, [file / below / "work"])


def test_a_root_that_the_operator_named_must_exist(tmp_path: Path) -> None:
    here, gone = tmp_path / "here", tmp_path / "gone"
    here.mkdir()
    with pytest.raises(DirectoriesUnusable, match=f"^GREENROOM_ALLOWED_ROOTS: {gone} is not a directory$"):
        prepare_directories(tmp_path / "state", [here, gone])
    assert not gone.exists()


def test_a_node_keeps_its_id(tmp_path: Path) -> None:
    made = node_id(tmp_path)
    assert node_id(tmp_path) == made == str(uuid.UUID(made))


@pytest.mark.parametrize("left", ["", "1f2e3d4c-5b6a-4789", "\xff"])
def test_an_id_that_was_torn_is_made_anew(tmp_path: Path, left: str) -> None:
    """As a full disk leaves it, or a server that was killed while it made it."""
    (tmp_path / "node_id").write_text(left, encoding="latin-1")
    made = node_id(tmp_path)
    assert node_id(tmp_path) == made == str(uuid.UUID(made))
