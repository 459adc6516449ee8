"""Files that a killed CLI leaves behind, by its pid; one that ends by itself removes them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def remove_stale_files(pid: int, config_dirs: Iterable[Path]) -> None:
    """Remove the socket and the records of a CLI that has ended, where we may; those of other pids stay."""
    # The socket lies in TMPDIR; where that path is too long for a socket, in one of these.
    for directory in (Path("/tmp/cc-socks"), Path(f"/tmp/cc-socks-{os.getuid()}")):
        _remove(directory / f"{pid}.sock")
    for config_dir in config_dirs:
        sessions = config_dir / "sessions"
        for path in (sessions / f"{pid}.json", sessions / f"{pid}.key"):
            _remove(path)
        with suppress(OSError):  # a tool may have put anything in the place of the folder
            for path in sessions.glob(f"{pid}.*.key"):
                _remove(path)


def _remove(path: Path) -> None:
    with suppress(OSError):  # also what is another user's: one that is left does no harm
        path.unlink()
