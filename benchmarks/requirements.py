"""What the benchmarks need from the machine, looked for before anything is measured."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection

from contract.postgres import programs
from greenroomd.domain.errors import CliMissing, CliTooOld
from greenroomd.processes.claude.discovery import find_cli


async def missing(parts: Collection[str]) -> list[str]:
    """Return a sentence for each thing that these parts need and that is not there, with what to install."""
    found = []
    if {"sessions", "watching"} & set(parts) and shutil.which("h2load") is None:
        found.append("h2load is missing: install Debian's nghttp2-client")
    if "sessions" in parts:
        try:
            programs()
        except FileNotFoundError as error:
            found.append(str(error))
    if "starts" in parts:
        try:
            await find_cli(None, os.environ.get("PATH", ""))
        except (CliMissing, CliTooOld) as error:
            found.append(str(error))
    return found
