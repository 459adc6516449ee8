"""What the operator decides: one frozen record; `load` reads it."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from greenroomd.settings.host_defaults import default_max_connections, default_max_processes
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


def _state_dir() -> Path:
    return Path.home() / ".local/state/greenroom"


def _database_url(given: Mapping[str, Any]) -> SecretStr:
    return SecretStr(f"sqlite:///{given['state_dir']}/greenroom.db")


def _max_connections(given: Mapping[str, Any]) -> int:
    return default_max_connections(given["max_processes"])


def _allowed_roots(given: Mapping[str, Any]) -> tuple[Path, ...]:
    return (given["state_dir"] / "work",)


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
        "by default `greenroom.db` in `state_dir`. A database serves one server at a time: a second one is refused",
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
        default_factory=default_max_processes,
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

    max_connections: Count = Field(
        default_factory=_max_connections,
        description="How many connections clients may have; one more is closed at once, and its client tries again. "
        "By default half of the files that the server may open, 16384 at most, less if `max_processes` needs them",
    )
    keepalive_interval: Span = Field(
        timedelta(seconds=30),
        description="After how much quiet a connection is tested; shorter than what balancers and NATs forget",
    )
    connection_age: Span = Field(
        timedelta(hours=1),
        description="After what time a client is asked to call on a new connection, perhaps to another process; "
        "streams that are open stay",
    )
    bookmark_interval: Span = Field(
        timedelta(seconds=15), description="After how much quiet a watcher gets a bookmark"
    )
    poll_interval: Span = Field(
        timedelta(seconds=5),
        description="How often PostgreSQL is asked for commits whose notice was lost",
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
