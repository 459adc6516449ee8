"""What the operator decides: one frozen record, read once from the environment and a TOML file.

No other file of the server reads the environment. A setting has one name in two spellings: the variable
`GREENROOM_IDLE_TIMEOUT` and the TOML key `idle_timeout`. The environment wins over the file, the file over
the defaults; an empty variable counts as absent. Plain pydantic reads both: its settings extension takes the
environment in wherever a record is built, and stops at the first value that is not JSON.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import psutil
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from greenroomd.settings.value_types import (
    AbsolutePath,
    Count,
    DatabaseUrl,
    EventTypes,
    ImportPaths,
    ListenAddress,
    LoopbackAddress,
    ReceiverUrl,
    Roots,
    SigningSecret,
    Span,
    Variables,
)

PREFIX = "GREENROOM_"
CONFIG = "GREENROOM_CONFIG"
PROCESSES_PER_CORE = 4
MEMORY_PER_PROCESS = 256 * 2**20
MEMORY_FOR_SERVER = 512 * 2**20


class SettingsError(Exception):
    """The settings cannot be used; each of `problems` names one setting and what is wrong with it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def _state_dir() -> Path:
    return Path.home() / ".local/state/greenroom"


def _database_url(given: Mapping[str, Any]) -> SecretStr:
    return SecretStr(f"sqlite:///{given['state_dir']}/greenroom.db")


def _allowed_roots(given: Mapping[str, Any]) -> tuple[Path, ...]:
    return (given["state_dir"] / "work",)


def processes_that_fit(cores: int, memory_bytes: int) -> int:
    """How many CLI processes a host holds: four to a core, and 256 MiB each beside 512 MiB for the server."""
    by_memory = (memory_bytes - MEMORY_FOR_SERVER) // MEMORY_PER_PROCESS
    return max(1, min(cores * PROCESSES_PER_CORE, by_memory))


def _max_processes() -> int:
    memory = psutil.virtual_memory().total
    share = Path("/sys/fs/cgroup/memory.max")  # a container's part of the machine
    if share.is_file() and (limit := share.read_text(encoding="ascii").strip()).isdecimal():
        memory = min(memory, int(limit))
    return processes_that_fit(os.cpu_count() or 1, memory)


class Settings(BaseModel):
    """Everything the operator can decide: complete, checked, and unchangeable once it exists."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    listen: ListenAddress = Field(
        "127.0.0.1:50051", description="Where clients connect: `host:port` on this machine, or `unix:/path`"
    )
    metrics_listen: LoopbackAddress | None = Field(
        None, description="Where Prometheus finds `/metrics`: `host:port` on this machine"
    )
    state_dir: AbsolutePath = Field(
        default_factory=_state_dir,
        description="The server's own files, readable by its user alone; by default "
        "`$XDG_STATE_HOME/greenroom`, or `~/.local/state/greenroom`",
    )
    database_url: DatabaseUrl = Field(
        default_factory=_database_url,
        description="`sqlite:///path` or `postgresql+psycopg://user:password@host/database`, PostgreSQL 14 or later; "
        "by default `greenroom.db` in `state_dir`",
    )
    allowed_roots: Roots = Field(
        default_factory=_allowed_roots,
        description="Directories, separated by `:`, one of which must hold a session's `working_dir`; "
        "by default `work` in `state_dir`",
    )

    claude_path: AbsolutePath | None = Field(
        None,
        description="The `claude` binary; else the one on `PATH`, else the one inside `claude-agent-sdk`",
    )
    cli_environment: Variables = Field(
        default_factory=dict,
        description="Variables for every CLI process, such as `ANTHROPIC_API_KEY`, as TOML table or JSON; "
        "nothing is inherited",
    )
    allow_bypass_permissions: bool = Field(
        False,
        description="Whether a session may have the permission mode BYPASS_PERMISSIONS, in which the CLI asks nobody",
    )
    api_timeout: Span = Field(
        timedelta(minutes=2), description="How long the CLI waits for one answer of the model API"
    )
    api_max_retries: int = Field(4, ge=0, description="How often the CLI asks the model API again")

    max_processes: Count = Field(
        default_factory=_max_processes,
        description="How many CLI processes may live at once; by default what the host holds: four a core, "
        "and 256 MiB for each beside 512 MiB for the server",
    )
    max_processes_per_workspace: Count | None = Field(
        None, description="How many of them one workspace may have; by default all"
    )
    memory_reserve: int = Field(
        256 * 2**20,
        ge=0,
        description="Memory in bytes that stays free: a process only starts if there are 256 MiB for it beside this",
    )
    memory_per_session: Count | None = Field(
        None,
        description="Memory in bytes that the processes of a session may hold if its config sets no limit; "
        "by default as much as they take",
    )
    cgroup: Literal["auto", "off"] | AbsolutePath = Field(
        "auto",
        description="The directory of a cgroup v2 that is divided among the sessions' processes, to bound their memory "
        "and processors; by default the one in which the server was started if that is delegated to it; or `off`",
    )
    open_files: Count = Field(16_384, description="How many files one process of a session may hold open")
    slot_wait: Span = Field(
        timedelta(minutes=5), description="How long a session waits for a free process before it fails"
    )
    handshake_timeout: Span = Field(
        timedelta(seconds=60), description="How long a CLI may take from start to READY"
    )
    ready_grace: Span = Field(
        timedelta(seconds=30), description="How long a session without a turn stays READY"
    )
    idle_timeout: Span = Field(
        timedelta(minutes=15), description="How long an idle session keeps its process"
    )
    turn_timeout: Span = Field(
        timedelta(hours=1), description="How long a turn may take; then it is interrupted"
    )
    stall_timeout: Span = Field(
        timedelta(minutes=5), description="How long a CLI may be silent in a turn while no tool runs"
    )
    interrupt_grace: Span = Field(
        timedelta(seconds=5),
        description="How long an interrupted turn may take to end before the process is ended",
    )
    approval_timeout: Span = Field(
        timedelta(minutes=10),
        description="How long a permission question may stay unanswered; then it is denied",
    )
    end_after_eof: Span = Field(
        timedelta(seconds=5), description="End of a process, step 1: wait after its input is closed"
    )
    end_after_term: Span = Field(timedelta(seconds=5), description="Step 2: wait after SIGTERM")
    end_after_kill: Span = Field(
        timedelta(seconds=5), description="Step 3: wait after SIGKILL for proof of the end"
    )
    drain_timeout: Span = Field(
        timedelta(seconds=30),
        description="How long a stopping server takes at most; turns may go on until just enough of it is left to "
        "interrupt them and to end their processes (the four spans above), and those that wait are kept",
    )

    keepalive_interval: Span = Field(
        timedelta(seconds=30),
        description="After how much quiet a connection is tested; shorter than what balancers and NATs forget",
    )
    connection_age: Span = Field(
        timedelta(hours=1),
        description="After what time a client is asked to call on a new connection, perhaps to another server; "
        "streams that are open stay",
    )
    bookmark_interval: Span = Field(
        timedelta(seconds=15), description="After how much quiet a watcher gets a bookmark"
    )
    poll_interval: Span = Field(
        timedelta(seconds=5),
        description="How often other servers' commits to the same PostgreSQL are looked for, beside their notices",
    )
    watchers_per_session: Count = Field(50, description="How many watchers one session may have")
    watchers_per_node: Count = Field(10_000, description="How many watchers this server may have")
    cached_sessions: Count = Field(
        10_000, description="How many sessions are kept in memory; reading one of them touches no database"
    )
    retention_age: Span = Field(
        timedelta(days=30),
        description="How long a message is kept in the log; what else happened is kept twelve times as long",
    )
    retention_events: Count = Field(
        100_000,
        description="How many events of one session are kept whole; of those before them, only messages go at once, "
        "the rest twelve times as late",
    )
    retention_interval: Span = Field(
        timedelta(minutes=10),
        description="How often old events are looked for; never more often than every second bookmark",
    )

    listeners: ImportPaths = Field(
        (), description="Listeners of yours, as `package.module:attribute`, separated by `,`"
    )
    webhook_insecure: bool = Field(False, description="Whether events may go to another machine by `http://`")
    webhook_secret: SigningSecret | None = Field(
        None, description="What deliveries are signed with: any text, or `whsec_` and base64"
    )
    webhook_url: ReceiverUrl | None = Field(
        None, description="Where events are posted as JSON: `https://...`, or `http://` on this machine"
    )
    webhook_types: EventTypes = Field(
        frozenset(), description="Which events, such as `session.closed,turn.completed`; by default all"
    )
    webhook_timeout: Span = Field(
        timedelta(seconds=10), description="How long one delivery may take; then it is repeated"
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least that is logged"
    )
    log_format: Literal["console", "json"] = Field("console", description="Lines for people or for machines")

    def redacted(self) -> dict[str, str]:
        """Every setting by its TOML key as text that may be printed: no password, no CLI variable's value."""
        shown = {key: "" if value is None else str(value) for key, value in self.model_dump().items()}
        shown["database_url"] = _without_password(self.database_url.get_secret_value())
        shown["allowed_roots"] = ":".join(map(str, self.allowed_roots))
        shown["cli_environment"] = ", ".join(f"{name}=***" for name in self.cli_environment)
        shown["metrics_listen"] = str(self.metrics_listen or "")
        shown["listeners"] = ",".join(self.listeners)
        shown["webhook_types"] = ",".join(sorted(self.webhook_types))
        return shown


def _without_password(url: str) -> str:
    # Up to the last @: a password with an unescaped / or @ is wrong, but a secret all the same.
    url = re.sub(r"^([^:]+://[^:/@]*):.*@", r"\1:***@", url)
    return re.sub(r"([?&](?:password|passfile|sslpassword)=)[^&]*", r"\1***", url, flags=re.IGNORECASE)


def load_settings(environ: Mapping[str, str] | None = None, **overrides: object) -> Settings:
    """Read the settings; *overrides* (the command line's options, by field name) win over every other source.

    Raises SettingsError with every problem at once: unreadable file, unknown name, value that does not fit.
    """
    environ = os.environ if environ is None else environ
    state_home = environ.get("XDG_STATE_HOME", "")
    by_system = {"state_dir": f"{state_home}/greenroom"} if state_home.startswith("/") else {}
    config = environ.get(CONFIG, "")
    by_file = _read_toml(Path(config)) if config else {}
    by_environment = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and name != CONFIG and value
    }
    spelling = {key: f"{key} in {config}" for key in by_file}
    spelling |= {key: PREFIX + key.upper() for key in by_environment}
    try:
        return Settings.model_validate({**by_system, **by_file, **by_environment, **overrides})
    except ValidationError as error:
        problems = [
            _problem(details, spelling)
            for details in error.errors(include_input=False, include_url=False)
            if details["type"] != "default_factory_not_called"  # follows from a problem that is listed
        ]
        raise SettingsError(problems) from None


def disable_grpc_fork_handlers() -> None:
    """Keep gRPC from preparing for forks; call it before grpc is imported. We fork only to exec, which needs none."""
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"


def search_path() -> str:
    """Return the PATH on which programs are looked for."""
    return os.environ.get("PATH", os.defpath)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError([f"{CONFIG}: cannot read {path}: {error}"]) from error


def _problem(details: ErrorDetails, spelling: Mapping[str, str]) -> str:
    key, *rest = (str(part) for part in details["loc"])
    name = ".".join([spelling.get(key, key), *(part for part in rest if part != "[key]")])
    if details["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, Settings.model_fields, n=1)
        hint = (
            f"; did you mean {PREFIX + near[0].upper() if name.startswith(PREFIX) else near[0]}?"
            if near
            else ""
        )
        return f"{name}: there is no such setting{hint}"
    return f"{name}: {details['msg'].removeprefix('Value error, ')}"


def prepare_directories(settings: Settings) -> None:
    """Make the state directory and the default root where they are missing, closed to other users.

    Raises SettingsError if they cannot be made, and for every allowed root that is not a directory; what an operator
    names is not made.
    """
    try:
        settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if settings.allowed_roots == _allowed_roots({"state_dir": settings.state_dir}):
            settings.allowed_roots[0].mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        problem = f"{PREFIX}STATE_DIR: cannot make {error.filename}: {error.strerror}"
        raise SettingsError([problem]) from error
    missing = [
        f"{PREFIX}ALLOWED_ROOTS: {root} is not a directory"
        for root in settings.allowed_roots
        if not root.is_dir()
    ]
    if missing:
        raise SettingsError(missing)
