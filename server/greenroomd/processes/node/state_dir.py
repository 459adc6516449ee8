"""The server's own directories, the id of the node in them, and a check of the others that it needs."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


class DirectoriesUnusable(Exception):
    """Directories cannot be made or are missing; each of `problems` names one setting and what is wrong with it."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def prepare_directories(state_dir: Path, allowed_roots: Sequence[Path]) -> None:
    """Make the state directory and the allowed roots directly inside it, closed to other users.

    Raises DirectoriesUnusable if they cannot be made, and for every other allowed root that is not a directory: what
    the operator names elsewhere is not made.
    """
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        for root in allowed_roots:
            if root.parent == state_dir:
                root.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        problem = f"GREENROOM_STATE_DIR: cannot make {error.filename}: {error.strerror}"
        raise DirectoriesUnusable([problem]) from error
    missing = [
        f"GREENROOM_ALLOWED_ROOTS: {root} is not a directory" for root in allowed_roots if not root.is_dir()
    ]
    if missing:
        raise DirectoriesUnusable(missing)


def node_id(state_dir: Path) -> str:
    """Return the id of this node: a UUID, made once for its state directory. Called under the directory's lock."""
    path = state_dir / "node_id"
    with suppress(FileNotFoundError, ValueError):  # not made yet, or torn by the end of a server that made it
        return str(uuid.UUID(path.read_text(encoding="ascii").strip()))
    made = str(uuid.uuid4())
    draft = path.with_suffix(".new")
    draft.write_text(made, encoding="ascii")
    draft.replace(path)
    return made
