"""Which variables a session may set; the reserved ones are refused with their reason, and no value is ever shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from greenroomd.app.ports.processes import Launch
from greenroomd.domain.config import Secret, SessionConfig
from greenroomd.domain.rules.config.config_rules import violations
from greenroomd.domain.rules.config.environment_rules import RESERVED, environment_violations, why_reserved
from greenroomd.processes.claude.launch_command import CliDefaults, RunDirectory, environment, settings
from greenroomd.processes.claude.workspace_directories import Workspace

# What a launcher sets, what a loader or runtime obeys, and what decides where credentials go.
FORBIDDEN = """
    LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT DYLD_INSERT_LIBRARIES GCONV_PATH GLIBC_TUNABLES
    NODE_OPTIONS NODE_PATH NODE_COMPILE_CACHE NODE_CHANNEL_FD BUN_OPTIONS BUN_INSPECT BUN_JSC_useJIT JSC_useJIT
    BASH_ENV ENV SHELL
    ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN ANTHROPIC_BASE_URL ANTHROPIC_CUSTOM_HEADERS ANTHROPIC_MODEL
    HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy
    NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED NODE_USE_SYSTEM_CA SSL_CERT_FILE SSL_CERT_DIR
    CLAUDECODE CLAUDE_CONFIG_DIR CLAUDE_CODE_OAUTH_TOKEN CLAUDE_CODE_EXTRA_BODY CLAUDE_CODE_MAX_RETRIES
    CLAUDE_CODE_SESSION_ID CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS CLAUDE_CODE_USE_BEDROCK CLAUDE_AGENT_SDK_VERSION
    FALLBACK_FOR_ALL_PRIMARY_MODELS
    IS_SANDBOX DISABLE_AUTOUPDATER DISABLE_TELEMETRY DISABLE_ERROR_REPORTING API_TIMEOUT_MS
    BASH_DEFAULT_TIMEOUT_MS BASH_MAX_TIMEOUT_MS MCP_TIMEOUT MCP_TOOL_TIMEOUT
    GREENROOM_LISTEN GREENROOM_DATABASE_URL HOME PATH TMPDIR
    AWS_BEARER_TOKEN_BEDROCK AWS_ENDPOINT_URL AWS_ENDPOINT_URL_BEDROCK_RUNTIME CLOUD_ML_REGION VERTEX_REGION_CLAUDE_OPUS
"""

FREE = """
    A a _ _x9 FOO_BAR PYTHONPATH PYTHONSTARTUP GIT_SSH_COMMAND GIT_AUTHOR_NAME JAVA_TOOL_OPTIONS AWS_PROFILE
    GITHUB_TOKEN NODE_ENV LANG LC_ALL TZ TERM USER EDITOR HOMEPAGE PATHS ld_preload BASH_MAX_OUTPUT_LENGTH
"""


def fields(environment: dict[str, str]) -> list[str]:
    return [violation.field for violation in environment_violations(environment)]


@pytest.mark.parametrize("name", FORBIDDEN.split())
def test_a_reserved_name_is_refused_with_its_reason(name: str) -> None:
    [violation] = environment_violations({name: "hunter2"})
    assert violation.field == f'config.environment["{name}"]'
    assert violation.description == f"is reserved: {why_reserved(name)}"


def test_every_entry_of_the_table_is_needed_for_a_name_above() -> None:
    names = set(FORBIDDEN.split())
    exact = {name for name in RESERVED if not name.endswith("*")}
    assert exact <= names
    for pattern in RESERVED.keys() - exact:
        assert any(name.startswith(pattern[:-1]) for name in names), pattern


def test_whatever_the_launcher_insists_on_is_reserved(tmp_path: Path) -> None:
    workspace, run = Workspace.within(tmp_path, "w"), RunDirectory(path=tmp_path)
    config = SessionConfig(working_dir="/srv", temperature=0.5, tool_timeout=timedelta(seconds=5))
    launch = Launch(session_id="s", workspace_id="w", cli_session_id="c", resume=False, config=config)
    launch = replace(launch, oauth_token=Secret("t"))

    theirs = dict.fromkeys(environment(launch, CliDefaults(), workspace, run), "theirs")
    contested = replace(launch, config=replace(config, environment=theirs))
    ours = {**environment(contested, CliDefaults(), workspace, run), **settings(config)["env"]}
    insisted = {name for name, value in ours.items() if value != "theirs"}
    assert {"CLAUDE_CONFIG_DIR", "CLAUDE_CODE_OAUTH_TOKEN", "MCP_TOOL_TIMEOUT"} < insisted
    assert {name for name in insisted if not why_reserved(name)} == set()


@pytest.mark.parametrize("name", [*FREE.split(), "A" * 127])
def test_any_other_name_is_free(name: str) -> None:
    assert fields({name: "", f"{name}2": "two\nlines"}) == []


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A=B", "É", "A\0", "BASH_FUNC_ls%%", "A" * 129])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    assert len(fields({name: "x", "FINE": "x"})) == 1


def test_a_value_may_hold_32_kib_without_nul() -> None:
    assert fields({"A": "é" * 16384}) == []
    assert fields({"A": "é" * 16384 + "a"}) == ['config.environment["A"]']
    assert fields({"A": "a\0b"}) == ['config.environment["A"]']


def test_there_may_be_128_entries_and_the_rest_is_not_judged() -> None:
    full = {f"A{number}": "" for number in range(128)}
    assert fields(full) == []
    assert fields({**full, "LD_PRELOAD": ""}) == ["config.environment"]


def test_all_values_together_may_hold_one_mebibyte() -> None:
    full = {f"A{number}": "a" * 32768 for number in range(32)}
    assert fields(full) == []
    assert fields({**full, "B": "a"}) == ["config.environment"]


def test_no_value_is_ever_shown() -> None:
    environment = {"LD_PRELOAD": "hunter2", "1": "hunter2", "A": "hunter2\0", "B": "hunter2" * 32768}
    found = violations(SessionConfig(working_dir="/srv", environment=environment))
    assert len(found) == 4
    assert "hunter2" not in repr(found)
