"""A server that cannot do its work says so at its start, and does not start."""

import asyncio
import sys
from pathlib import Path

from greenroom_server import GreenroomServer, inherited_environment


async def serve(**settings: str) -> tuple[int, str]:
    """Run `greenroomd serve` to its end; return the exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "greenroomd", "serve",
        env={**inherited_environment(), **settings}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, " ".join(said.decode().split())


def fake_cli(directory: Path, version: str) -> Path:
    """Make an executable that claims to be a CLI of some version."""
    path = directory / "claude"
    path.write_text(f"#!/bin/sh\necho '{version} (Claude Code)'\n")
    path.chmod(0o755)
    return path


async def test_a_missing_cli(tmp_path: Path) -> None:
    code, said = await serve(
        GREENROOM_STATE_DIR=str(tmp_path), GREENROOM_CLAUDE_PATH=str(tmp_path / "nowhere")
    )
    assert code == 2
    assert "no claude CLI" in said
    assert "GREENROOM_CLAUDE_PATH" in said


async def test_a_cli_that_is_too_old(tmp_path: Path) -> None:
    old = fake_cli(tmp_path, "1.0.3")
    code, said = await serve(GREENROOM_STATE_DIR=str(tmp_path), GREENROOM_CLAUDE_PATH=str(old))
    assert code == 2
    assert "too old" in said
    assert "1.0.3" in said


async def test_settings_that_do_not_fit_are_all_named(tmp_path: Path) -> None:
    code, said = await serve(
        GREENROOM_STATE_DIR=str(tmp_path), GREENROOM_LISTEN="0.0.0.0:1", GREENROOM_IDLE_TIMEOUT="soon"
    )
    assert code == 2
    assert "GREENROOM_LISTEN" in said
    assert "GREENROOM_IDLE_TIMEOUT" in said


async def test_a_second_server_on_the_same_state(server: GreenroomServer) -> None:
    code, said = await serve(GREENROOM_STATE_DIR=str(server.state), GREENROOM_LISTEN="127.0.0.1:0")
    assert code == 2
    assert "another greenroomd uses" in said


async def test_a_state_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()  # also root cannot write this
    code, said = await serve(
        GREENROOM_STATE_DIR=str(tmp_path), GREENROOM_CLAUDE_PATH=str(fake_cli(tmp_path, "2.1.330"))
    )
    assert code == 2
    assert f"cannot write {tmp_path}/lock" in said


async def test_a_port_that_is_taken(server: GreenroomServer, tmp_path: Path) -> None:
    other = tmp_path / "other"
    code, said = await serve(GREENROOM_STATE_DIR=str(other), GREENROOM_LISTEN=server.address)
    assert code == 2
    assert server.address in said
    code, said = await serve(GREENROOM_STATE_DIR=str(other), GREENROOM_METRICS_LISTEN=server.address)
    assert code == 2
    assert f"greenroomd: cannot serve metrics on {server.address}: " in said
