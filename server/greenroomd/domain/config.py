"""A session's configuration: immutable, with a new generation for each change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, NoReturn

JsonObject = Mapping[str, Any]


class PermissionMode(StrEnum):
    """What the CLI does when a tool needs permission. The values are the CLI's own words."""

    DEFAULT = "default"
    ACCEPT_EDITS = "acceptEdits"
    PLAN = "plan"
    DONT_ASK = "dontAsk"
    AUTO = "auto"
    BYPASS_PERMISSIONS = "bypassPermissions"


class Effort(StrEnum):
    """How much a model that can choose thinks. The values are the CLI's own words."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"
    MAX = "max"


class ProjectContext(StrEnum):
    """A part of what the project in the working directory says to its agent."""

    MEMORY = "memory"
    SKILLS = "skills"
    AGENTS = "agents"
    COMMANDS = "commands"


class HomeScope(StrEnum):
    """Who shares the HOME of the process and of its tools."""

    SESSION = "session"
    WORKSPACE = "workspace"


class OnIdle(StrEnum):
    """What happens to a session that had no turn for its idle timeout."""

    SUSPEND = "suspend"
    CLOSE = "close"
    KEEP = "keep"


class ApprovalPolicy(StrEnum):
    """Who decides when the CLI asks for permission: a person over the API, or nobody (always denied)."""

    ASK = "ask"
    DENY = "deny"


class RecoveryMode(StrEnum):
    """Whether a session restarts automatically after its process crashed."""

    NEVER = "never"
    ON_CRASH = "on_crash"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryPolicy:
    """How a session restarts after its process died."""

    mode: RecoveryMode = RecoveryMode.NEVER
    """Whether it restarts at all."""
    max_restarts: int = 5
    """The most restarts within `window`; after them the session stays in ERROR."""
    window: timedelta = timedelta(seconds=60)
    """The sliding window in which restarts are counted."""
    first_backoff: timedelta = timedelta(seconds=1)
    """The wait before the first restart; it doubles with each further one."""
    max_backoff: timedelta = timedelta(seconds=60)
    """The longest wait before a restart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The resources that a session may use; None means the server's default, or no limit if there is none."""

    memory_bytes: int | None = None
    """Memory of its process and all descendants, in bytes."""
    cpu_cores: float | None = None
    """Processor time in cores; 0.5 is half a core."""
    max_duration: timedelta | None = None
    """The lifetime of the session, from its creation."""
    idle_timeout: timedelta | None = None
    """How long it keeps its process without a turn; then `on_idle` applies."""
    turn_timeout: timedelta | None = None
    """How long a turn may run before it is interrupted and FAILED."""
    output_bytes: int | None = None
    """Bytes that the process may write to stdout in one turn."""
    background_grace: timedelta | None = None
    """How long work in the background keeps its process after the last turn has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    """One generation of a session's configuration; the CLI decides about unset options (None, empty).

    The OAuth token or API key is not part of it: secrets are passed and stored separately.
    """

    working_dir: str
    """The absolute path of the directory in which the process works; fixed at creation."""
    system_prompt: str | None = None
    """Replaces the CLI's own system prompt."""
    append_system_prompt: str | None = None
    """Appended to the system prompt."""
    model: str | None = None
    """A model name or alias that the CLI knows, such as `sonnet`."""
    permission_mode: PermissionMode | None = None
    """What tools may do without asking."""
    fallback_models: tuple[str, ...] = ()
    """Models that the CLI asks instead, in this order, while `model` is overloaded or not available."""
    effort: Effort | None = None
    """How much the model thinks, where it can choose."""
    max_thinking_tokens: int | None = None
    """The most tokens that the model may think, where it has a budget; 0: it does not think."""
    project_context: tuple[ProjectContext, ...] = ()
    """What the CLI gets of the project in the working directory; never its settings and hooks."""
    home: HomeScope = HomeScope.SESSION
    """Whether HOME is the session's own, or shared with the sessions of its workspace that ask for it too."""
    max_turns: int | None = None
    """The most tool rounds that one turn may take."""
    temperature: float | None = None
    """The sampling temperature, 0 to 1."""
    max_budget_usd: float | None = None
    """The most that the session may cost over all its processes, in US dollars."""
    allowed_tools: tuple[str, ...] = ()
    """Rules for tools that run without asking, in the CLI's syntax, such as `Bash(git *)`."""
    disallowed_tools: tuple[str, ...] = ()
    """Rules for tools that never run, in the same syntax."""
    tool_timeout: timedelta | None = None
    """How long one tool call may take."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables for the process."""
    oauth_token_set: bool = False
    """Whether the session has a credential of its own: an OAuth token or an API key."""
    mcp_config: JsonObject | None = None
    """MCP servers, as in the CLI's `--mcp-config`."""
    settings: JsonObject | None = None
    """CLI settings, as in the CLI's `--settings`."""
    limits: Limits = Limits()
    """The resources that the session may use."""
    recovery: RecoveryPolicy = RecoveryPolicy()
    """Whether and how it restarts after a crash."""
    on_idle: OnIdle = OnIdle.SUSPEND
    """What happens after the idle timeout."""
    approval_policy: ApprovalPolicy = ApprovalPolicy.ASK
    """Who decides when a tool needs permission."""
    mcp_connect_timeout: timedelta | None = None
    """How long the MCP servers may take to connect."""
    required_mcp_servers: tuple[str, ...] = ()
    """The names of MCP servers without which no turn may run."""

    @property
    def mcp_servers(self) -> JsonObject:
        """The MCP servers in `mcp_config` by name."""
        servers = (self.mcp_config or {}).get("mcpServers")
        return servers if isinstance(servers, Mapping) else {}


class Secret:
    """A value that never appears in repr, str, logs or tracebacks. Only `reveal` returns it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself. Call it only to pass the secret to its one destination."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._value == self._value

    def __hash__(self) -> int:
        return hash((type(self), self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied")


class ApiKey(Secret):
    """A credential that is an API key, where an OAuth token could be as well."""

    __slots__ = ()
