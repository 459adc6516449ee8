"""One state directory, one server: a second one would take the first one's processes for those of a dead server."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class StateDirUnusable(Exception):
    """The state directory cannot be used: another server uses it, or we may not write there."""


@contextmanager
def lock_state_dir(state_dir: Path) -> Iterator[None]:
    """Hold the state directory while the block runs; raises StateDirUnusable. The kernel releases it if we die."""
    try:
        lock = (state_dir / "lock").open("w")
    except OSError as error:
        raise StateDirUnusable(f"cannot write {error.filename}: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StateDirUnusable(
                f"another greenroomd uses {state_dir}; give this one a GREENROOM_STATE_DIR of its own"
            ) from None
        yield
