"""Finds the `claude` executable and makes sure that it is one we can drive."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from greenroomd.domain.errors import CliMissing, CliTooOld

MINIMUM_VERSION = (2, 1, 330)  # the oldest that our tests have run against
_VERSION_TIMEOUT = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class FoundCli:
    """An executable and the version that it prints, such as `2.1.330`."""

    path: Path
    version: str


async def find_cli(setting: Path | None, search_path: str) -> FoundCli:
    """Return the CLI that the setting names; without a setting, that on PATH or else that of `claude-agent-sdk`.

    Raises CliMissing or CliTooOld, saying what was looked at and what to do.
    """
    tried = []
    too_old = ""
    for origin, path in _candidates(setting, search_path):
        version = await _version(path, search_path)
        if version and _number(version) >= MINIMUM_VERSION:
            return FoundCli(path, version)
        too_old = too_old or version
        tried.append(f"{path} ({origin}) {f'is version {version}' if version else 'cannot be run'}")
    wanted = ".".join(map(str, MINIMUM_VERSION))
    cure = f"install version {wanted} or later, or set GREENROOM_CLAUDE_PATH to one"
    if too_old:
        text = f"the claude CLI is too old: {'; '.join(tried)}; {cure}"
        raise CliTooOld(text, version=too_old, minimum=wanted)
    looked = "; ".join(tried) or "there is none on PATH, and the package claude-agent-sdk is not installed"
    raise CliMissing(f"no claude CLI: {looked}; {cure}")


def _candidates(setting: Path | None, search_path: str) -> Iterator[tuple[str, Path]]:
    if setting is not None:
        yield "GREENROOM_CLAUDE_PATH", setting
        return
    if on_path := shutil.which("claude", path=search_path):
        yield "PATH", Path(on_path).absolute()
    package = importlib.util.find_spec("claude_agent_sdk")
    if package is not None and package.origin is not None:
        bundled = Path(package.origin).parent / "_bundled" / "claude"
        if bundled.is_file():
            yield "claude-agent-sdk", bundled


async def _version(path: Path, search_path: str) -> str:
    """Return what `--version` prints first; "" if that does not look like a version, in time."""
    try:
        process = await asyncio.create_subprocess_exec(
            path,
            "--version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": search_path, "HOME": "/nonexistent", "DISABLE_AUTOUPDATER": "1"},
        )
    except OSError:
        return ""
    try:
        async with asyncio.timeout(_VERSION_TIMEOUT.total_seconds()):
            output, _ = await process.communicate()
    except TimeoutError:
        return ""
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    found = re.match(rb"\d+\.\d+\.\d+", output)
    return found[0].decode() if found else ""


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
