"""The adapter against a CLI that lies, hangs, floods and dies."""

import asyncio
import json
import os
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import pytest

from driving import IMPATIENT, a_launch, driven, eventually, result_of, spoken
from fake_cli.installed import at_start, install, turn
from greenroomd.app.ports.processes import ProcessFailed
from greenroomd.domain.config import PermissionMode, Secret
from greenroomd.domain.frames.frame import Garbage, SystemNoted
from greenroomd.domain.frames.message_frames import AssistantSpoke
from greenroomd.domain.frames.setting_frames import TurnInitialized
from greenroomd.domain.frames.tool_frames import PermissionAsked
from greenroomd.processes.claude import cli_process
from greenroomd.processes.claude.cli import ClaudeCli
from greenroomd.processes.claude.launch_command import CliDefaults
from greenroomd.processes.claude.parsing.framing import MAX_LINE_BYTES
from greenroomd.processes.claude.workspace_directories import Workspace
from greenroomd.processes.host.server_run import ServerRun, server_run
from greenroomd.processes.linux import procfs
from greenroomd.processes.node.allowed_roots import AllowedRoots

SECOND = timedelta(seconds=1)


@pytest.fixture
async def mine(tmp_path: Path) -> AsyncIterator[ServerRun]:
    async with server_run(tmp_path) as mine:
        yield mine
        assert not procfs.marked(f"GREENROOM_PROCESS={mine.marker}")
        assert [path.name for path in mine.path.iterdir()] == ["owner.json"]


def fake(tmp_path: Path, mine: ServerRun, **environment: str) -> ClaudeCli:
    given = {name: Secret(value) for name, value in environment.items()}
    roots = AllowedRoots([tmp_path])
    return ClaudeCli(
        install(tmp_path), tmp_path, mine, CliDefaults(environment=given), IMPATIENT, directories=roots
    )


async def test_a_whole_conversation(tmp_path: Path, mine: ServerRun) -> None:
    launch = a_launch(tmp_path)
    async with driven(fake(tmp_path, mine), launch) as claude:
        assert spoken(await claude.turn("one")) == "prompt 1"
        await claude.process.set_model("m")
        await claude.process.set_permission_mode(PermissionMode.PLAN)
        assert spoken(await claude.turn("", {"type": "text", "text": turn(text="two")})) == "two"
        await claude.say(turn(wait=60))
        await claude.until_a(TurnInitialized)
        await claude.process.interrupt()
        assert result_of(await claude.until_idle()).aborted
        ended = await claude.process.end(IMPATIENT)
    assert ended.code == 0
    async with driven(fake(tmp_path, mine), a_launch(tmp_path, resume=launch.cli_session_id)) as claude:
        assert spoken(await claude.turn("again")) == "prompt 4"


async def test_another_conversation_than_it_was_told(tmp_path: Path, mine: ServerRun) -> None:
    async with driven(fake(tmp_path, mine), a_launch(tmp_path)) as claude:
        frames = await claude.turn(turn(session="another"))
    assert result_of(frames).cli_session_id == "another"


async def test_a_line_of_garbage_and_a_turn_that_goes_on(tmp_path: Path, mine: ServerRun) -> None:
    async with driven(fake(tmp_path, mine), a_launch(tmp_path)) as claude:
        frames = await claude.turn(turn(garbage="Segmentation fault?"))
    assert [frame.raw for frame in frames if isinstance(frame, Garbage)] == [b"Segmentation fault?"]
    assert result_of(frames).succeeded


async def test_half_a_line_then_death(tmp_path: Path, mine: ServerRun) -> None:
    async with driven(fake(tmp_path, mine), a_launch(tmp_path)) as claude:
        await claude.say(turn(half_line=True))
        last = (await claude.said())[-1]
        ended = await claude.process.end(IMPATIENT)
    assert isinstance(last, Garbage)
    assert last.raw.endswith(b'"half')
    assert ended.code == 0


async def test_a_line_of_a_hundred_megabytes(tmp_path: Path, mine: ServerRun) -> None:
    async with driven(fake(tmp_path, mine), a_launch(tmp_path)) as claude:
        frames = await claude.turn(turn(bytes=100 * 2**20))
    (garbage,) = (frame for frame in frames if isinstance(frame, Garbage))
    assert garbage.reason == "line too long"
    assert len(garbage.raw) == 64 * 1024
    assert result_of(frames).succeeded


async def test_a_key_of_the_operator_does_not_show_in_what_is_no_frame(
    tmp_path: Path, mine: ServerRun
) -> None:
    key = "an-operators-key"
    cli = fake(tmp_path, mine, ANTHROPIC_API_KEY=key)
    async with driven(cli, a_launch(tmp_path, model=key)) as claude:
        await claude.say(turn(bytes=MAX_LINE_BYTES, half_line=True))
        overlong, torn = (frame.raw for frame in await claude.said() if isinstance(frame, Garbage))
    assert b'"model": "[redacted]"' in overlong
    assert b'"model":"[redacted]"' in torn


async def test_output_closed_but_alive(tmp_path: Path, mine: ServerRun) -> None:
    async with driven(fake(tmp_path, mine), a_launch(tmp_path)) as claude:
        await claude.say(turn(close_stdout=True))
        await claude.said()
        assert procfs.alive(claude.process.identity)
        with pytest.raises(ProcessFailed) as deaf:
            await claude.process.interrupt()
        ended = await claude.process.end(IMPATIENT)
    assert deaf.value.reason == "PROCESS_EXITED"
    assert ended.signal == signal.SIGTERM


async def test_hangs_and_ignores_term(tmp_path: Path, mine: ServerRun) -> None:
    async with driven(fake(tmp_path, mine), a_launch(tmp_path)) as claude:
        await claude.say(turn(ignore_term=True, garbage="now", hang=True))
        await claude.until_a(Garbage)
        ended = await claude.process.end(IMPATIENT)
    assert ended.signal == signal.SIGKILL
    assert ended.group_gone


@pytest.mark.parametrize("kind", ["marked", "clean"])
async def test_a_child_that_outlives_it_and_holds_its_output(
    tmp_path: Path, mine: ServerRun, kind: str
) -> None:
    async with driven(fake(tmp_path, mine), a_launch(tmp_path)) as claude:
        await claude.say(turn(fork=kind, exit=7))
        await claude.said()  # it ends although the child holds the pipe
        leader = claude.process.identity
        assert len(procfs.marked(f"GREENROOM_PROCESS={mine.marker}") + procfs.members(leader)) == 1
        ended = await claude.process.end(IMPATIENT)
    assert ended.code == 7
    assert ended.group_gone
    assert not procfs.members(leader)


async def test_a_flood_on_stderr(tmp_path: Path, mine: ServerRun) -> None:
    async with driven(fake(tmp_path, mine), a_launch(tmp_path)) as claude:
        assert result_of(await claude.turn(turn(stderr=50 * 2**20))).succeeded
        ended = await claude.process.end(IMPATIENT)
    assert 0 < len(ended.stderr_tail) <= 16 * 1024


async def test_death_by_signal(tmp_path: Path, mine: ServerRun) -> None:
    async with driven(fake(tmp_path, mine), a_launch(tmp_path)) as claude:
        await claude.say(turn(kill=int(signal.SIGSEGV)))
        await claude.said()
        ended = await claude.process.end(IMPATIENT)
    assert (ended.code, ended.signal) == (None, signal.SIGSEGV)


async def test_a_handshake_that_never_comes(tmp_path: Path, mine: ServerRun) -> None:
    cli = fake(tmp_path, mine, **at_start(ignore_term=True, hang=True))
    async with cli.running(a_launch(tmp_path)) as process:
        with pytest.raises(ProcessFailed) as failed:
            await process.handshake(0.2 * SECOND)
    assert failed.value.reason == "HANDSHAKE_TIMEOUT"
    assert failed.value.exit is not None
    assert failed.value.exit.group_gone


async def test_death_before_the_handshake(tmp_path: Path, mine: ServerRun) -> None:
    cli = fake(tmp_path, mine, **at_start(stderr=60, exit=9))
    async with cli.running(a_launch(tmp_path)) as process:
        with pytest.raises(ProcessFailed, match="noise noise") as failed:
            await process.handshake(10 * SECOND)
    assert failed.value.reason == "HANDSHAKE_FAILED"
    assert failed.value.exit is not None
    assert failed.value.exit.code == 9


@pytest.mark.parametrize("subtype", ["elicitation", "request_user_dialog", "hook_callback", "of_next_year"])
async def test_a_request_that_nothing_serves_is_shown_and_refused_by_design(
    tmp_path: Path, mine: ServerRun, subtype: str
) -> None:
    async with driven(fake(tmp_path, mine), a_launch(tmp_path)) as claude:
        frames = await claude.turn(turn(request=subtype, text="on"))
    assert [f.subtype for f in frames if isinstance(f, SystemNoted) and f.type == "control_request"] == [
        subtype
    ]
    answer = json.loads(spoken(frames).splitlines()[0])
    assert (answer["subtype"], answer["error_code"]) == ("error", "unsupported_request")
    assert answer["error"] == f"{subtype} is not supported by this host"
    assert result_of(frames).succeeded


async def test_a_frame_of_an_unknown_type_is_kept_as_it_came(tmp_path: Path, mine: ServerRun) -> None:
    news = json.dumps({"type": "of_next_year", "subtype": "late", "body": {"deep": [1, None]}})
    async with driven(fake(tmp_path, mine), a_launch(tmp_path)) as claude:
        frames = await claude.turn(turn(garbage=news, text="on"))
    (kept,) = (f for f in frames if isinstance(f, SystemNoted) and f.type == "of_next_year")
    assert (kept.subtype, json.loads(kept.raw)) == ("late", json.loads(news))
    assert result_of(frames).succeeded


async def test_decisions_reach_it_whole(tmp_path: Path, mine: ServerRun) -> None:
    tool = {"name": "Bash", "input": {"command": "ls"}}
    async with driven(fake(tmp_path, mine), a_launch(tmp_path)) as claude:
        await claude.say(turn(ask=tool))
        question = await claude.until_a(PermissionAsked)
        await claude.process.allow(question.request_id, {"command": "pwd"})
        allowed = json.loads(spoken(await claude.until_idle()).splitlines()[0])["response"]
        await claude.say(turn(ask=tool))
        question = await claude.until_a(PermissionAsked)
        await claude.process.deny(question.request_id, "no\nway")
        denied = json.loads(spoken(await claude.until_idle()).splitlines()[0])["response"]
    assert allowed == {"behavior": "allow", "updatedInput": {"command": "pwd"}}
    assert denied == {"behavior": "deny", "message": "no\nway"}


def written(pid: int) -> int:
    """Return how many bytes a process has written."""
    counters = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(counters["wchar"])


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


async def test_frames_that_are_not_taken_stop_the_process_and_answers_still_come(
    tmp_path: Path, mine: ServerRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_process, "CONTROL_TIMEOUT", 100 * SECOND)  # the answer comes after all frames
    # Some 10 MB of frames: beyond what may wait unread.
    async with driven(fake(tmp_path, mine), a_launch(tmp_path)) as claude:
        await claude.say(turn(events=40_000))
        await eventually(lambda: written(claude.pid) > 8 * 2**20 and state_of(claude.pid) == "S")
        assert written(claude.pid) < 9 * 2**20, "it sleeps before it has written all"
        await claude.process.set_permission_mode(PermissionMode.PLAN)
        frames = await claude.until_idle()
    numbers = [f.blocks[0]["text"] for f in frames if isinstance(f, AssistantSpoke)]
    assert numbers == [*(f"event {n}" for n in range(40_000)), "prompt 1"]


async def test_a_cli_that_takes_no_input(
    tmp_path: Path, mine: ServerRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_process, "INPUT_TIMEOUT", 0.1 * SECOND)
    async with driven(fake(tmp_path, mine), a_launch(tmp_path)) as claude:
        await claude.say(turn(garbage="now", hang=True))
        await claude.until_a(Garbage)
        with pytest.raises(ProcessFailed) as stalled:
            await claude.say("x" * 2**22)
    assert stalled.value.reason == "INPUT_STALLED"


async def test_a_silent_cli_fails_a_request_in_time(
    tmp_path: Path, mine: ServerRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_process, "CONTROL_TIMEOUT", 0.1 * SECOND)
    async with driven(fake(tmp_path, mine), a_launch(tmp_path)) as claude:
        await claude.say(turn(garbage="now", hang=True))
        await claude.until_a(Garbage)
        with pytest.raises(ProcessFailed) as silent:
            await claude.process.interrupt()
    assert silent.value.reason == "CONTROL_TIMEOUT"


async def test_a_run_directory_that_cannot_be_made(tmp_path: Path, mine: ServerRun) -> None:
    (tmp_path / "workspaces").write_text("in the way")
    with pytest.raises(ProcessFailed, match="cannot make the run directory") as failed:
        async with driven(fake(tmp_path, mine), a_launch(tmp_path)):
            pass
    assert failed.value.reason == "SPAWN_FAILED"


async def test_a_start_whose_workspace_hangs_holds_up_nobody(
    tmp_path: Path, mine: ServerRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = a_launch(tmp_path)
    home = str(Workspace.within(tmp_path, launch.workspace_id).home)
    looking, answering, mkdir = threading.Event(), threading.Event(), os.mkdir

    def make_directory(path: Path, mode: int = 0o777) -> None:
        if str(path) == home:
            looking.set()
            if not answering.wait(5):
                raise TimeoutError("nobody else could do anything meanwhile")
        mkdir(path, mode)

    monkeypatch.setattr(os, "mkdir", make_directory)

    async def converse() -> None:
        async with driven(fake(tmp_path, mine), launch) as claude:
            assert spoken(await claude.turn("one")) == "prompt 1"

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(converse())
        await eventually(looking.is_set)
        answering.set()


@pytest.mark.parametrize("name", ["missing", "too long a name" * 100], ids=["missing", "impossible"])
async def test_a_working_directory_that_cannot_be_found(tmp_path: Path, mine: ServerRun, name: str) -> None:
    with pytest.raises(ProcessFailed) as failed:
        async with driven(fake(tmp_path, mine), a_launch(tmp_path / name)):
            pass
    assert failed.value.reason == "WORKING_DIR_GONE"


async def test_a_conversation_that_cannot_be_read(tmp_path: Path, mine: ServerRun) -> None:
    launch = a_launch(tmp_path)
    config_dir = Workspace.within(tmp_path, launch.workspace_id).config_dir
    (config_dir / f"projects/-srv-app/{launch.cli_session_id}.jsonl").mkdir(parents=True)
    with pytest.raises(ProcessFailed, match="cannot read the conversation") as failed:
        async with driven(fake(tmp_path, mine), launch):
            pass
    assert failed.value.reason == "SPAWN_FAILED"


async def test_an_end_whose_files_are_in_the_way(tmp_path: Path, mine: ServerRun) -> None:
    launch = a_launch(tmp_path)
    config_dir = Workspace.within(tmp_path, launch.workspace_id).config_of(launch.cli_session_id)
    config_dir.mkdir(parents=True)
    (config_dir / "sessions").write_text("in the way")
    async with driven(fake(tmp_path, mine), launch) as claude:
        ended = await claude.process.end(IMPATIENT)
    assert ended.code == 0


async def test_the_process_ends_with_its_block_without_being_asked(tmp_path: Path, mine: ServerRun) -> None:
    async with fake(tmp_path, mine).running(a_launch(tmp_path)) as process, aclosing(process.frames()):  # type: ignore[type-var]
        identity = process.identity
        assert procfs.alive(identity)
    assert not procfs.alive(identity)
