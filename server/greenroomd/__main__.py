"""The operator's command line: `greenroomd serve` and its companions."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import uvloop
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from greenroomd.domain.api_key import ApiKey
from greenroomd.domain.errors import GreenroomError
from greenroomd.domain.principal import Grants, InvalidGrant
from greenroomd.domain.rules.naming_rules import MAX_DISPLAY_NAME_LENGTH
from greenroomd.gc_tuning import leave_alone_what_there_is, look_seldom, not_looking
from greenroomd.processes.node.state_dir import DirectoriesUnusable, prepare_directories
from greenroomd.settings.environment import disable_grpc_fork_handlers
from greenroomd.settings.load import SettingsError, load_settings
from greenroomd.settings.record import Settings
from greenroomd.settings.value_types import span_of
from greenroomd.telemetry.log_lines import set_up_logging

look_seldom()
disable_grpc_fork_handlers()

with not_looking():
    from greenroomd.wiring import database_commands, key_commands
    from greenroomd.wiring.build_services import version  # imports grpc, as the next import does
    from greenroomd.wiring.start import StartFailed, serving

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
database = typer.Typer(no_args_is_help=True, help="Back up the database, and put a backup back.")
app.add_typer(database, name="db")
keys = typer.Typer(no_args_is_help=True, help="Make, list and revoke the API tokens of callers.")
app.add_typer(keys, name="keys")
out = Console()
err = Console(stderr=True)


@app.command()
def serve(
    listen: Annotated[
        str | None, typer.Option(help="Where clients connect; wins over GREENROOM_LISTEN")
    ] = None,
) -> None:
    """Serve until SIGTERM or SIGINT; then suspend all live sessions and exit."""
    settings = _settings(listen=listen)
    set_up_logging(settings.log_level, settings.log_format)
    _run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serving(settings) as address:
        leave_alone_what_there_is()
        err.print(f"greenroomd {version()} serves on {address}", highlight=False)
        await stop.wait()


@app.command("check-config")
def check_config() -> None:
    """Print every setting as it would take effect, without secrets. If there are problems, list them and exit 2."""
    table = Table("setting", "value")
    for name, value in _settings().redacted().items():
        table.add_row(name, value)
    out.print(table)


@database.command("backup")
def back_up_database(file: Annotated[Path, typer.Argument(help="A file that does not exist yet")]) -> None:
    """Copy the SQLite database to FILE, while the server runs or not."""
    settings = _settings()
    with _refusing():
        database_commands.backup(settings, file)
    err.print(f"{file} is a copy of the database", highlight=False)


@database.command("restore")
def restore_database(file: Annotated[Path, typer.Argument(help="What `db backup` has written")]) -> None:
    """Replace the SQLite database by FILE; no server may run. Cursors of the database before are refused afterwards."""
    settings = _settings()
    with _refusing():
        database_commands.restore(settings, file)
    err.print("the database is restored", highlight=False)


@database.command("adopt")
def adopt_database() -> None:
    """Declare the database, a copy or restored by other means, a store of its own; no server may run."""
    settings = _settings()
    with _refusing():
        database_commands.adopt_as_own(settings)
    err.print("the database is a store of its own now", highlight=False)


Granted = Annotated[
    list[str],
    typer.Option(
        "--grant", help="What it may do: WORKSPACE=viewer, operator or admin; * for every workspace"
    ),
]


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Option(help="A name for people")],
    grant: Granted,
    expires: Annotated[
        str, typer.Option(help="After how long it is refused, such as 90d; by default never")
    ] = "",
) -> None:
    """Make an API token and print it. It is shown once; only its hash is stored."""
    settings = _settings()
    with _refusing():
        if not 0 < len(name) <= MAX_DISPLAY_NAME_LENGTH or not name.isprintable():
            raise StartFailed(f"--name: 1 to {MAX_DISPLAY_NAME_LENGTH} printable characters")
        token, key = key_commands.create(settings, name, Grants.of(grant), _time_after(expires))
    out.print(token, highlight=False, markup=False, soft_wrap=True)
    err.print(f"{_described(key)}. The token above is not shown again", highlight=False, markup=False)


@keys.command("list")
def list_keys() -> None:
    """Print every API key with its grants and its last use; never a token."""
    settings = _settings()
    with _refusing():
        found = key_commands.listed(settings)
    columns = ("name", "state", "grants", "created", "expires", "last used")
    table = Table(Column("id", no_wrap=True), *columns)
    for key in found:
        grants = " ".join(key.grants.spelled())
        times = (_shown(moment) for moment in (key.create_time, key.expire_time, key.use_time))
        table.add_row(key.key_id, escape(key.name), key.state(datetime.now(UTC)), grants, *times)
    out.print(table)


@keys.command("grant")
def grant_key(
    key_id: Annotated[str, typer.Argument(help="Its id, as `keys list` shows it")], grant: Granted
) -> None:
    """Replace all that an API token may do; open streams follow within seconds."""
    settings = _settings()
    with _refusing():
        key = key_commands.regrant(settings, key_id, Grants.of(grant))
    err.print(_described(key), highlight=False, markup=False)


@keys.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(help="Its id, as `keys list` shows it")]) -> None:
    """Refuse an API token from now on; its open streams end within 5 s."""
    settings = _settings()
    with _refusing():
        key = key_commands.revoke(settings, key_id)
    err.print(f"key {key.key_id} ({key.name}) is revoked", highlight=False, markup=False)


def _described(key: ApiKey) -> str:
    grants = ", ".join(key.grants.spelled()) or "nothing"
    until = f", until {_shown(key.expire_time)}" if key.expire_time else ""
    return f"key {key.key_id} ({key.name}) may do {grants}{until}"


def _shown(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def _time_after(span: str) -> datetime | None:
    try:
        return datetime.now(UTC) + span_of(span) if span else None
    except (ValueError, OverflowError) as error:
        raise StartFailed(f"--expires: {error}") from error


@app.command("version")
def show_version() -> None:
    """Print the version."""
    out.print(version(), highlight=False)


def _settings(listen: str | None = None) -> Settings:
    try:
        settings = load_settings() if listen is None else load_settings(listen=listen)
        prepare_directories(settings.state_dir, settings.allowed_roots)
    except (SettingsError, DirectoriesUnusable) as error:
        _refuse(*error.problems)
    return settings


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except (StartFailed, GreenroomError, InvalidGrant) as error:
        _refuse(str(error))


def _run(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(work)
        except (StartFailed, GreenroomError) as error:
            _refuse(str(error))


def _refuse(*problems: str) -> NoReturn:
    for problem in problems:
        err.print(f"greenroomd: {problem}", highlight=False, markup=False, soft_wrap=True)
    raise SystemExit(2)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
