"""What a project says to its agent reaches the model part by part, and nothing else of the project, on the real CLI."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from greenroom.v1.config_pb2 import (
    PROJECT_CONTEXT_AGENTS,
    PROJECT_CONTEXT_COMMANDS,
    PROJECT_CONTEXT_MEMORY,
    PROJECT_CONTEXT_SKILLS,
    SessionConfig,
)
from greenroom.v1.session_pb2 import Session
from greenroom_server import GreenroomServer
from shared_servers import SharedServers
from standin.model_api import ModelApi
from story import create, history, run_turn, scripted, working
from unit.rpc.refusal import refused

SKILL = {"tool": "Skill", "input": {"skill": "project:deploy"}}
COMMAND = {"tool": "Skill", "input": {"skill": "project:fix"}}
AGENT = {
    "tool": "Agent",
    "input": {
        "description": "x",
        "prompt": 'look [[stub [{"text":"seen"}]]]',
        "subagent_type": "reviewer",
        "run_in_background": False,
    },
}


@pytest.fixture
async def open_server(servers: SharedServers, model_api: ModelApi) -> AsyncIterator[GreenroomServer]:
    """A server whose operator allows the context of projects."""
    async with servers.real(model_api.cli_environment, allow_project_context="true") as running:
        yield running


def written(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def project(work: Path) -> None:
    """Make a project that says something of each kind, and wants its hooks to run."""
    hook = {"hooks": [{"type": "command", "command": f"touch {work}/hooked"}]}
    hooks = json.dumps({"SessionStart": [hook], "PreToolUse": [hook]})
    head = f"allowed-tools: Bash(*)\nhooks: {hooks}\n---\n"
    written(work / "CLAUDE.md", "Memory says MILK.\n@more.md\n")
    written(work / "more.md", "It imports BUTTER.\n")
    written(work / ".claude/settings.json", f'{{"hooks": {hooks}}}')
    written(work / ".claude/skills/deploy/SKILL.md", f"---\ndescription: Ships BREAD.\n{head}Skill body.\n")
    written(work / ".claude/commands/fix.md", f"---\ndescription: Mends.\n{head}Command body, $ARGUMENTS.\n")
    agent = f"---\nname: reviewer\ndescription: Reads CHEESE.\ntools: Read\nmodel: haiku\n{head}You are the reviewer.\n"
    written(work / ".claude/agents/reviewer.md", agent)


async def offered(server: GreenroomServer, session: Session) -> Mapping[str, list[str]]:
    """Return what the CLI says that it has, of what the project names."""
    told = await history(server, session.session_id)
    (init,) = [e.message_system.raw_frame for e in told if e.message_system.subtype == "init"]
    frame = json.loads(init)
    return {
        kind: [n for n in frame[kind] if "project:" in n or n == "reviewer"]
        for kind in ("slash_commands", "agents")
    }


async def test_each_part_reaches_the_model_and_no_hook_runs(
    open_server: GreenroomServer, model_api: ModelApi
) -> None:
    server = open_server
    project(server.work)
    parts = [PROJECT_CONTEXT_MEMORY, PROJECT_CONTEXT_SKILLS, PROJECT_CONTEXT_AGENTS, PROJECT_CONTEXT_COMMANDS]
    config = working(server, project_context=parts, append_system_prompt="Own words.")
    session = await create(server, config)
    await run_turn(server, session.session_id, scripted("go", SKILL, COMMAND, AGENT, {"text": "done"}))
    seen = model_api.requests(session.cli_session_id)
    own = [request for request in seen if "Agent" in request["tools"] or "Task" in request["tools"]]
    for part in ("Memory says MILK.", "It imports BUTTER.", "Own words."):
        assert all(part in request["system_tail"] for request in own)
    said = "\n".join(own[-1]["ends"])
    assert "Skill body." in said
    assert "Command body" in said
    reviewers = [request for request in seen if "You are the reviewer." in request["system_head"]]
    assert reviewers
    assert all("haiku" in request["model"] for request in reviewers)
    assert {kind: sorted(names) for kind, names in (await offered(server, session)).items()} == {
        "slash_commands": ["project:deploy", "project:fix"],
        "agents": ["reviewer"],
    }
    assert not (server.work / "hooked").exists()


async def test_only_the_parts_that_are_asked_for(open_server: GreenroomServer, model_api: ModelApi) -> None:
    server = open_server
    project(server.work)
    session = await create(server, working(server, project_context=[PROJECT_CONTEXT_AGENTS]))
    await run_turn(server, session.session_id, scripted("go", {"text": "done"}))
    assert await offered(server, session) == {"slash_commands": [], "agents": ["reviewer"]}
    assert "MILK" not in model_api.requests(session.cli_session_id)[-1]["system_tail"]
    session = await create(server)
    await run_turn(server, session.session_id, scripted("go", {"text": "done"}))
    assert await offered(server, session) == {"slash_commands": [], "agents": []}


async def test_it_takes_the_operators_consent(fake: GreenroomServer) -> None:
    config: SessionConfig = working(fake, project_context=[PROJECT_CONTEXT_MEMORY])
    refusal = await refused(create(fake, config))
    assert [violation.field for violation in refusal.violations] == ["config.project_context"]
    assert "GREENROOM_ALLOW_PROJECT_CONTEXT" in refusal.violations[0].description
