"""Turns a launch into the CLI's flags, its environment and the files in its run directory.

Secrets and long texts never go into the arguments: every user of the machine can read them, and Linux allows 128 KiB
per argument. Prompts go into the initialize request, settings and MCP servers into files, the token into the
environment.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from greenroomd.app.ports.processes import Launch
from greenroomd.domain.config import (
    ApiKey,
    JsonObject,
    PermissionMode,
    ProjectContext,
    Secret,
    SessionConfig,
)
from greenroomd.domain.rules.config.settings_rules import accepted
from greenroomd.processes.claude.api_credentials import without_credentials
from greenroomd.processes.claude.project_context import ProjectFiles
from greenroomd.processes.claude.workspace_directories import Workspace
from greenroomd.processes.host.redaction import Redactor, secret_values

# The CLI's memory is shared by all sessions in a directory, and its messages reach every session of the workspace.
_APART: JsonObject = {"autoMemoryEnabled": False, "crossSessionInbound": "refuse"}
_EXTRA_BODY = "CLAUDE_CODE_EXTRA_BODY"
_TOOL_TIMEOUTS = ("BASH_DEFAULT_TIMEOUT_MS", "BASH_MAX_TIMEOUT_MS", "MCP_TOOL_TIMEOUT")
_ORPHAN_TRIES_FOR = timedelta(hours=6)
"""How long a process whose server was killed may ask an overloaded API."""
_NO_PROJECT = ProjectFiles()
_MEMORY_HEADING = "# Instructions of the project (CLAUDE.md)"
_AS_PLUGIN = frozenset({ProjectContext.SKILLS, ProjectContext.COMMANDS})
_LEAST_BUDGET_USD = 0.000001  # the CLI does not accept 0 as a budget


@dataclass(frozen=True, slots=True, kw_only=True)
class CliDefaults:
    """What every process gets, whatever its session configures."""

    environment: Mapping[str, Secret] = field(default_factory=dict)
    """The operator's variables, for reaching the API (keys, base URL, proxy); they override a session's."""
    path: str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    """The PATH that tools see."""
    api_timeout: timedelta = timedelta(minutes=2)
    """How long the CLI waits for the API's answer to one request."""
    api_max_retries: int = 4
    """How often the CLI repeats a request that the API did not answer."""
    mcp_connect_timeout: timedelta = timedelta(seconds=30)
    """How long MCP servers may take to connect in sessions that do not say."""
    memory_bytes: int | None = None
    """The memory limit of sessions that set none; None is no limit."""
    open_files: int | None = None
    """How many files each single process may hold open; None is as many as the server may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDirectory:
    """The files of one process while it runs, readable only by its user."""

    path: Path

    @property
    def settings(self) -> Path:
        """The file of --settings."""
        return self.path / "settings.json"

    @property
    def mcp(self) -> Path:
        """The file of --mcp-config."""
        return self.path / "mcp.json"

    @property
    def plugin(self) -> Path:
        """The plugin with the project's skills and commands."""
        return self.path / "project"

    @property
    def tmp(self) -> Path:
        """TMPDIR: sockets and scratch files of the CLI, and of its tools."""
        return self.path / "tmp"

    def make(self, workspace: Workspace, config: SessionConfig, home: Path, config_dir: Path) -> None:
        """Make the directories and files of a launch, whose HOME is `home`."""
        shared = workspace.config_dir / "projects"
        for directory in (workspace.config_dir, shared, workspace.home, home, config_dir, self.tmp):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if config_dir != workspace.config_dir:
            # The records of its processes that were killed.
            shutil.rmtree(config_dir / "sessions", ignore_errors=True)
            with suppress(FileExistsError):  # relative, since the state directory may be moved
                (config_dir / "projects").symlink_to("../../claude/projects")
        for path, content in ((self.settings, settings(config)), (self.mcp, config.mcp_config)):
            if content:
                path.touch(mode=0o600)
                path.write_text(json.dumps(content), encoding="utf-8")

    def remove(self) -> None:
        """Delete the directory with everything in it, as far as possible."""
        shutil.rmtree(self.path, ignore_errors=True)


def defaults_for(launch: Launch, defaults: CliDefaults) -> CliDefaults:
    """Return the operator's defaults for a process, without credentials if its session has its own."""
    if launch.oauth_token is None:
        return defaults
    return replace(defaults, environment=without_credentials(defaults.environment))


def model_of(launch: Launch, defaults: CliDefaults) -> str:
    """Return the model to start with, by name or alias: the session's, the operator's, or the CLI's default."""
    operators = defaults.environment.get("ANTHROPIC_MODEL")
    return launch.config.model or (operators.reveal() if operators else "default")


def arguments(launch: Launch, defaults: CliDefaults, run: RunDirectory) -> list[str]:
    """Return the CLI's flags, all with `=`, since a value could begin with a dash."""
    config = launch.config
    flags = [
        "--print",
        "--verbose",
        "--input-format=stream-json",
        "--output-format=stream-json",
        "--include-partial-messages",
        "--permission-prompt-tool=stdio",
        "--setting-sources=",  # a foreign repository's settings would run its hooks, unasked
        "--strict-mcp-config",
        # Named, so that the CLI keeps no timers there: they would fire in every session of that directory.
        f"--project-config-root={config.working_dir or run.path}",
        # The prompt of the present config counts, not the one that the transcript recorded.
        "--system-prompt-snapshot=off",
        f"--{'resume' if launch.resume else 'session-id'}={launch.cli_session_id}",
        f"--model={model_of(launch, defaults)}",  # a resumed conversation would keep its old one
    ]
    if config.fallback_models:
        flags.append(f"--fallback-model={','.join(config.fallback_models)}")
    if config.permission_mode is not None:
        flags.append(f"--permission-mode={config.permission_mode.value}")
    if launch.may_bypass or config.permission_mode is PermissionMode.BYPASS_PERMISSIONS:
        flags.append("--allow-dangerously-skip-permissions")
    if config.effort is not None:
        flags.append(f"--effort={config.effort.value}")
    if config.max_thinking_tokens is not None:
        flags.append(f"--max-thinking-tokens={config.max_thinking_tokens}")
    if config.max_turns is not None:
        flags.append(f"--max-turns={config.max_turns}")
    if config.max_budget_usd is not None:
        # The CLI counts from its start.
        left = max(config.max_budget_usd - launch.spent_usd, _LEAST_BUDGET_USD)
        flags.append(f"--max-budget-usd={round(left, 6)}")
    flags += [f"--allowedTools={rule}" for rule in config.allowed_tools]
    flags += [f"--disallowedTools={rule}" for rule in config.disallowed_tools]
    flags.append(f"--settings={run.settings}")
    if _AS_PLUGIN.intersection(config.project_context):
        flags.append(f"--plugin-dir={run.plugin}")
    if config.mcp_config:
        flags.append(f"--mcp-config={run.mcp}")
    return flags


def initialization(config: SessionConfig, project: ProjectFiles = _NO_PROJECT) -> JsonObject:
    """Return the fields of the initialize request: prompts and agents, which are only taken here, before a turn."""
    fields: dict[str, Any] = {"hooks": None}
    if config.system_prompt is not None:
        fields["systemPrompt"] = config.system_prompt
    if project.memory:
        memory = f"{_MEMORY_HEADING}\n\n{project.memory}"
        fields["appendSystemPrompt"] = "\n\n".join(filter(None, (memory, config.append_system_prompt)))
    elif config.append_system_prompt is not None:
        fields["appendSystemPrompt"] = config.append_system_prompt
    if project.agents:
        fields["agents"] = project.agents
    return fields


def settings(config: SessionConfig) -> JsonObject:
    """Return the CLI settings of a session: its own, and those with which the service keeps sessions apart.

    Leaves out settings that are not accepted any more, since the session may be older than the rules. Never sets a
    clean-up period: only with one does the CLI delete other sessions' conversations.
    """
    merged = {**_APART, **accepted(config.settings or {})}
    timeouts: dict[str, str] = {}
    if config.tool_timeout is not None:
        timeouts = dict.fromkeys(_TOOL_TIMEOUTS, _milliseconds(config.tool_timeout))
    if config.mcp_connect_timeout is not None:
        timeouts["MCP_TIMEOUT"] = _milliseconds(config.mcp_connect_timeout)
    if timeouts:
        given = merged.get("env")
        merged["env"] = {**(given if isinstance(given, Mapping) else {}), **timeouts}
    return merged


def _milliseconds(span: timedelta) -> str:
    return str(span // timedelta(milliseconds=1))


def environment(
    launch: Launch, defaults: CliDefaults, workspace: Workspace, run: RunDirectory
) -> dict[str, str]:
    """Return the whole environment.

    Later sources win: our defaults, the session, the operator, what the protocol needs.
    """
    config, defaults = launch.config, defaults_for(launch, defaults)
    home = workspace.home_of(launch.cli_session_id, config.home)
    merged = {"PATH": defaults.path, "HOME": str(home), "LANG": "C.UTF-8", **config.environment}
    merged |= {name: value.reveal() for name, value in defaults.environment.items()}
    merged |= {
        "CLAUDE_CONFIG_DIR": str(workspace.config_of(launch.cli_session_id)),
        "TMPDIR": str(run.tmp),
        "CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "API_TIMEOUT_MS": _milliseconds(defaults.api_timeout),
        "MCP_TIMEOUT": _milliseconds(defaults.mcp_connect_timeout),
        "CLAUDE_CODE_MAX_RETRIES": str(defaults.api_max_retries),
        # The CLI would give up an overloaded Opus at the third answer, and a long wait at once. How often and how long
        # a turn tries is decided where its frames are read.
        "CLAUDE_CODE_RETRY_WATCHDOG": "1",
        "CLAUDE_CODE_RETRY_WATCHDOG_SCOPE": "capacity",
        "CLAUDE_CODE_RETRY_WATCHDOG_MAX_WAIT_MS": str(_ORPHAN_TRIES_FOR // timedelta(milliseconds=1)),
    }
    merged |= extra_body(config, defaults)
    if launch.oauth_token is not None:
        key = isinstance(launch.oauth_token, ApiKey)
        merged["ANTHROPIC_API_KEY" if key else "CLAUDE_CODE_OAUTH_TOKEN"] = launch.oauth_token.reveal()
    return merged


def extra_body(config: SessionConfig, defaults: CliDefaults) -> dict[str, str]:
    """Return the variable that adds a session's temperature to what the operator sends to the model's API."""
    if config.temperature is None:
        return {}
    operators = defaults.environment.get(_EXTRA_BODY)
    try:
        body = json.loads(operators.reveal() if operators else "{}")
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    return {_EXTRA_BODY: json.dumps({**body, "temperature": config.temperature})}


def redactor_of(launch: Launch, defaults: CliDefaults) -> Redactor:
    """Return a redactor for the secrets that this process is given."""
    config = launch.config
    operators = {name: value.reveal() for name, value in defaults.environment.items()}
    token = [launch.oauth_token.reveal()] if launch.oauth_token else []
    return Redactor(
        server=[*secret_values(operators), *token],
        session=secret_values([config.environment, config.mcp_config, config.settings]),
    )
