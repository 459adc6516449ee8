"""The operator's settings as one frozen record; `load` reads it."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from greenroomd.settings.addresses import ListenAddress, MetricsAddress
from greenroomd.settings.host_defaults import default_max_connections, default_max_processes
from greenroomd.settings.value_types import (
    AbsolutePath,
    AuthenticationWays,
    ClientCaFile,
    Count,
    DatabaseUrl,
    EventTypes,
    GrantTable,
    HolderGrants,
    ImportPaths,
    KeyFile,
    KeySource,
    NeededForJwt,
    ReceiverUrl,
    Roots,
    SigningSecret,
    Span,
    Variables,
)

DEFAULT_MCP_CONNECT_TIMEOUT = timedelta(seconds=30)
"""The CLI's own."""


class NoHomeDirectory(Exception):
    """The user of this process has no home directory, which a default value needs."""


def _state_dir() -> Path:
    try:
        return Path.home() / ".local/state/greenroom"
    except RuntimeError as error:  # no HOME, and no entry in the password database
        raise NoHomeDirectory from error


def _database_url(given: Mapping[str, Any]) -> SecretStr:
    return SecretStr(f"sqlite:///{given['state_dir']}/greenroom.db")


def _max_connections(given: Mapping[str, Any]) -> int:
    return default_max_connections(given["max_processes"])


def _allowed_roots(given: Mapping[str, Any]) -> tuple[Path, ...]:
    return (given["state_dir"] / "work",)


class Settings(BaseModel):
    """All settings: complete, checked and immutable. Each field's description is its documentation."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    authentication: AuthenticationWays = Field(
        (),
        description="How callers prove who they are: `none`, or ways separated by `,`, of which a caller needs one: "
        "`token` (API tokens, made by `greenroomd keys`), `jwt` (JSON Web Tokens), `mtls` (client certificates). With "
        "`none`, whoever can connect may do everything; see [access.md](access.md)",
    )
    jwt_issuer: NeededForJwt = Field(
        None, validate_default=True, description="The `iss` that JSON Web Tokens must have"
    )
    jwt_audience: NeededForJwt = Field(
        None, validate_default=True, description="The `aud` that they must have, alone or among others"
    )
    jwt_keys: KeySource = Field(
        None,
        validate_default=True,
        description="The issuer's JSON Web Key Set: a file, read again when it changes, or an `https://` URL, asked "
        "again every 15 minutes and, at most once a minute, for a `kid` that is not known",
    )
    jwt_ca_file: AbsolutePath | None = Field(
        None, description="Authorities in PEM to trust for that URL; by default those of the system"
    )
    jwt_grants_claim: str = Field(
        "greenroom_grants",
        min_length=1,
        description="The claim that says what a bearer may do: grants such as `lab=operator`, or with "
        "`jwt_group_grants` the names of groups; dots lead into objects",
    )
    jwt_group_grants: GrantTable = Field(
        default_factory=dict,
        description='The grants of each group, as a TOML table or JSON: `{"builders": ["lab=operator"]}`',
    )
    reflection: Literal["open", "authenticated", "off"] = Field(
        "authenticated",
        description="Who may ask for the services and messages of this server: everybody, known callers, or nobody",
    )
    insecure: bool = Field(
        False,
        description="Whether `listen` and `metrics_listen` may be addresses that other machines reach without TLS "
        "or without authentication; see [security.md](security.md)",
    )
    tls_cert_file: AbsolutePath | None = Field(
        None,
        description="The server's certificate in PEM, followed by the authorities between it and one that clients "
        "trust; read again when it changes. With it, TCP clients need TLS",
    )
    tls_key_file: KeyFile = Field(
        None,
        validate_default=True,
        description="The private key of `tls_cert_file` in PEM: RSA, P-256 or P-384, without a password",
    )
    tls_client_ca_file: ClientCaFile | None = Field(
        None,
        description="Authorities in PEM: every TCP client then needs a certificate of one of them (mTLS)",
    )
    mtls_grants: HolderGrants = Field(
        default_factory=dict,
        validate_default=True,
        description="The grants of each client by the name in its certificate, as a TOML table or JSON: "
        '`{"spiffe://example.org/ci": ["lab=operator"]}`',
    )
    tls_reload_interval: Span = Field(
        timedelta(seconds=10), description="How often the three TLS files are read again"
    )
    listen: ListenAddress = Field(
        "127.0.0.1:50051",
        description="The address for clients: `unix:/path`, or `host:port`; other than loopback addresses need "
        "`tls_cert_file` and `authentication`, or `insecure`",
    )
    metrics_listen: MetricsAddress | None = Field(
        None,
        description="The address of `/metrics` for Prometheus: `host:port`; other than loopback addresses need "
        "`insecure`",
    )
    state_dir: AbsolutePath = Field(
        default_factory=_state_dir,
        description="The directory of the server's own files, readable only by its user; by default "
        "`$XDG_STATE_HOME/greenroom`, or `~/.local/state/greenroom`",
    )
    database_url: DatabaseUrl = Field(
        default_factory=_database_url,
        description="`sqlite:///path` or `postgresql+psycopg://user:password@host/database`, PostgreSQL 14 or later; "
        "by default `greenroom.db` in `state_dir`. A database serves one server at a time: a second one is refused",
    )
    allowed_roots: Roots = Field(
        default_factory=_allowed_roots,
        description="Directories, separated by `:`; a session's `working_dir` must be inside one of them. "
        "By default `work` in `state_dir`",
    )

    claude_path: AbsolutePath | None = Field(
        None,
        description="The `claude` executable; by default the one on `PATH`, otherwise the one inside "
        "`claude-agent-sdk`",
    )
    cli_environment: Variables = Field(
        default_factory=dict,
        description="Environment variables for every CLI process, such as `ANTHROPIC_API_KEY`, as a TOML "
        "table or JSON; nothing is inherited from the server",
    )
    allow_bypass_permissions: bool = Field(
        False,
        description="Whether sessions may use the permission mode BYPASS_PERMISSIONS, in which the CLI "
        "never asks for permission",
    )
    allow_project_context: bool = Field(
        False,
        description="Whether sessions may ask for the memory, skills, agents and commands of the project in "
        "their working directory (`config.project_context`)",
    )
    api_timeout: Span = Field(
        timedelta(minutes=2), description="How long the CLI waits for one answer of the model API"
    )
    api_max_retries: int = Field(
        4,
        ge=0,
        le=15,  # the CLI's own limit
        description="How often a request is repeated that the model API did not answer, or answered with 408, 409, "
        "429 or 5xx, before its turn fails; any other answer fails it at once",
    )
    api_retry_timeout: Span = Field(
        timedelta(minutes=2),
        description="How long such a request is repeated before its turn fails. A turn whose next try would come "
        "later fails at once, and says how long to wait",
    )

    max_processes: Count = Field(
        default_factory=default_max_processes,
        description="How many CLI processes may run at once; by default what fits the host: four per "
        "core, and 256 MiB each beside 512 MiB for the server",
    )
    max_processes_per_workspace: Count | None = Field(
        None, description="How many of them one workspace may use; by default all"
    )
    memory_reserve: int = Field(
        256 * 2**20,
        ge=0,
        description="Memory in bytes to keep free: a process starts only if 256 MiB are available for it "
        "beyond this",
    )
    memory_per_session: Count | None = Field(
        None,
        description="Memory in bytes that a session's processes may use if its config sets no limit; by "
        "default unlimited",
    )
    cgroup: Literal["auto", "off"] | AbsolutePath = Field(
        "auto",
        description="The directory of a cgroup v2 that is divided among the sessions' processes, to limit "
        "their memory and CPU; by default the one in which the server was started, if that is "
        "delegated to it; or `off`",
    )
    open_files: Count = Field(16_384, description="How many files one process of a session may have open")
    slot_wait: Span = Field(
        timedelta(minutes=5), description="How long a session waits for a free process before it fails"
    )
    handshake_timeout: Span = Field(
        timedelta(seconds=60), description="How long the CLI may take from its start to READY"
    )
    ready_grace: Span = Field(
        timedelta(seconds=30), description="How long a session without a turn stays READY before it is IDLE"
    )
    idle_timeout: Span = Field(
        timedelta(minutes=15), description="How long an idle session keeps its process"
    )
    background_grace: Span = Field(
        timedelta(minutes=15),
        description="How long work in the background (commands, agents, timers of the CLI) keeps the process of "
        "a session after its last turn, where the session's `limits.background_grace` does not say",
    )
    max_background_grace: Span = Field(
        timedelta(hours=24), description="The longest `limits.background_grace` that a session may have"
    )
    turn_timeout: Span = Field(
        timedelta(hours=1), description="How long a turn may take before it is interrupted"
    )
    stall_timeout: Span = Field(
        timedelta(minutes=5), description="How long the CLI may be silent in a turn while no tool runs"
    )
    max_mcp_connect_timeout: Span = Field(
        timedelta(minutes=5),
        description="The longest `mcp_connect_timeout` that a session may set: how long its MCP servers may take "
        "to connect. A session that sets none gives them 30 s, or this if it is shorter",
    )
    interrupt_grace: Span = Field(
        timedelta(seconds=5),
        description="How long an interrupted turn may take to end before its process is ended",
    )
    approval_timeout: Span = Field(
        timedelta(minutes=10),
        description="How long an approval may stay undecided before it is denied",
    )
    end_after_eof: Span = Field(
        timedelta(seconds=5), description="Ending a process, step 1: how long to wait after closing its stdin"
    )
    end_after_term: Span = Field(timedelta(seconds=5), description="Step 2: how long to wait after SIGTERM")
    end_after_kill: Span = Field(
        timedelta(seconds=5), description="Step 3: how long to wait after SIGKILL for proof of its end"
    )
    drain_timeout: Span = Field(
        timedelta(seconds=30),
        description="The longest time that a stopping server takes. Running turns may continue until just "
        "enough time is left to interrupt them and end their processes (the four settings "
        "above); queued turns are kept. If PostgreSQL does not answer, the end of the store takes up to 10 s more",
    )

    max_connections: Count = Field(
        default_factory=_max_connections,
        description="How many connections clients may have; further ones are closed at once, and their "
        "clients retry. By default half of the files that the server may open, at most 16384, "
        "less if `max_processes` needs them",
    )
    keepalive_interval: Span = Field(
        timedelta(seconds=30),
        description="How long a connection may be silent before the server pings it; should be shorter "
        "than the idle timeouts of load balancers and NATs",
    )
    connection_age: Span = Field(
        timedelta(hours=1),
        description="The age at which a client is asked to open a new connection, perhaps to another "
        "process; open streams stay",
    )
    bookmark_interval: Span = Field(
        timedelta(seconds=15), description="How long a watcher gets no event before it gets a bookmark"
    )
    poll_interval: Span = Field(
        timedelta(seconds=5),
        description="How often PostgreSQL is polled for commits whose notification was lost",
    )
    watchers_per_session: Count = Field(50, description="How many watchers one session may have")
    watchers_per_node: Count = Field(10_000, description="How many watchers this server may have")
    cached_sessions: Count = Field(
        10_000,
        description="How many sessions are cached in memory; reading a cached one needs no database access",
    )
    retention_age: Span = Field(
        timedelta(days=30),
        description="How long messages are kept in the log; all other events are kept twelve times as long",
    )
    retention_events: Count = Field(
        100_000,
        description="How many of a session's newest events are kept in full. Older messages are deleted; "
        "other events are kept up to twelve times this number",
    )
    retention_interval: Span = Field(
        timedelta(minutes=10),
        description="How often old events are deleted; at least twice `bookmark_interval`",
    )

    listeners: ImportPaths = Field(
        (), description="Your own listeners, as `package.module:attribute`, separated by `,`"
    )
    webhook_insecure: bool = Field(
        False, description="Whether events may be sent to another machine by `http://`"
    )
    webhook_secret: SigningSecret | None = Field(
        None, description="The secret that signs deliveries: any text, or `whsec_` and base64"
    )
    webhook_url: ReceiverUrl | None = Field(
        None,
        description="The URL to which events are posted as JSON: `https://...`, or `http://` on this machine",
    )
    webhook_types: EventTypes = Field(
        frozenset(), description="The events to send, such as `session.closed,turn.completed`; by default all"
    )
    webhook_timeout: Span = Field(
        timedelta(seconds=10),
        description="How long one delivery may take before it counts as failed and is retried",
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The lowest level that is logged"
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="Log lines for people or for machines"
    )

    @property
    def mcp_connect_timeout(self) -> timedelta:
        """How long MCP servers may take to connect in sessions that do not say."""
        return min(DEFAULT_MCP_CONNECT_TIMEOUT, self.max_mcp_connect_timeout)

    def redacted(self) -> dict[str, str]:
        """Return every setting by its TOML key, as text without passwords and values of CLI variables."""
        shown = {key: "" if value is None else str(value) for key, value in self.model_dump().items()}
        shown["database_url"] = _without_password(self.database_url.get_secret_value())
        shown["allowed_roots"] = ":".join(map(str, self.allowed_roots))
        shown["cli_environment"] = ", ".join(f"{name}=***" for name in self.cli_environment)
        shown["metrics_listen"] = str(self.metrics_listen or "")
        shown["listeners"] = ",".join(self.listeners)
        shown["authentication"] = ",".join(self.authentication) or "none"
        shown["jwt_group_grants"] = _spelled(self.jwt_group_grants)
        shown["mtls_grants"] = _spelled(self.mtls_grants)
        shown["webhook_types"] = ",".join(sorted(self.webhook_types))
        return shown


def _spelled(table: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{name}: {', '.join(grants)}" for name, grants in table.items())


def _without_password(url: str) -> str:
    # Up to the last @: a password with an unescaped / or @ is invalid, but still a secret.
    url = re.sub(r"^([^:]+://[^:/@]*):.*@", r"\1:***@", url)
    return re.sub(r"([?&](?:password|passfile|sslpassword)=)[^&]*", r"\1***", url, flags=re.IGNORECASE)
