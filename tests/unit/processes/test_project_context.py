"""Reading a project: only regular files below its directory, and of their heads only what describes them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from greenroomd.domain.config import ProjectContext
from greenroomd.processes.claude.project_context import MAX_BYTES, ProjectFiles, read_project
from greenroomd.processes.filesystem.directory import open_directory

ALL = tuple(ProjectContext)


def written(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def read(path: Path, *wanted: ProjectContext) -> ProjectFiles:
    with open_directory(str(path)) as directory:
        return read_project(directory, wanted or ALL)


def test_a_project_without_anything_says_nothing(tmp_path: Path) -> None:
    assert read(tmp_path) == ProjectFiles()


def test_memory_is_both_files(tmp_path: Path) -> None:
    written(tmp_path / "CLAUDE.md", "one")
    written(tmp_path / ".claude/CLAUDE.md", "two")
    assert read(tmp_path).memory == "one\n\ntwo"
    assert read(tmp_path, ProjectContext.SKILLS).memory == ""


@pytest.mark.parametrize(
    "hooks",
    [
        "hooks:\n  PreToolUse:\n    - hooks: [{type: command, command: x}]",
        '"hooks": {"PreToolUse": []}',
        "hooks: {PreToolUse: []}",
        "? hooks\n: {PreToolUse: []}",
        "description: more\nhooks: {}",
        "<<: {hooks: {}}",
    ],
)
def test_nothing_in_a_head_survives_but_descriptions(tmp_path: Path, hooks: str) -> None:
    head = f"name: deploy\ndescription: >\n  Ships it:\n  all\n{hooks}\nallowed-tools: Bash(*)\nmodel: opus"
    written(tmp_path / ".claude/skills/deploy/SKILL.md", f"---\n{head}\nuser-invocable: false\n---\nBody.\n")
    (content,) = read(tmp_path).plugin.values()
    given, _, body = content.decode().removeprefix("---\n").partition("---\n")
    assert body == "Body.\n"
    assert [line.partition(":")[0] for line in given.splitlines()] == [
        "name",
        "description",
        "user-invocable",
    ]


def test_what_lies_beside_a_skill_comes_with_it(tmp_path: Path) -> None:
    written(tmp_path / ".claude/skills/deploy/SKILL.md", "Body.\n")
    written(tmp_path / ".claude/skills/deploy/scripts/run.sh", "echo\n")
    read(tmp_path).make_plugin(tmp_path / "plugin")
    assert (tmp_path / "plugin/skills/deploy/scripts/run.sh").read_text() == "echo\n"
    assert (tmp_path / "plugin/.claude-plugin/plugin.json").exists()


def test_an_agent_keeps_its_tools_and_no_rights(tmp_path: Path) -> None:
    head = "name: reader\ndescription: 'Reads'\ntools: Read, Grep\npermissionMode: bypassPermissions\nmcpServers: {}"
    written(tmp_path / ".claude/agents/a.md", f"---\n{head}\n---\nYou read.\n")
    assert read(tmp_path).agents == {
        "reader": {"description": "Reads", "prompt": "You read.", "tools": ["Read", "Grep"]}
    }


def test_an_agents_tools_may_be_a_list_and_its_model_is_its_own(tmp_path: Path) -> None:
    head = 'description: Reads\ntools:\n  - Read\n  - "Bash(git log *)"\nmodel: haiku'
    written(tmp_path / ".claude/agents/a.md", f"---\n{head}\n---\nYou read.\n")
    written(tmp_path / ".claude/agents/b.md", "---\nmodel: --resume x\n---\nYou, too.\n")
    agents = read(tmp_path).agents
    assert (agents["a"]["tools"], agents["a"]["model"]) == (["Read", "Bash(git log *)"], "haiku")
    assert "model" not in agents["b"]


def test_memory_imports_files_of_the_project_once_and_nothing_else(tmp_path: Path) -> None:
    project = tmp_path / "project"
    written(tmp_path / "outside.md", "OUTSIDE")
    written(tmp_path / "home.md", "OUTSIDE")
    written(
        project / "CLAUDE.md", "See @docs/rules.md, @a\\ b.md.\n@../outside.md @~/home.md @/etc/hostname\n"
    )
    with (project / "CLAUDE.md").open("a") as more:
        more.write(
            f"`@code.md`\n```\n@code.md\n```\nme@code.md @nobody @docs @{tmp_path}/outside.md @link.md @picture\n"
        )
    written(project / "docs/rules.md", "Rules. @more.md @../CLAUDE.md")
    written(project / "docs/more.md", "More. @rules.md")
    written(project / "a b.md", "Blank.")
    written(project / "code.md", "CODE")
    (project / "picture").write_bytes(b"\x89PNG\0")
    (project / "link.md").symlink_to(tmp_path / "outside.md")
    memory = read(project).memory
    assert [memory.count(part) for part in ("Rules.", "More.", "Blank.", "CODE", "OUTSIDE", "PNG")] == [
        1,
        1,
        1,
        0,
        0,
        0,
    ]
    assert memory.index("See @docs") < memory.index("## docs/rules.md") < memory.index("## docs/more.md")


def test_imports_end_at_some_depth(tmp_path: Path) -> None:
    written(tmp_path / "CLAUDE.md", "@1.md")
    for number in range(1, 9):
        written(tmp_path / f"{number}.md", f"file {number} @{number + 1}.md")
    assert "file 5" in read(tmp_path).memory
    assert "file 6" not in read(tmp_path).memory


def test_no_link_is_followed_and_nothing_is_waited_for(tmp_path: Path) -> None:
    written(tmp_path / "secret/SKILL.md", "secret")
    written(tmp_path / "inside/.claude/commands/real.md", "real")
    project = tmp_path / "inside"
    (project / "CLAUDE.md").symlink_to(tmp_path / "secret/SKILL.md")
    (project / ".claude/skills").symlink_to(tmp_path / "secret")
    (project / ".claude/commands/link.md").symlink_to(tmp_path / "secret/SKILL.md")
    os.mkfifo(project / ".claude/commands/pipe.md")
    assert read(project) == ProjectFiles(plugin={"commands/real.md": b"real"})


def test_too_much_is_an_error_and_not_left_out(tmp_path: Path) -> None:
    written(tmp_path / "CLAUDE.md", "x" * (MAX_BYTES + 1))
    with pytest.raises(OSError, match="4 MiB"):
        read(tmp_path)
