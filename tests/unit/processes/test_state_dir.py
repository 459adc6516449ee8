"""The server's own directories are made and closed to others; those of the operator must exist."""

import stat
from pathlib import Path

import pytest

from greenroomd.processes.node.state_dir import DirectoriesUnusable, prepare_directories


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
