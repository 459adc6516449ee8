"""What lies in a directory in which programs work meanwhile: what goes while it is looked at is simply not there."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path


def paths_below(directory: Path, pattern: str = "*") -> list[Path]:
    """Return files and directories below a directory whose names match a pattern, such as `*.jsonl`."""
    return [
        Path(folder, name)
        for folder, folders, files in os.walk(directory)  # unlike `rglob`, it passes over what has just gone
        for name in (*folders, *files)
        if fnmatchcase(name, pattern)
    ]


def files_holding(directory: Path, text: str) -> list[Path]:
    """Return the files below a directory that hold a text."""
    return [path for path in paths_below(directory) if _holds(path, text.encode())]


def _holds(path: Path, text: bytes) -> bool:
    try:
        return path.is_file() and text in path.read_bytes()
    except FileNotFoundError:
        return False
