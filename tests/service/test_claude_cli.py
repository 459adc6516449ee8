"""The adapter against the real CLI: every setting arrives, every verb works, nothing is left running."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from driving import IMPATIENT, a_launch, driven, eventually, result_of, spoken, tool_output
from greenroomd.app.ports.processes import ProcessFailed, ShutdownTimeouts
from greenroomd.domain.config import PermissionMode, Secret
from greenroomd.domain.frames.api_reports import ApiRetried
from greenroomd.domain.frames.frame import SystemNoted
from greenroomd.domain.frames.message_frames import Delta, DeltaKind, UserEchoed
from greenroomd.domain.frames.setting_frames import TurnInitialized
from greenroomd.domain.frames.tool_frames import PermissionAsked, PermissionWithdrawn
from greenroomd.domain.frames.turn_frames import MessageProgressed, TurnResult
from greenroomd.processes.claude.cli import ClaudeCli
from greenroomd.processes.claude.discovery import FoundCli, find_cli
from greenroomd.processes.claude.launch_command import CliDefaults
from greenroomd.processes.host.server_run import ServerRun, server_run
from greenroomd.processes.linux import procfs
from greenroomd.processes.node.allowed_roots import AllowedRoots
from greenroomd.processes.node.reaper import reap
from real_cli import path_of_cli
from standin.model_api import ModelApi

TOKEN = "sk-ant-oat01-not-a-real-token"


@pytest.fixture(scope="module")
def found() -> FoundCli:
    """The CLI inside claude-agent-sdk, in the version that the lock file names, or the one that is to be tried."""
    return asyncio.run(find_cli(path_of_cli(), ""))


@pytest.fixture
async def mine(tmp_path: Path) -> AsyncIterator[ServerRun]:
    async with server_run(tmp_path / "state") as mine:
        yield mine


@pytest.fixture
def cli(tmp_path: Path, found: FoundCli, mine: ServerRun, model_api: ModelApi) -> ClaudeCli:
    patience = ShutdownTimeouts(after_eof=timedelta(seconds=1))
    roots = AllowedRoots([tmp_path])
    return ClaudeCli(found.path, tmp_path / "state", mine, defaults(model_api), patience, directories=roots)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    return work


def defaults(model_api: ModelApi, **more: str) -> CliDefaults:
    given = {**model_api.cli_environment, **more}
    return CliDefaults(environment={name: Secret(value) for name, value in given.items()}, api_max_retries=1)


def plan(*steps: dict[str, Any]) -> str:
    return f"go [[stub {json.dumps(steps)}]]"


def bash(command: str) -> dict[str, Any]:
    return {"tool": "Bash", "input": {"command": command, "description": "a test"}}


async def test_a_turn_with_a_tool_that_writes_a_file(cli: ClaudeCli, work: Path, found: FoundCli) -> None:
    async with driven(cli, a_launch(work, allowed_tools=("Bash(touch *)",))) as claude:
        assert claude.handshake.cli_version == found.version
        assert claude.handshake.permission_mode == "default"
        frames = await claude.turn(plan(bash("touch made"), {"text": "all done"}))
        ended = await claude.process.end(ShutdownTimeouts())
    assert (work / "made").exists()
    result = result_of(frames)
    assert result.succeeded
    assert result.text == "all done"
    assert (result.usage.input_tokens, result.usage.output_tokens) == (200, 40)
    assert result.total_cost_usd > 0
    assert spoken(frames) == "all done"
    assert "".join(f.text for f in frames if isinstance(f, Delta) and f.kind is DeltaKind.TEXT) == "all done"
    assert [f.progress for f in frames if isinstance(f, MessageProgressed)] == [
        "queued",
        "started",
        "completed",
    ]
    assert ended.code == 0
    assert ended.group_gone


async def test_our_conversation_id_and_uuid_come_back(cli: ClaudeCli, work: Path) -> None:
    launch = a_launch(work)
    async with driven(cli, launch) as claude:
        message = await claude.say("hello")
        frames = await claude.until_idle()
    (init,) = (frame for frame in frames if isinstance(frame, TurnInitialized))
    assert init.cli_session_id == launch.cli_session_id
    assert init.cwd == str(work)
    assert result_of(frames).message_uuids == [message]


async def test_what_reaches_the_model(cli: ClaudeCli, work: Path, model_api: ModelApi) -> None:
    prompt = "You are the long one. " + "é" * (100 * 1024) + " The end."
    launch = a_launch(
        work,
        model="haiku",
        system_prompt=prompt,
        append_system_prompt="Appended.",
        temperature=0.25,
        disallowed_tools=("Edit", "Write"),
    )
    async with driven(cli, launch) as claude:
        await claude.turn("hello")
        resolved = claude.handshake.model
    (request,) = model_api.requests(launch.cli_session_id)
    assert request["model"] == resolved
    assert "haiku" in resolved
    assert request["temperature"] == 0.25
    assert request["system_bytes"] > 100 * 1024
    assert request["system_tail"].endswith("é The end.\n\nAppended.")
    assert "Bash" in request["tools"]
    assert not {"Edit", "Write"} & set(request["tools"])
    assert request["auth"] == {"x-api-key": "stub-key"}


async def test_an_unset_config_leaves_the_defaults(cli: ClaudeCli, work: Path, model_api: ModelApi) -> None:
    launch = a_launch(work)
    async with driven(cli, launch) as claude:
        await claude.turn("hello")
        assert claude.handshake.model == model_api.requests(launch.cli_session_id)[0]["model"]
    (request,) = model_api.requests(launch.cli_session_id)
    assert request["temperature"] is None
    assert {"Edit", "Write", "Bash"} <= set(request["tools"])


async def test_the_token_is_used_instead_of_the_key_and_never_shown(
    cli: ClaudeCli, work: Path, model_api: ModelApi
) -> None:
    launch = a_launch(work, token=TOKEN, allowed_tools=("Bash(printenv *)",))
    async with driven(cli, launch) as claude:
        frames = await claude.turn(plan(bash("printenv CLAUDE_CODE_OAUTH_TOKEN")))
        command_line = Path(f"/proc/{claude.pid}/cmdline").read_bytes()
    auth = model_api.requests(launch.cli_session_id)[0]["auth"]
    assert auth == {"authorization": f"Bearer {TOKEN}"[:24]}
    assert tool_output(frames) == "Exit code 1", "the CLI hands the token to its tools now"
    assert all(TOKEN.encode() not in frame.raw for frame in frames)
    assert TOKEN.encode() not in command_line


async def test_the_operators_key_is_hidden_from_what_tools_print(cli: ClaudeCli, work: Path) -> None:
    async with driven(cli, a_launch(work, allowed_tools=("Bash(printenv *)",))) as claude:
        frames = await claude.turn(plan(bash("printenv ANTHROPIC_API_KEY")))
    assert tool_output(frames) == "[redacted]"
    assert all(b"stub-key" not in frame.raw for frame in frames)


async def test_max_turns(cli: ClaudeCli, work: Path) -> None:
    async with driven(cli, a_launch(work, max_turns=1, allowed_tools=("Bash(touch *)",))) as claude:
        result = result_of(await claude.turn(plan(bash("touch a"), bash("touch b"), {"text": "too late"})))
    assert result.subtype == "error_max_turns"
    assert not result.succeeded
    assert (work / "a").exists()
    assert not (work / "b").exists()


async def test_max_budget(cli: ClaudeCli, work: Path) -> None:
    async with driven(cli, a_launch(work, max_budget_usd=0.0001)) as claude:
        await claude.turn("hello")
        result = result_of(await claude.turn("hello again"))
    assert result.subtype == "error_max_budget_usd"


async def test_environment_and_working_dir_reach_the_tools(cli: ClaudeCli, work: Path) -> None:
    launch = a_launch(
        work, environment={"COLOUR": "blue and 'green'"}, allowed_tools=("Bash(printenv *)", "Bash(pwd)")
    )
    async with driven(cli, launch) as claude:
        output = tool_output(await claude.turn(plan(bash("printenv COLOUR HOME TMPDIR"), bash("pwd"))))
    colour, home, tmpdir, *rest = output.splitlines()
    assert colour == "blue and 'green'"
    assert home.endswith(f"/workspaces/w/homes/{launch.cli_session_id}")
    assert not Path(tmpdir).exists(), "the run directory outlived its process"
    assert rest == [str(work)]


async def test_the_servers_own_environment_is_not_inherited(
    cli: ClaudeCli, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_SERVER", "secret")
    async with driven(cli, a_launch(work)) as claude:
        environment = Path(f"/proc/{claude.pid}/environ").read_bytes()
    assert b"OF_THE_SERVER" not in environment


async def test_tool_timeout(cli: ClaudeCli, work: Path) -> None:
    launch = a_launch(work, tool_timeout=timedelta(seconds=1), allowed_tools=("Bash(tail *)",))
    (work / "log").touch()
    async with driven(cli, launch) as claude:
        output = tool_output(await claude.turn(plan(bash("tail -f log"))))
        shells = psutil.Process(claude.pid).children(recursive=True)
        ended = await claude.process.end(IMPATIENT)
    assert "1s timeout" in output
    assert shells, "the CLI no longer moves a command that is too slow to the background"
    assert ended.group_gone
    assert not any(procfs.kernel_start(shell.pid) for shell in shells)


async def test_settings_and_mcp_config_arrive_by_file(cli: ClaudeCli, work: Path) -> None:
    launch = a_launch(
        work,
        settings={"env": {"FROM_SETTINGS": "yes"}, "permissions": {"allow": ["Bash(printenv *)"]}},
        mcp_config={"mcpServers": {"gone": {"command": "/nonexistent", "env": {"KEY": "hush"}}}},
    )
    async with driven(cli, launch) as claude:
        frames = await claude.turn(plan(bash("printenv FROM_SETTINGS")))
        command_line = Path(f"/proc/{claude.pid}/cmdline").read_bytes()
    assert tool_output(frames) == "yes"
    init = next(frame for frame in frames if isinstance(frame, TurnInitialized))
    assert [server["name"] for server in json.loads(init.raw)["mcp_servers"]] == ["gone"]
    assert b"hush" not in command_line


async def test_permission_mode_at_start_and_later(cli: ClaudeCli, work: Path) -> None:
    write = {"tool": "Write", "input": {"file_path": str(work / "note"), "content": "x"}}
    async with driven(cli, a_launch(work, permission_mode=PermissionMode.ACCEPT_EDITS)) as claude:
        assert claude.handshake.permission_mode == "acceptEdits"
        assert result_of(await claude.turn(plan(write))).succeeded
        assert (work / "note").read_text() == "x"
        await claude.process.set_permission_mode(PermissionMode.PLAN)
        init = next(f for f in await claude.turn("hello") if isinstance(f, TurnInitialized))
        assert init.permission_mode == "plan"
        with pytest.raises(ProcessFailed) as refused:
            await claude.process.set_permission_mode(PermissionMode.BYPASS_PERMISSIONS)
    assert refused.value.reason == "CONTROL_REFUSED"


async def test_another_model_from_the_next_request_on(
    cli: ClaudeCli, work: Path, model_api: ModelApi
) -> None:
    launch = a_launch(work)
    async with driven(cli, launch) as claude:
        await claude.process.set_model("haiku")
        await claude.turn("hello")
    assert "haiku" in model_api.requests(launch.cli_session_id)[-1]["model"]


async def test_permission_allowed_with_changed_input(cli: ClaudeCli, work: Path) -> None:
    async with driven(cli, a_launch(work)) as claude:
        await claude.say(plan(bash("touch asked")))
        question = await claude.until_a(PermissionAsked)
        assert question.tool_name == "Bash"
        assert question.tool_input["command"] == "touch asked"
        await claude.process.allow(question.request_id, {**question.tool_input, "command": "touch changed"})
        assert result_of(await claude.until_idle()).succeeded
    assert [path.name for path in work.iterdir()] == ["changed"]


async def test_permission_denied_with_a_message(cli: ClaudeCli, work: Path) -> None:
    async with driven(cli, a_launch(work)) as claude:
        await claude.say(plan(bash("touch asked"), {"text": "as you wish"}))
        question = await claude.until_a(PermissionAsked)
        await claude.process.deny(question.request_id, "not on my watch")
        frames = await claude.until_idle()
    assert "not on my watch" in tool_output(frames)
    assert result_of(frames).text == "as you wish"
    assert not list(work.iterdir())


async def test_interrupt_withdraws_a_question(cli: ClaudeCli, work: Path) -> None:
    async with driven(cli, a_launch(work)) as claude:
        await claude.say(plan(bash("touch asked")))
        question = await claude.until_a(PermissionAsked)
        await claude.process.interrupt()
        frames = await claude.until_idle()
    assert [f.request_id for f in frames if isinstance(f, PermissionWithdrawn)] == [question.request_id]
    assert result_of(frames).aborted


async def test_interrupt_in_mid_answer_and_the_next_turn(cli: ClaudeCli, work: Path) -> None:
    async with driven(cli, a_launch(work)) as claude:
        await claude.process.interrupt()  # idle: without effect
        await claude.say(plan({"text": "word " * 1000, "gap": 0.05}))
        await claude.until_a(Delta)
        await claude.process.interrupt()
        result = result_of(await claude.until_idle())
        assert result.aborted
        assert not result.succeeded
        assert result_of(await claude.turn(plan({"text": "still here"}))).text == "still here"


async def test_text_with_a_slash_is_text_and_blocks_are_blocks(
    cli: ClaudeCli, work: Path, model_api: ModelApi
) -> None:
    launch = a_launch(work)
    async with driven(cli, launch) as claude:
        frames = await claude.turn("/clear")
        assert frames[0].cli_session_id == frames[-1].cli_session_id == launch.cli_session_id
        await claude.turn("", {"type": "text", "text": "first"}, {"type": "text", "text": "second \u2028"})
    _slash, blocks = model_api.requests(launch.cli_session_id)  # the command would not have asked the model
    assert "second \\u2028" in blocks["last"]


async def test_a_failure_of_the_api_is_a_result(cli: ClaudeCli, work: Path) -> None:
    async with driven(cli, a_launch(work)) as claude:
        frames = await claude.turn(plan({"status": 500}))
    result = result_of(frames)
    assert result.subtype == "success"
    assert not result.succeeded
    assert result.api_error_status == 500
    assert [f.subtype for f in frames if isinstance(f, SystemNoted) and f.subtype == "api_retry"] == [
        "api_retry"
    ]


async def test_an_overload_is_told_and_tried_again_until_the_owner_ends_it(
    cli: ClaudeCli, work: Path
) -> None:
    async with driven(cli, a_launch(work, model="opus")) as claude:
        await claude.say(plan({"status": 529}))
        tries = [await claude.until_a(ApiRetried) for _ in range(3)]
        assert [frame.attempt for frame in tries] == [1, 2, 3]  # alone, it would end at the third answer
        assert {frame.failure.status for frame in tries} == {529}
        await claude.process.interrupt()
        assert (await claude.until_a(TurnResult)).aborted


async def test_a_line_of_five_megabytes(cli: ClaudeCli, work: Path) -> None:
    async with driven(cli, a_launch(work)) as claude:
        frames = await claude.turn(plan({"fill": 5 * 2**20}))
    assert len(spoken(frames)) == len(result_of(frames).text) == 5 * 2**20


async def test_resume_keeps_the_history_and_takes_the_new_prompt(
    cli: ClaudeCli, work: Path, model_api: ModelApi
) -> None:
    first = a_launch(work, system_prompt="You are one.", model="haiku")
    async with driven(cli, first) as claude:
        await claude.turn("remember me")
    again = a_launch(work, resume=first.cli_session_id, system_prompt="You are two.")
    async with driven(cli, again) as claude:
        init = next(f for f in await claude.turn("who am I") if isinstance(f, TurnInitialized))
    before, after = model_api.requests(first.cli_session_id)
    assert init.cli_session_id == first.cli_session_id
    assert before["system_tail"].endswith("You are one.")
    assert after["system_tail"].endswith("You are two.")
    assert after["messages"] > before["messages"]
    assert "haiku" not in after["model"]


async def test_a_conversation_that_is_not_there_fails_the_handshake(cli: ClaudeCli, work: Path) -> None:
    with pytest.raises(ProcessFailed) as failed:
        async with driven(cli, a_launch(work, resume="00000000-0000-4000-8000-000000000000")):
            pass
    assert failed.value.reason == "CONVERSATION_LOST"
    assert "No conversation found" in str(failed.value)
    assert failed.value.exit is not None
    assert failed.value.exit.code == 1


async def test_a_killed_cli_is_told_from_one_that_ended(cli: ClaudeCli, work: Path) -> None:
    async with driven(cli, a_launch(work)) as claude:
        await claude.say(plan({"text": "word " * 1000, "gap": 0.05}))
        await claude.until_a(Delta)
        os.kill(claude.pid, signal.SIGKILL)
        await claude.said()
        with pytest.raises(ProcessFailed) as gone:
            await claude.process.interrupt()
        ended = await claude.process.end(ShutdownTimeouts())
    assert gone.value.reason == "PROCESS_EXITED"
    assert (ended.code, ended.signal) == (None, signal.SIGKILL)
    assert ended.group_gone


async def test_commands_that_outlive_a_killed_cli_are_ended(
    cli: ClaudeCli, work: Path, mine: ServerRun
) -> None:
    # Two ways out: the CLI's own shell sits in a session of its own, and the command starts another one there.
    command = "setsid tail -f log & echo started > started; tail -f log"
    (work / "log").touch()
    async with driven(cli, a_launch(work)) as claude:
        await claude.say(plan(bash(command)))
        question = await claude.until_a(PermissionAsked)
        await claude.process.allow(question.request_id, question.tool_input)
        await eventually((work / "started").exists)
        os.kill(claude.pid, signal.SIGKILL)
        await claude.said()
        left = procfs.marked(f"GREENROOM_PROCESS={mine.marker}")
        ended = await claude.process.end(ShutdownTimeouts())
    assert len(left) >= 2
    assert ended.group_gone
    assert not procfs.marked(f"GREENROOM_PROCESS={mine.marker}")


async def test_a_block_left_in_mid_tool_leaves_nothing(cli: ClaudeCli, work: Path, mine: ServerRun) -> None:
    (work / "log").touch()
    async with driven(cli, a_launch(work, allowed_tools=("Bash(tail *)",))) as claude:
        await claude.say(plan(bash("tail -f log")))
        await eventually(lambda: len(procfs.marked(f"GREENROOM_PROCESS={mine.marker}")) >= 2)
    assert not procfs.marked(f"GREENROOM_PROCESS={mine.marker}")
    assert not [path for path in mine.path.iterdir() if path.is_dir()]


SERVER = """
import asyncio, sys
from pathlib import Path
from driving import a_launch, driven
from greenroomd.app.ports.processes import ShutdownTimeouts
from greenroomd.domain.config import Secret
from greenroomd.processes.claude.cli import ClaudeCli
from greenroomd.processes.node.allowed_roots import AllowedRoots
from greenroomd.processes.host.server_run import server_run
from greenroomd.processes.claude.launch_command import CliDefaults

async def main(cli, state, work, url, prompt):
    environment = {"ANTHROPIC_BASE_URL": Secret(url), "ANTHROPIC_API_KEY": Secret("stub-key")}
    async with server_run(Path(state)) as mine:
        everywhere = AllowedRoots([Path("/")])
        defaults = CliDefaults(environment=environment)
        cli = ClaudeCli(
            Path(cli), Path(state), mine, defaults, ShutdownTimeouts(), directories=everywhere
        )
        async with driven(cli, a_launch(Path(work), allowed_tools=("Bash(tail *)",))) as claude:
            await claude.turn(prompt)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_the_death_of_the_server_ends_the_cli_and_its_commands(
    tmp_path: Path, found: FoundCli, work: Path, model_api: ModelApi
) -> None:
    state = tmp_path / "state"
    (work / "log").touch()
    arguments = [str(found.path), str(state), str(work), model_api.url, plan(bash("tail -f log"))]
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, *arguments, env={"PYTHONPATH": os.pathsep.join(sys.path)}
    )
    await eventually(lambda: any(state.glob("run/*/owner.json")))
    (run,) = (state / "run").iterdir()
    marker = f"GREENROOM_PROCESS={run.name}."
    await eventually(lambda: any("tail" in command_of(pid) for pid in procfs.marked(marker)))
    server.kill()
    await server.wait()
    await eventually(lambda: not procfs.marked(marker))
    assert run.exists()
    await reap(state)
    assert not run.exists()


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return ""


async def test_workspaces_have_their_own_conversations(cli: ClaudeCli, work: Path) -> None:
    first = a_launch(work, workspace="one")
    async with driven(cli, first) as claude:
        await claude.turn("remember me")
    with pytest.raises(ProcessFailed, match="No conversation found"):
        async with driven(cli, a_launch(work, workspace="../one", resume=first.cli_session_id)):
            pass


async def test_a_tool_result_carries_its_frame(cli: ClaudeCli, work: Path) -> None:
    async with driven(cli, a_launch(work, allowed_tools=("Bash(cat *)",))) as claude:
        (work / "text").write_text("some text")
        frames = await claude.turn(plan(bash("cat text")))
    (echoed,) = (frame for frame in frames if isinstance(frame, UserEchoed))
    assert echoed.blocks[0]["content"] == "some text"
    assert not echoed.synthetic
    assert json.loads(echoed.raw)["tool_use_result"]["stdout"] == "some text"
