"""What a project says to its agent: memory, skills, agents and commands, without the project's settings and hooks.

The CLI (2.1.330) loads all of it together with the project's settings, or nothing. So the files are read here, below
the session's working directory and never through a link, and are given to the CLI in ways that load nothing else:
memory with the system prompt, agents in the initialize request, skills and commands as a plugin in the run directory.
Of the head of a file only fields that describe it are kept, and of an agent its tools and its model: in others a
project could name hooks, MCP servers, or tools that need no permission.
"""

from __future__ import annotations

import errno
import json
import os
import posixpath
import re
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from greenroomd.domain.config import ProjectContext
from greenroomd.domain.rules.config.model_rules import model_name
from greenroomd.processes.filesystem.directory import Directory

PLUGIN = "project"
"""The name of the plugin, which comes before those of its skills and commands: `project:deploy`."""
MAX_BYTES = 4 * 1024 * 1024
MAX_FILES = 512
MAX_DEPTH = 8

_MEMORY = ("CLAUDE.md", ".claude/CLAUDE.md")
_FOLDERS = {
    ProjectContext.SKILLS: ".claude/skills",
    ProjectContext.AGENTS: ".claude/agents",
    ProjectContext.COMMANDS: ".claude/commands",
}
MAX_IMPORTS_DEEP = 5
"""How deep memory files import others; the CLI goes as far."""

_IMPORT = re.compile(r"(?<!\S)@((?:[^\s\\]|\\ )+)")
_CODE = re.compile(r"^[ \t]*(```|~~~).*?^[ \t]*\1|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_DESCRIBING = ("name", "description", "when_to_use", "argument-hint")
_SWITCHES = ("disable-model-invocation", "user-invocable")
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9_-]*):(?:[ \t]+(.*))?$")
_HEAD = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFiles:
    """What was read of a project."""

    memory: str = ""
    """The text of its memory files; "" for none."""
    agents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Its agents by name, as in the CLI's initialize request."""
    plugin: Mapping[str, bytes] = field(default_factory=dict)
    """The files of a plugin with its skills and commands, by their paths."""

    def make_plugin(self, directory: Path) -> None:
        """Write the plugin's files below `directory`, which must not exist."""
        manifest = {".claude-plugin/plugin.json": json.dumps({"name": PLUGIN}).encode()}
        for path, content in {**manifest, **self.plugin}.items():
            written = directory / path
            written.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            written.write_bytes(content)


def read_project(directory: Directory, wanted: Collection[ProjectContext]) -> ProjectFiles:
    """Read the wanted parts of the project in `directory`.

    Links, and what is no regular file, are left out. Raises OSError if there is more than MAX_FILES or MAX_BYTES. May
    block: call it in a thread.
    """
    reader = _Reader(directory.descriptor)
    memory = _memory(reader) if ProjectContext.MEMORY in wanted else ""
    found = {part: dict(reader.below(folder)) if part in wanted else {} for part, folder in _FOLDERS.items()}
    skills = {
        f"skills/{path}": _harmless(content) if PurePosixPath(path).name == "SKILL.md" else content
        for path, content in found[ProjectContext.SKILLS].items()
    }
    commands = {
        f"commands/{path}": _harmless(content)
        for path, content in found[ProjectContext.COMMANDS].items()
        if path.endswith(".md")
    }
    agents = [
        _agent(path, content)
        for path, content in found[ProjectContext.AGENTS].items()
        if path.endswith(".md")
    ]
    return ProjectFiles(
        memory=memory,
        agents=dict(agents),
        plugin={**skills, **commands},
    )


class _Reader:
    """Reads files below an open directory, and counts what it has read."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._files = 0
        self._bytes = 0

    def file(self, path: str) -> bytes:
        """Return the content of a regular file; nothing if there is none."""
        folder, _, name = path.rpartition("/")
        with _opened(self._root, folder) as parent:
            return b"" if parent is None else self._content(parent.fileno, name) or b""

    def below(self, folder: str) -> Iterator[tuple[str, bytes]]:
        """Yield each regular file below a folder with its path there, in order."""
        with _opened(self._root, folder) as opened:
            if opened is not None:
                yield from self._walk(opened.fileno, "", MAX_DEPTH)

    def _walk(self, directory: int, prefix: str, depth: int) -> Iterator[tuple[str, bytes]]:
        for name in sorted(os.listdir(directory)):
            if (content := self._content(directory, name)) is not None:
                yield prefix + name, content
            elif depth:
                with _opened(directory, name) as inner:
                    if inner is not None:
                        yield from self._walk(inner.fileno, f"{prefix}{name}/", depth - 1)

    def _content(self, directory: int, name: str) -> bytes | None:
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(name, flags, dir_fd=directory)
        except OSError:
            return None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return None
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(MAX_BYTES + 1 - self._bytes)
        self._files += 1
        self._bytes += len(content)
        if self._bytes > MAX_BYTES or self._files > MAX_FILES:
            limits = f"{MAX_FILES} files or {MAX_BYTES >> 20} MiB"
            raise OSError(errno.EFBIG, f"its skills, agents, commands and memory are more than {limits}")
        return content


class _opened:  # noqa: N801 -- used like a function
    """Opens a folder below a directory, name by name and never through a link; None if there is none."""

    def __init__(self, root: int, path: str) -> None:
        self._root = root
        self._names = [name for name in path.split("/") if name]
        self.fileno = -1

    def __enter__(self) -> _opened | None:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self.fileno = os.open(".", flags, dir_fd=self._root)
            for name in self._names:
                inner = os.open(name, flags, dir_fd=self.fileno)
                os.close(self.fileno)
                self.fileno = inner
        except OSError:
            self.__exit__()
            return None
        return self

    def __exit__(self, *_: object) -> None:
        descriptor, self.fileno = self.fileno, -1
        if descriptor >= 0:
            os.close(descriptor)


def _memory(reader: _Reader) -> str:
    """Return the memory files, each followed by those that it imports, each once."""
    seen: set[str] = set()
    return "\n\n".join(
        part for path in _MEMORY for part in _with_imports(reader, path, seen, MAX_IMPORTS_DEEP)
    )


def _with_imports(reader: _Reader, path: str, seen: set[str], deep: int) -> Iterator[str]:
    content = b"" if path in seen else reader.file(path)
    seen.add(path)
    if not content or b"\0" in content:
        return
    text = _text(content)
    yield text if path in _MEMORY else f"## {path}\n\n{text}"
    if deep:
        for imported in _imports(text, PurePosixPath(path).parent):
            yield from _with_imports(reader, imported, seen, deep - 1)


def _imports(text: str, folder: PurePosixPath) -> Iterator[str]:
    """Yield the paths that a text in `folder` imports (`@docs/rules.md`), but for those outside of the project."""
    for found in _IMPORT.findall(_CODE.sub("", text)):
        name = found.replace("\\ ", " ").rstrip(".,;:!?)")
        path = posixpath.normpath(folder / name) if name else ""
        if path and not name.startswith(("/", "~")) and not path.startswith(".."):
            yield path


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _parts(content: bytes) -> tuple[dict[str, str], str]:
    """Return the fields in the head of a file as plain texts, and the rest of the file."""
    text = _text(content).replace("\r\n", "\n")
    head = _HEAD.match(text)
    if head is None:
        return {}, text
    fields: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in head[1].splitlines():
        if (begins := _FIELD.match(line)) is not None:
            lines = fields.setdefault(begins[1], [])
            lines[:] = [begins[2] or ""]
        elif line.startswith((" ", "\t", "-")):
            if line.strip().startswith("- ") and lines and lines[-1]:
                lines[-1] += ","  # the next one of a list
            lines.append(line.strip().removeprefix("- "))
    return {name: _joined(given) for name, given in fields.items()}, text[head.end() :]


def _joined(lines: Sequence[str]) -> str:
    first, *more = lines
    first = "" if first[:1] in ("|", ">") else first.strip()
    text = " ".join(line for line in (first, *more) if line)
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _harmless(content: bytes) -> bytes:
    """Return a file with only those fields in its head that describe it."""
    fields, body = _parts(content)
    kept = {name: json.dumps(fields[name], ensure_ascii=False) for name in _DESCRIBING if name in fields}
    kept |= {name: fields[name] for name in _SWITCHES if fields.get(name) in ("true", "false")}
    head = "".join(f"{name}: {value}\n" for name, value in kept.items())
    return f"---\n{head}---\n{body}".encode() if head else body.encode()


def _agent(path: str, content: bytes) -> tuple[str, Mapping[str, Any]]:
    fields, body = _parts(content)
    name = fields.get("name") or PurePosixPath(path).stem
    agent: dict[str, Any] = {"description": fields.get("description") or name, "prompt": body.strip() or name}
    for key in ("tools", "disallowedTools"):
        names = [each.strip(" '\"") for each in fields.get(key, "").strip("[]").split(",")]
        if names := [each for each in names if each]:
            agent[key] = names
    if (model := fields.get("model")) is not None and model_name(model) is None:
        agent["model"] = model
    return name, agent
