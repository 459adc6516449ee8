import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driving import a_launch
from greenroomd.domain.config import Effort, HomeScope, PermissionMode, Secret
from greenroomd.processes.claude.api_credentials import CREDENTIALS
from greenroomd.processes.claude.launch_command import (
    CliDefaults,
    RunDirectory,
    arguments,
    environment,
    initialization,
    redactor_of,
    settings,
)
from greenroomd.processes.claude.workspace_directories import Workspace

STATE = Path("/state")
RUN = RunDirectory(path=Path("/state/run/i/p"))
WORKSPACE = Workspace.within(STATE, "acme")
APART = {"autoMemoryEnabled": False, "crossSessionInbound": "refuse"}
SETTINGS = "--settings=/state/run/i/p/settings.json"
BARE = [
    "--print",
    "--verbose",
    "--input-format=stream-json",
    "--output-format=stream-json",
    "--include-partial-messages",
    "--permission-prompt-tool=stdio",
    "--setting-sources=",
    "--strict-mcp-config",
    "--project-config-root=/w",
    "--system-prompt-snapshot=off",
]


def flags(**config: Any) -> list[str]:
    return arguments(a_launch(Path("/w"), **config), CliDefaults(), RUN)


def variables(defaults: CliDefaults | None = None, token: str = "", **config: Any) -> dict[str, str]:
    launch = a_launch(Path("/w"), token=token, **config)
    return environment(launch, defaults or CliDefaults(), WORKSPACE, RUN)


def operator(**given: str) -> CliDefaults:
    return CliDefaults(environment={name: Secret(value) for name, value in given.items()})


def test_the_flags_of_an_empty_config() -> None:
    launch = a_launch(Path("/w"))
    expected = [*BARE, f"--session-id={launch.cli_session_id}", "--model=default", SETTINGS]
    assert arguments(launch, CliDefaults(), RUN) == expected


def test_the_flags_of_a_full_config() -> None:
    given = flags(
        resume="0b8b",
        model="opus",
        permission_mode=PermissionMode.BYPASS_PERMISSIONS,
        effort=Effort.MAX,
        max_thinking_tokens=0,
        max_turns=7,
        max_budget_usd=1.5,
        allowed_tools=("Read", "Bash(git log, *)"),
        disallowed_tools=("WebFetch",),
        tool_timeout=timedelta(seconds=90),
        mcp_config={"mcpServers": {}},
    )
    assert given == [
        *BARE,
        "--resume=0b8b",
        "--model=opus",
        "--permission-mode=bypassPermissions",
        "--allow-dangerously-skip-permissions",
        "--effort=max",
        "--max-thinking-tokens=0",
        "--max-turns=7",
        "--max-budget-usd=1.5",
        "--allowedTools=Read",
        "--allowedTools=Bash(git log, *)",
        "--disallowedTools=WebFetch",
        SETTINGS,
        "--mcp-config=/state/run/i/p/mcp.json",
    ]


def test_prompts_travel_in_the_initialize_request() -> None:
    launch = a_launch(Path("/w"), system_prompt="x" * 2**18, append_system_prompt="")
    fields = {"hooks": None, "systemPrompt": "x" * 2**18, "appendSystemPrompt": ""}
    assert initialization(launch.config) == fields
    assert max(map(len, arguments(launch, CliDefaults(), RUN))) < 1000


def test_the_operators_model_is_the_default_of_sessions_without_one() -> None:
    defaults = operator(ANTHROPIC_MODEL="haiku")
    assert "--model=haiku" in arguments(a_launch(Path("/w")), defaults, RUN)
    assert "--model=opus" in arguments(a_launch(Path("/w"), model="opus"), defaults, RUN)


def test_fallback_models_are_one_flag() -> None:
    flags = arguments(a_launch(Path("/w"), fallback_models=("haiku", "sonnet")), CliDefaults(), RUN)
    assert "--fallback-model=haiku,sonnet" in flags


CONVERSATION = "0f9c4d2e-6f0a-4f3e-9a55-1b8f5d2f7c11"


@pytest.mark.parametrize(
    ("conversation", "scope"), [(CONVERSATION, HomeScope.WORKSPACE), ("../../x", HomeScope.SESSION)]
)
def test_a_home_that_is_shared_and_an_id_that_leads_elsewhere(conversation: str, scope: HomeScope) -> None:
    given = variables(resume=conversation, home=scope)
    own = "configs/" + CONVERSATION if conversation == CONVERSATION else "claude"
    assert given["HOME"] == "/state/workspaces/acme/home"
    assert given["CLAUDE_CONFIG_DIR"] == f"/state/workspaces/acme/{own}"


def test_the_environment_of_an_empty_config() -> None:
    assert variables(resume=CONVERSATION) == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": f"/state/workspaces/acme/homes/{CONVERSATION}",
        "LANG": "C.UTF-8",
        "TMPDIR": "/state/run/i/p/tmp",
        "CLAUDE_CONFIG_DIR": f"/state/workspaces/acme/configs/{CONVERSATION}",
        "CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "API_TIMEOUT_MS": "120000",
        "MCP_TIMEOUT": "30000",
        "CLAUDE_CODE_MAX_RETRIES": "4",
        "CLAUDE_CODE_RETRY_WATCHDOG": "1",
        "CLAUDE_CODE_RETRY_WATCHDOG_SCOPE": "capacity",
        "CLAUDE_CODE_RETRY_WATCHDOG_MAX_WAIT_MS": "21600000",
    }


def test_the_operator_wins_over_the_session_and_the_protocol_over_both() -> None:
    given = variables(
        operator(ANTHROPIC_BASE_URL="https://gateway", CLAUDE_CONFIG_DIR="/elsewhere"),
        resume=CONVERSATION,
        environment={"ANTHROPIC_BASE_URL": "https://thief", "COLOUR": "blue", "TMPDIR": "/elsewhere"},
    )
    assert given["ANTHROPIC_BASE_URL"] == "https://gateway"
    assert given["COLOUR"] == "blue"
    assert given["CLAUDE_CONFIG_DIR"] == f"/state/workspaces/acme/configs/{CONVERSATION}"
    assert given["TMPDIR"] == "/state/run/i/p/tmp"


def test_a_token_takes_the_place_of_the_operators_key() -> None:
    given = variables(operator(ANTHROPIC_API_KEY="key", ANTHROPIC_AUTH_TOKEN="auth"), token="oat")
    assert given["CLAUDE_CODE_OAUTH_TOKEN"] == "oat"
    assert not {"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"} & given.keys()


@pytest.mark.parametrize(
    ("operators", "expected"),
    [({}, {}), ({"top_k": 5, "temperature": 1}, {"top_k": 5}), ("nonsense", {}), ([1], {})],
)
def test_temperature_joins_the_extra_body(operators: object, expected: dict[str, object]) -> None:
    body = operators if isinstance(operators, str) else json.dumps(operators)
    given = variables(operator(CLAUDE_CODE_EXTRA_BODY=body), temperature=0.0)
    assert json.loads(given["CLAUDE_CODE_EXTRA_BODY"]) == {**expected, "temperature": 0.0}


def test_the_time_for_mcp_servers_to_connect_joins_the_settings() -> None:
    launch = a_launch(Path("/w"), mcp_connect_timeout=timedelta(seconds=1.5))
    assert settings(launch.config)["env"] == {"MCP_TIMEOUT": "1500"}


def test_the_tool_timeout_joins_the_settings() -> None:
    launch = a_launch(
        Path("/w"),
        tool_timeout=timedelta(seconds=1.5),
        settings={"env": {"A": "b"}, "includeCoAuthoredBy": False},
    )
    timeouts = {"BASH_DEFAULT_TIMEOUT_MS": "1500", "BASH_MAX_TIMEOUT_MS": "1500", "MCP_TOOL_TIMEOUT": "1500"}
    assert settings(launch.config) == {**APART, "env": {"A": "b", **timeouts}, "includeCoAuthoredBy": False}


def test_sessions_are_kept_apart_unless_one_asks_for_the_shared_memory() -> None:
    assert settings(a_launch(Path("/w")).config) == APART
    shared = a_launch(Path("/w"), settings={"autoMemoryEnabled": True})
    assert settings(shared.config) == {**APART, "autoMemoryEnabled": True}


def test_what_an_older_session_could_still_set_does_not_reach_the_cli() -> None:
    old = a_launch(Path("/w"), settings={"cleanupPeriodDays": 1, "apiKeyHelper": "x", "language": "Deutsch"})
    assert settings(old.config) == {**APART, "language": "Deutsch"}


def test_an_operators_credential_does_not_meet_a_sessions() -> None:
    operators = dict.fromkeys(CREDENTIALS, "operators")
    headers = "X-Route: eu\nAuthorization: Bearer operators\n\nX-Gateway-Key: operators\ncookie: operators"
    defaults = operator(
        **operators,
        CLAUDE_CODE_USE_BEDROCK="1",
        ANTHROPIC_CUSTOM_HEADERS=headers,
        ANTHROPIC_BASE_URL="http://x",
    )
    launch = a_launch(Path("/w"), token="sessions", environment={"AWS_PROFILE": "mine"})
    given = environment(launch, defaults, WORKSPACE, RUN)
    assert "operators" not in repr(given)
    assert given["CLAUDE_CODE_OAUTH_TOKEN"] == "sessions"
    assert given["ANTHROPIC_CUSTOM_HEADERS"] == "X-Route: eu"
    assert given["ANTHROPIC_BASE_URL"] == "http://x"
    assert given["AWS_PROFILE"] == "mine"
    assert "CLAUDE_CODE_USE_BEDROCK" not in given
    without = environment(a_launch(Path("/w")), defaults, WORKSPACE, RUN)
    assert {name: without[name] for name in operators} == operators
    assert without["ANTHROPIC_CUSTOM_HEADERS"] == headers


def test_the_run_directory_is_private_and_goes_whole(tmp_path: Path) -> None:
    run = RunDirectory(path=tmp_path / "run/i/p")
    launch = a_launch(Path("/w"), settings={"language": "x"}, mcp_config={"mcpServers": {"x": {}}})
    workspace = Workspace.within(tmp_path, "acme")
    config_dir = workspace.config_of(CONVERSATION)
    for _ in range(2):
        run.make(workspace, launch.config, tmp_path / "home", config_dir)
        assert (config_dir / "projects").resolve() == workspace.config_dir / "projects"
        assert not (config_dir / "sessions").exists()
        (config_dir / "sessions").mkdir()  # as a process that is killed leaves it
    assert json.loads(run.settings.read_text()) == {**APART, "language": "x"}
    assert json.loads(run.mcp.read_text()) == {"mcpServers": {"x": {}}}
    assert stat.S_IMODE(run.mcp.stat().st_mode) == 0o600
    assert stat.S_IMODE(run.tmp.stat().st_mode) == 0o700
    run.remove()
    assert not run.path.exists()


def test_the_run_directory_of_an_empty_config_has_the_settings_alone(tmp_path: Path) -> None:
    run = RunDirectory(path=tmp_path / "run/i/p")
    workspace = Workspace.within(tmp_path, "acme")
    run.make(workspace, a_launch(Path("/w")).config, tmp_path / "home", workspace.config_of(CONVERSATION))
    assert sorted(run.path.iterdir()) == [run.settings, run.tmp]


@given(st.text(), st.text())
def test_workspaces_never_meet_and_never_leave_the_state_directory(one: str, other: str) -> None:
    first, second = Workspace.within(STATE, one), Workspace.within(STATE, other)
    assert (first == second) == (one == other)
    assert first.root.parent == STATE / "workspaces"
    assert first.root.name not in {".", "..", ""}
    assert "/" not in first.root.name


def test_a_long_workspace_id_fits_into_a_file_name() -> None:
    assert len(Workspace.within(STATE, "é" * 1000).root.name) < 255


def test_what_is_hidden() -> None:
    launch = a_launch(
        Path("/w"),
        token="oat-secret-1",
        environment={"DB_PASSWORD": "db-secret-1", "COLOUR": "dark-blue-1"},
        mcp_config={"mcpServers": {"x": {"env": {"API_KEY": "mcp-secret-1"}}}},
    )
    redactor = redactor_of(launch, operator(ANTHROPIC_API_KEY="key-secret-1", HTTPS_PROXY="http://proxy"))
    said = "oat-secret-1 db-secret-1 dark-blue-1 mcp-secret-1 key-secret-1 http://proxy"
    assert redactor.text(said) == "[redacted] [redacted] dark-blue-1 [redacted] [redacted] http://proxy"
    assert redactor.json_line(said.encode()) == (
        b"[redacted] db-secret-1 dark-blue-1 mcp-secret-1 [redacted] http://proxy"
    )
