"""What a session is told to be: its configuration, immutable, one generation after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, NoReturn

JsonObject = Mapping[str, Any]


class PermissionMode(StrEnum):
    """How the CLI treats a tool that wants permission; the values are the CLI's own words."""

    DEFAULT = "default"
    ACCEPT_EDITS = "acceptEdits"
    PLAN = "plan"
    DONT_ASK = "dontAsk"
    AUTO = "auto"
    BYPASS_PERMISSIONS = "bypassPermissions"


class OnIdle(StrEnum):
    """What happens to a session that nobody has used for its idle timeout."""

    SUSPEND = "suspend"
    CLOSE = "close"
    KEEP = "keep"


class ApprovalPolicy(StrEnum):
    """Who answers when the CLI asks for permission: a person over the API, or a standing no."""

    ASK = "ask"
    DENY = "deny"


class RecoveryMode(StrEnum):
    """Whether a crashed process is started again without being asked."""

    NEVER = "never"
    ON_CRASH = "on_crash"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryPolicy:
    """How a session comes back after its process died: at most `max_restarts` within `window`."""

    mode: RecoveryMode = RecoveryMode.NEVER
    max_restarts: int = 5
    window: timedelta = timedelta(seconds=60)
    first_backoff: timedelta = timedelta(seconds=1)
    max_backoff: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a session may use; None leaves the server's default (or no limit) in force."""

    memory_bytes: int | None = None
    cpu_cores: float | None = None
    max_duration: timedelta | None = None
    idle_timeout: timedelta | None = None
    turn_timeout: timedelta | None = None
    output_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    """One generation of a session's configuration; an unset option (None, empty) is left to the CLI.

    The OAuth token is not part of it: secrets travel and rest apart. `oauth_token_set` tells that there is one.
    """

    working_dir: str
    system_prompt: str | None = None
    append_system_prompt: str | None = None
    model: str | None = None
    permission_mode: PermissionMode | None = None
    max_turns: int | None = None
    temperature: float | None = None
    max_budget_usd: float | None = None
    allowed_tools: tuple[str, ...] = ()
    disallowed_tools: tuple[str, ...] = ()
    tool_timeout: timedelta | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    oauth_token_set: bool = False
    mcp_config: JsonObject | None = None
    settings: JsonObject | None = None
    limits: Limits = Limits()
    recovery: RecoveryPolicy = RecoveryPolicy()
    on_idle: OnIdle = OnIdle.SUSPEND
    approval_policy: ApprovalPolicy = ApprovalPolicy.ASK


class Secret:
    """A value that never shows itself: not in repr, str, logs or tracebacks. `reveal` is the only way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself; call it only where it leaves for its one destination."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied")
