"""The files of conversations: copied whole, removed whole, and never anything else."""

import asyncio
import json
import os
import stat
from pathlib import Path

import pytest

from greenroomd.domain.errors import ConversationLost
from greenroomd.processes.claude.transcripts import LONGEST_RECORD, TranscriptFiles, salvage
from greenroomd.processes.claude.workspace_directories import Workspace

ONE = "0b7c5e2e-8f0e-4d0f-9a39-3f5d1f6f3c11"
TWO = "1f2e3d4c-5b6a-4789-9abc-def012345678"
OTHER = "9c8b7a69-5847-4362-a1b0-c9d8e7f6a5b4"


@pytest.fixture
def config_dir(tmp_path: Path) -> Path:
    config_dir = Workspace.within(tmp_path, "w").config_dir
    (config_dir / "projects/-srv-app").mkdir(parents=True)
    (config_dir / "session-env").mkdir()
    return config_dir


@pytest.fixture
def transcripts(tmp_path: Path, config_dir: Path) -> TranscriptFiles:
    return TranscriptFiles(tmp_path)


def written(config_dir: Path, conversation: str, *, torn: bool = False) -> Path:
    """Write a transcript of two records, perhaps with a third that was never complete."""
    text = json.dumps({"text": f'a person quotes "sessionId":"{conversation}"'})
    lines = [f'{{"type":"user","message":{text},"sessionId":"{conversation}"}}\n', '{"type":"summary"}\n']
    path = config_dir / "projects/-srv-app" / f"{conversation}.jsonl"
    path.write_text("".join(lines) + ('{"type":"assis' if torn else ""))
    return path


async def test_a_copy_is_the_same_under_another_id(transcripts: TranscriptFiles, config_dir: Path) -> None:
    source = written(config_dir, ONE, torn=True)
    aside = source.with_suffix("") / "subagents"
    aside.mkdir(parents=True)
    (aside / "agent-1.jsonl").write_text("{}\n")
    await transcripts.copy("w", ONE, TWO)
    await transcripts.copy("w", ONE, TWO)
    made = source.with_name(f"{TWO}.jsonl")
    first, second = made.read_text().splitlines()
    record = json.loads(first)
    assert record["sessionId"] == TWO
    assert ONE in record["message"]["text"]
    assert second == '{"type":"summary"}'
    assert made.stat().st_mode & 0o077 == 0
    assert (made.with_suffix("") / "subagents/agent-1.jsonl").read_text() == "{}\n"
    assert source.read_text().endswith('{"type":"assis')


async def test_plans_are_copied_with_their_conversation_and_all_of_its_own_goes(
    transcripts: TranscriptFiles, config_dir: Path
) -> None:
    written(config_dir, ONE)
    own, its = (config_dir.parent / "configs" / name for name in (ONE, TWO))
    (own / "plans").mkdir(parents=True)
    (own / "plans/a-b-c.md").write_text("# a plan")
    (own / "history.jsonl").write_text("{}")
    (own / "projects").symlink_to("../../claude/projects")
    await transcripts.copy("w", ONE, TWO)
    await transcripts.remove("w", ONE)
    assert not own.exists()
    assert [path.name for path in its.rglob("*.*")] == ["a-b-c.md"]
    assert [path.stem for path in config_dir.rglob("*.jsonl")] == [TWO]


async def test_what_is_not_there_cannot_be_copied(transcripts: TranscriptFiles, config_dir: Path) -> None:
    written(config_dir, ONE)
    for conversation in (OTHER, "*", f"../-srv-app/{ONE}", ""):
        with pytest.raises(ConversationLost):
            await transcripts.copy("w", conversation, TWO)
    with pytest.raises(ConversationLost):
        await transcripts.copy("another", ONE, TWO)


async def test_a_link_is_not_followed(transcripts: TranscriptFiles, config_dir: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret\n")
    (config_dir / f"projects/-srv-app/{ONE}.jsonl").symlink_to(secret)
    with pytest.raises(ConversationLost):
        await transcripts.copy("w", ONE, TWO)
    (config_dir / f"session-env/{ONE}").symlink_to(tmp_path)
    await transcripts.remove("w", ONE)
    assert list(config_dir.rglob(f"{ONE}*")) == []
    assert secret.read_text() == "secret\n"


@pytest.fixture(params=["fifo", "socket", "link", "endless"])
def not_a_transcript(request: pytest.FixtureRequest, config_dir: Path) -> Path:
    """Something else in a transcript's place, as a tool of the session can put it there."""
    path = config_dir / f"projects/-srv-app/{ONE}.jsonl"
    match request.param:
        case "fifo":
            os.mkfifo(path)
        case "socket":
            os.mknod(path, stat.S_IFSOCK | 0o600)
        case "link":
            path.symlink_to("/dev/zero")
        case _:
            path.touch()
            os.truncate(path, 2 * LONGEST_RECORD)
    return path


async def test_what_is_no_transcript_is_not_read(
    transcripts: TranscriptFiles, not_a_transcript: Path
) -> None:
    del not_a_transcript
    async with asyncio.timeout(60):
        with pytest.raises(ConversationLost):
            await transcripts.copy("w", ONE, TWO)


def test_what_is_no_transcript_holds_up_no_start(config_dir: Path, not_a_transcript: Path) -> None:
    assert not salvage(config_dir, ONE)
    assert not not_a_transcript.is_symlink()
    assert not not_a_transcript.exists()


async def test_all_of_one_conversation_goes_and_nothing_of_another(
    transcripts: TranscriptFiles, config_dir: Path
) -> None:
    for conversation in (ONE, OTHER):
        aside = written(config_dir, conversation).with_suffix("")
        aside.mkdir()
        (config_dir / "session-env" / conversation).mkdir()
    await transcripts.remove("w", ONE)
    await transcripts.remove("w", ONE)
    for unknown in ("", "*", ".", TWO):
        await transcripts.remove("w", unknown)
    assert len(list(config_dir.rglob(f"{OTHER}*"))) == 3
    assert list(config_dir.rglob(f"{ONE}*")) == []


async def test_a_plan_goes_with_the_last_conversation_that_names_it(
    transcripts: TranscriptFiles, config_dir: Path
) -> None:
    plans = config_dir / "plans"
    plans.mkdir()
    for name in ("brave-quiet-otter.md", "brave-quiet-otter-agent-1.md", "another.md"):
        (plans / name).write_text("# a plan")
    transcript = written(config_dir, ONE)
    with transcript.open("a") as file:
        for name in ("brave-quiet-otter.md", "brave-quiet-otter-agent-1.md"):
            file.write(json.dumps({"type": "user", "slug": "x", "planFilePath": str(plans / name)}) + "\n")
        file.write('{"type":"user","slug":"brave-quiet-otter","sessionId":"' + ONE + '"}\n')
    await transcripts.copy("w", ONE, TWO)
    await transcripts.remove("w", ONE)
    assert len(list(plans.iterdir())) == 3
    await transcripts.remove("w", TWO)
    assert [path.name for path in plans.iterdir()] == ["another.md"]
