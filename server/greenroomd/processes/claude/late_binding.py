"""How a process that was started ahead is reconfigured for a session it was not started for. Pure.

As observed with the CLI 2.1.330: if it is reconfigured before its first message, its requests to the model are the
same, byte by byte, as if it had been started that way. That holds for the options listed here, which were tested.
Options that cannot be undone, or were not tested, must be equal from the start. So a process never knows more than the
session that gets it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from greenroomd.app.ports.processes import Launch
from greenroomd.domain.config import (
    ApprovalPolicy,
    JsonObject,
    Limits,
    OnIdle,
    PermissionMode,
    RecoveryPolicy,
    Secret,
    SessionConfig,
)
from greenroomd.processes.claude.launch_command import (
    CliDefaults,
    defaults_for,
    extra_body,
    initialization,
    model_of,
    redactor_of,
    settings,
)
from greenroomd.processes.host.redaction import Redactor

Request = tuple[str, JsonObject]
"""A control request: its subtype and its fields."""

# Families of variables of which the CLI itself, its runtime or a library in it reads some when it starts.
_READ_AT_START = re.compile(
    r"(AWS|AZURE|BASH|CLOUD|CLOUDSDK|DISABLE|ENABLE|GCE|GCLOUD|GOOGLE|GRPC|LC|MAX|MCP|NODE|OTEL|SSH|USE|VERTEX|XDG)_.*"
    r"|CI|COLORTERM|COLUMNS|DEBUG|DISPLAY|DO_NOT_TRACK|FORCE_COLOR|LANG|LANGUAGE|LINES|LOGNAME|NO_COLOR|TERM|TZ|USER"
)
# Of rules with a pattern, only those for commands were tested late. The bare name of a forbidden tool hides the tool
# from the model at the start, but only forbids it later.
_LATE_PATTERN = re.compile(r"Bash\(.*\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LaunchKey:
    """The parts of a launch that no request can change later."""

    workspace_id: str
    config: SessionConfig
    oauth_token: Secret | None
    spent_usd: float


def as_started(launch: Launch) -> Launch:
    """Return a launch without the parts that do not matter to a waiting process.

    Those are the ones that only the session's owner uses, or that any process can be told late.
    """
    config = replace(
        launch.config,
        system_prompt=None,
        append_system_prompt=None,
        limits=Limits(),
        recovery=RecoveryPolicy(),
        on_idle=OnIdle.SUSPEND,
        approval_policy=ApprovalPolicy.ASK,
    )
    return replace(launch, config=config)


def key_of(launch: Launch) -> LaunchKey:
    """Return a launch's key: the parts that can neither be told late nor are used by the session's owner alone."""
    config = as_started(launch).config
    bypass = config.permission_mode is PermissionMode.BYPASS_PERMISSIONS
    fixed = replace(
        config,
        working_dir=config.working_dir if "hooks" in (config.settings or {}) else "",  # where they run
        model=None,
        permission_mode=PermissionMode.BYPASS_PERMISSIONS if bypass else None,
        temperature=None,
        allowed_tools=(),
        disallowed_tools=(),
        tool_timeout=None,
        mcp_connect_timeout=None,
        required_mcp_servers=(),
        environment={},
        mcp_config=_without(config.mcp_config or {}, "mcpServers"),
        settings=_without(config.settings or {}, "env", "permissions"),
    )
    return LaunchKey(launch.workspace_id, fixed, launch.oauth_token, launch.spent_usd)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """How a process is made to serve `launch`: requests that are all sent at once, before its first message."""

    launch: Launch
    """The session's launch."""
    redactor: Redactor
    """Hides the secrets that come with it."""
    model: str
    """The model to use, by name or alias."""
    before: Sequence[Request]
    """Requests to send before the initialize request."""
    after: Sequence[Request]
    """Requests to send after it."""
    servers: JsonObject
    """MCP servers to add, last: the CLI does nothing else until all have connected or failed."""
    working_dir: str | None = None
    """The session's working directory as its caller named it; None if the process was started with the same path."""

    @property
    def effort(self) -> tuple[bool, int]:
        """How much there is to do: a change of the working directory takes longest."""
        return self.working_dir is not None, len(self.before) + len(self.after) + bool(self.servers)

    def requests(self, directory: str | None) -> Sequence[Request]:
        """Return the requests in order; `directory` is the working directory without symbolic links.

        The request marks it as trusted: the operator allowed its root, and a process started there does not ask either.
        """
        move: list[Request] = []
        if directory is not None:
            fields = {"path": directory, "trust_accepted": True, "trusted_directory": directory}
            move.append(("set_cwd", fields))
        return [*move, *self.before, ("initialize", initialization(self.launch.config)), *self.after]


def binding(started: Launch, wanted: Launch, defaults: CliDefaults) -> Binding | None:
    """Return how a process that was started for one launch can serve another; None if it cannot."""
    if key_of(started) != key_of(wanted) or wanted.config.project_context:  # it is read at the start
        return None
    here, there = started.config, wanted.config
    flags = _settings(here, there, defaults_for(wanted, defaults))
    servers = _added(_servers(here), _servers(there))
    if flags is None or servers is None or servers.keys() & _servers(here).keys():
        return None
    after: list[Request] = []
    model = model_of(wanted, defaults)
    if model != model_of(started, defaults):
        after.append(("set_model", {"model": None if model == "default" else model}))
    if there.permission_mode != here.permission_mode:
        mode = there.permission_mode or PermissionMode.DEFAULT
        after.append(("set_permission_mode", {"mode": mode.value}))
    return Binding(
        launch=wanted,
        redactor=redactor_of(wanted, defaults),
        model=model,
        before=[("apply_flag_settings", {"settings": flags})] if flags else [],
        after=after,
        servers=servers,
        working_dir=None if there.working_dir == here.working_dir else there.working_dir,
    )


def refusal_in(subtype: str, answer: JsonObject) -> str:
    """Return why a request was not carried out although its answer is no error; "" if it was."""
    if subtype == "set_cwd" and answer.get("status") != "ok":
        return str(answer.get("message") or answer.get("status"))
    return ""


def _settings(here: SessionConfig, there: SessionConfig, defaults: CliDefaults) -> dict[str, Any] | None:
    """Return the settings to merge into those of `here` to get those of `there`; None if that is impossible."""
    old, new = settings(here), settings(there)
    variables = _added(_variables(here, old, defaults), _variables(there, new, defaults))
    if variables is None or any(_READ_AT_START.fullmatch(name) for name in variables if name not in _OURS):
        return None
    if _without(_part(old, "permissions"), *_RULES) != _without(_part(new, "permissions"), *_RULES):
        return None
    permissions = {}
    for name in _RULES:
        rules = _more_rules(_rules(here, old, name), _rules(there, new, name), allow=name == "allow")
        if rules is None:
            return None
        if rules:
            permissions[name] = rules
    parts = {"env": variables, "permissions": permissions}
    return {name: part for name, part in parts.items() if part}


_RULES = ("allow", "deny")
_OURS = frozenset({"BASH_DEFAULT_TIMEOUT_MS", "BASH_MAX_TIMEOUT_MS", "MCP_TIMEOUT", "MCP_TOOL_TIMEOUT"})


def _variables(config: SessionConfig, merged: JsonObject, defaults: CliDefaults) -> dict[str, Any]:
    """Return the variables in force: the operator's override the session's, and its settings' override both."""
    own = {name: value for name, value in config.environment.items() if name not in defaults.environment}
    return {**own, **extra_body(config, defaults), **_part(merged, "env")}


def _rules(config: SessionConfig, merged: JsonObject, name: str) -> list[Any]:
    own = config.allowed_tools if name == "allow" else config.disallowed_tools
    given = _part(merged, "permissions").get(name, ())
    return [*own, *(given if isinstance(given, Sequence) else [])]


def _more_rules(old: Sequence[Any], new: Sequence[Any], *, allow: bool) -> list[str] | None:
    if any(rule not in new for rule in old):
        return None
    more = [rule for rule in new if rule not in old]
    known = (
        isinstance(rule, str) and (bool(_LATE_PATTERN.fullmatch(rule)) or (allow and "(" not in rule))
        for rule in more
    )
    return more if all(known) else None


def _servers(config: SessionConfig) -> JsonObject:
    return _part(config.mcp_config or {}, "mcpServers")


def _added(old: JsonObject, new: JsonObject) -> dict[str, Any] | None:
    """Return the entries that `new` adds or changes; None if it lacks one of `old`: nothing can be taken back."""
    if old.keys() - new.keys():
        return None
    return {name: value for name, value in new.items() if name not in old or old[name] != value}


def _part(whole: JsonObject, name: str) -> JsonObject:
    part = whole.get(name)
    return part if isinstance(part, Mapping) else {}


def _without(whole: JsonObject, *names: str) -> dict[str, Any]:
    return {name: value for name, value in whole.items() if name not in names}
