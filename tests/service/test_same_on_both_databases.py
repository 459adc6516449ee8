"""One script of calls, played to a server on SQLite and to one on PostgreSQL: the answers are the same to the byte."""

from __future__ import annotations

from pathlib import Path

from contract.postgres import PostgresServer
from fake_cli.installed import install
from greenroom_server import GreenroomServer
from recorded.script import CALLS, answers_of


async def test_both_databases_give_the_same_answers(tmp_path: Path, postgres: PostgresServer) -> None:
    work = tmp_path / "work"
    work.mkdir()
    settings = {"claude_path": str(install(tmp_path)), "allowed_roots": str(work)}
    answers = []
    for name, urls in (
        ("sqlite", {}),
        ("postgres", {"database_url": postgres.url(postgres.new_database())}),
    ):
        async with GreenroomServer(tmp_path / name, {}, **settings, **urls) as server:
            answers.append(await answers_of(server, work))
    on_sqlite, on_postgres = answers
    for number, (one, other) in enumerate(zip(on_sqlite, on_postgres, strict=True), start=1):
        assert one == other, f"answer {number}"
    assert len(on_sqlite) == CALLS
