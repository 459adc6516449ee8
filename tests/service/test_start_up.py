"""A server that cannot do its work says so at its start, and does not start."""

import asyncio
import sys
import uuid
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from contract.postgres import PostgresServer
from greenroom_server import GreenroomServer, inherited_environment


async def serve(*through: str, **settings: str) -> tuple[int, str]:
    """Run `greenroomd serve` to its end, as arguments of a command if one is given; return its exit code and words."""
    process = await asyncio.create_subprocess_exec(
        *through, sys.executable, "-m", "greenroomd", "serve",
        env={**inherited_environment(), **settings}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, " ".join(said.decode().split())


def usable(state_dir: Path) -> dict[str, str]:
    """Return settings with which a server would start."""
    cli = fake_cli(state_dir, "2.1.330")
    return {
        "GREENROOM_STATE_DIR": str(state_dir),
        "GREENROOM_CLAUDE_PATH": str(cli),
        "GREENROOM_LISTEN": "127.0.0.1:0",
    }


def database_of(postgres: PostgresServer, statements: str) -> str:
    """Run statements in which {0} is a new name, and return the URL of the database of this name."""
    url = make_url(postgres.url(postgres.new_database()))
    name = f"start_{uuid.uuid4().hex}"
    with psycopg.connect(
        url.set(drivername="postgresql").render_as_string(False), autocommit=True
    ) as connection:
        for statement in statements.format(name).split("; "):
            connection.execute(statement.encode())
    return url.set(database=name).render_as_string(hide_password=False)


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


async def test_a_database_file_that_cannot_be_made(tmp_path: Path) -> None:
    url = "sqlite:////proc/greenroom.db"  # also root cannot make this
    code, said = await serve(**usable(tmp_path), GREENROOM_DATABASE_URL=url)
    assert code == 2
    assert "greenroomd: cannot use /proc/greenroom.db: No such file or directory; make its directory" in said
    assert "Traceback" not in said


async def test_a_file_of_the_state_directory_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "node_id").mkdir()
    code, said = await serve(**usable(tmp_path))
    assert code == 2
    assert said.endswith(f"greenroomd: cannot use {tmp_path}/node_id: Is a directory")


async def test_files_that_cannot_grow(tmp_path: Path) -> None:
    # Without coverage, which cannot write its own file either, and says so in a traceback.
    limited = 'unset COVERAGE_PROCESS_CONFIG COVERAGE_PROCESS_START; ulimit -f 0; exec "$@"'
    code, said = await serve("/bin/sh", "-c", limited, "sh", **usable(tmp_path))
    assert code == 2
    assert "greenroomd: File too large" in said
    assert "Traceback" not in said


async def test_a_database_that_cannot_hold_every_text(tmp_path: Path, postgres: PostgresServer) -> None:
    url = database_of(
        postgres, "CREATE DATABASE {0} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    )
    code, said = await serve(**usable(tmp_path), GREENROOM_DATABASE_URL=url)
    assert code == 2
    assert "greenroomd: GREENROOM_DATABASE_URL: the encoding of the database is LATIN1" in said
    assert "Traceback" not in said


async def test_a_database_whose_user_may_make_no_tables(tmp_path: Path, postgres: PostgresServer) -> None:
    url = database_of(postgres, "CREATE DATABASE {0}; CREATE ROLE {0} LOGIN")
    own = make_url(url)
    code, said = await serve(
        **usable(tmp_path),
        GREENROOM_DATABASE_URL=own.set(username=own.database).render_as_string(hide_password=False),
    )
    assert code == 2
    assert (
        "greenroomd: GREENROOM_DATABASE_URL: the database refuses to make tables: permission denied" in said
    )
    assert "Traceback" not in said


async def test_a_port_that_is_taken(server: GreenroomServer, tmp_path: Path) -> None:
    other = tmp_path / "other"
    code, said = await serve(GREENROOM_STATE_DIR=str(other), GREENROOM_LISTEN=server.address)
    assert code == 2
    assert server.address in said
    code, said = await serve(GREENROOM_STATE_DIR=str(other), GREENROOM_METRICS_LISTEN=server.address)
    assert code == 2
    assert f"greenroomd: cannot serve metrics on {server.address}: " in said
