"""One state directory, one server: a second one would take the first one's sessions for those of the dead."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class StateDirTaken(Exception):
    """Another server uses the state directory now."""


@contextmanager
def possession(state_dir: Path) -> Iterator[None]:
    """Hold the state directory while the block runs; raises StateDirTaken. The kernel releases it if we die."""
    with (state_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StateDirTaken(
                f"another greenroomd uses {state_dir}; give this one a GREENROOM_STATE_DIR of its own"
            ) from None
        yield
