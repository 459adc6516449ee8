"""Puts the fake where a server can start it."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("program.py")


def install(directory: Path, version: str = "2.1.330") -> Path:
    """Make an executable `claude` in *directory* that is the fake, and return its path.

    Isolated and without site packages: it starts in a tenth of the real CLI's time.
    """
    path = directory / "claude"
    python, program = shlex.quote(sys.executable), shlex.quote(str(PROGRAM))
    path.write_text(f'#!/bin/sh\nFAKE_CLI_VERSION={version} exec {python} -IS {program} "$@"\n')
    path.chmod(0o755)
    return path


def turn(**script: Any) -> str:
    """Return a prompt that makes the fake play *script* (see `program.py`) in that turn."""
    return f"[[fake {json.dumps(script)}]]"


def at_start(**script: Any) -> dict[str, str]:
    """Return the environment that makes the fake play *script* before its handshake."""
    return {"FAKE_CLI": json.dumps(script)}
