import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from descriptors import open_descriptors
from driving import IMPATIENT, eventually
from greenroomd.app.ports.processes import ProcessFailed, ShutdownTimeouts
from greenroomd.processes.filesystem.directory import open_directory
from greenroomd.processes.host import spawn
from greenroomd.processes.host.child import Child, running
from greenroomd.processes.host.redaction import Redactor
from greenroomd.processes.linux import procfs

SECOND = timedelta(seconds=1)


class Heard:
    """A listener that keeps what it hears, and can refuse to hear more."""

    def __init__(self) -> None:
        self.data = b""
        self.wants_more = True
        self.changed = asyncio.Event()
        self.over = asyncio.Event()

    def started(self, child: Child) -> None:
        self.child = child

    def complained(self, data: bytes) -> None:
        pass

    def received(self, data: bytes) -> bool:
        self.data += data
        self.changed.set()
        return self.wants_more

    def closed(self) -> None:
        assert not self.over.is_set()
        self.over.set()

    async def until(self, wanted: bytes) -> None:
        while wanted not in self.data:
            self.changed.clear()
            await self.changed.wait()


@asynccontextmanager
async def python(
    program: str, heard: Heard, timeouts: ShutdownTimeouts = IMPATIENT, **environment: str
) -> AsyncIterator[Child]:
    """Run a program in Python; `os`, `signal`, `sys`, `time` are there, and `say` prints a line at once."""
    prelude = "import os, signal, subprocess, sys, time\ndef say(text): os.write(1, f'{text}\\n'.encode())\n"
    argv = [sys.executable, "-IS", "-c", prelude + program]
    with open_directory("/") as root:
        command = spawn.Command(argv=argv, environment=environment, directory=root, marker=uuid.uuid4().hex)
        async with running(command, heard, Redactor(["s3cret-value"]), timeouts) as child:
            yield child


async def test_bytes_go_in_and_come_out() -> None:
    heard = Heard()
    async with python("for line in sys.stdin.buffer: os.write(1, line.upper())", heard) as process:
        await process.input.write(b"hello\n", SECOND)
        await heard.until(b"HELLO\n")
        ended = await process.end(IMPATIENT)
    assert (ended.code, ended.signal, ended.group_gone) == (0, None, True)
    assert heard.over.is_set()


async def test_identity_and_environment() -> None:
    heard = Heard()
    program = "say(sorted(os.environ.items())); say(os.getsid(0) == os.getpid()); sys.stdin.read()"
    async with python(program, heard, COLOUR="blue") as process:
        assert process.identity is not None
        assert procfs.alive(process.identity)
        await heard.until(b"True")
        said = heard.data.decode()
        assert process.marker.partition("=")[2] in said
        assert "('COLOUR', 'blue')" in said
        assert "PATH" not in said
    assert not procfs.alive(process.identity)


async def test_the_exit_code_and_the_end_of_stderr_come_back_without_secrets() -> None:
    heard = Heard()
    program = "os.write(2, b'x' * 10**6); os.write(2, b'\\nlost the s3cret-value'); sys.exit(3)"
    async with python(program, heard) as process:
        await heard.over.wait()
        ended = await process.end(IMPATIENT)
    assert ended.code == 3
    assert ended.stderr_tail.endswith("\nlost the [redacted]")
    assert len(ended.stderr_tail) <= 16 * 1024


async def test_an_exit_is_seen_though_the_server_was_started_with_sigchld_ignored() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        async with python("sys.exit(3)", Heard()) as process:
            await process.exited.wait()
            ended = await process.end(IMPATIENT)
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert (ended.code, ended.group_gone) == (0, True), "its status is not known any more"


async def test_a_second_end_returns_the_first() -> None:
    heard = Heard()
    async with python("sys.stdin.read()", heard) as process:
        async with asyncio.TaskGroup() as tasks:
            ends = [tasks.create_task(process.end(IMPATIENT)) for _ in range(3)]
        assert {id(end.result()) for end in ends} == {id(await process.end(IMPATIENT))}


@pytest.mark.parametrize(
    ("program", "signal_seen"),
    [
        ("say('up'); time.sleep(60)", signal.SIGTERM),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN); say('up'); time.sleep(60)", signal.SIGKILL),
    ],
)
async def test_the_ladder(program: str, signal_seen: signal.Signals) -> None:
    heard = Heard()
    timeouts = ShutdownTimeouts(after_eof=0.1 * SECOND, after_term=0.1 * SECOND)
    async with python(program, heard) as process:
        await heard.until(b"up")
        ended = await process.end(timeouts)
    assert (ended.code, ended.signal, ended.group_gone) == (None, signal_seen, True)


async def test_a_child_that_ignores_term_ends_although_its_owner_is_cancelled_again_and_again() -> None:
    heard = Heard()
    timeouts = ShutdownTimeouts(after_eof=0.2 * SECOND, after_term=0.2 * SECOND)
    program = "signal.signal(signal.SIGTERM, signal.SIG_IGN); say('up'); time.sleep(60)"

    async def owner() -> None:
        async with python(program, heard, timeouts):
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(owner())
        await heard.until(b"up")
        while not task.done():
            task.cancel()
            await asyncio.sleep(0.02)
    assert heard.child.identity is not None
    assert not procfs.alive(heard.child.identity)
    assert not procfs.marked(heard.child.marker)


async def test_cancelled_while_it_starts() -> None:
    for steps in range(1, 7):
        heard = Heard()

        async def owner(heard: Heard = heard) -> None:
            async with python("time.sleep(60)", heard, ShutdownTimeouts(after_eof=0 * SECOND)):
                await asyncio.Event().wait()

        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(owner())
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
        assert not procfs.marked(heard.child.marker)


@pytest.mark.parametrize("escape", ["start_new_session=True", "env={}"])
async def test_descendants_end_with_the_child(escape: str) -> None:
    heard = Heard()
    # The grandchild also holds the output open: its end must not be waited for.
    program = f"""
sleeper = [sys.executable, '-IS', '-c', 'import time; time.sleep(60)']
say(subprocess.Popen(sleeper, {escape}).pid)
"""
    async with python(program, heard) as process:
        await heard.over.wait()
        grandchild = int(heard.data)
        assert procfs.kernel_start(grandchild), "it should have outlived its parent"
        ended = await process.end(IMPATIENT)
    assert ended.code == 0
    assert ended.group_gone
    assert not procfs.kernel_start(grandchild)


async def test_output_is_read_only_while_it_is_wanted() -> None:
    heard = Heard()
    heard.wants_more = False
    program = "n = 0\nwhile True: n += os.write(1, b'x' * 4096); os.write(2, b'.')"
    async with python(program, heard) as process:
        await heard.changed.wait()
        assert process.identity is not None
        # It blocks once the pipe is full: from then on it sleeps in the kernel.
        wchan = Path(f"/proc/{process.identity.pid}/stat")
        await eventually(lambda: wchan.read_bytes().rpartition(b")")[2].split()[0] == b"S")
        before = len(heard.data)
        assert before < 2**20
        heard.changed.clear()
        process.resume()
        await heard.changed.wait()
        assert len(heard.data) > before


async def test_the_rest_of_the_output_comes_after_the_exit_even_if_it_was_not_wanted() -> None:
    heard = Heard()
    heard.wants_more = False
    async with python("os.write(1, b'first'); sys.stdin.read(); os.write(1, b'last')", heard) as process:
        await heard.until(b"first")
        await process.end(IMPATIENT)
    assert heard.data == b"firstlast"


async def test_a_child_that_does_not_read_stalls_the_write() -> None:
    heard = Heard()
    async with python("say('up'); time.sleep(60)", heard) as process:
        with pytest.raises(ProcessFailed) as stalled:
            await process.input.write(b"x" * 2**22 + b"\n", 0.1 * SECOND)
        assert stalled.value.reason == "INPUT_STALLED"
        with pytest.raises(ProcessFailed) as broken:
            await process.input.write(b"more\n", SECOND)
        assert broken.value.reason == "PROCESS_EXITED"


async def test_a_child_that_is_gone_takes_no_input() -> None:
    heard = Heard()
    async with python("sys.exit(0)", heard) as process:
        await heard.over.wait()
        await process.end(IMPATIENT)
        with pytest.raises(ProcessFailed) as gone:
            await process.input.write(b"hello\n", SECOND)
    assert gone.value.reason == "PROCESS_EXITED"


async def test_a_child_that_dies_while_we_write() -> None:
    heard = Heard()
    async with python("say('up'); time.sleep(60)", heard) as process:
        await heard.until(b"up")
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(_failure_of(process, b"x" * 2**22 + b"\n"))
            await asyncio.sleep(0)
            process.signal(signal.SIGKILL)
        assert writing.result().reason == "PROCESS_EXITED"


async def _failure_of(process: Child, line: bytes) -> ProcessFailed:
    with pytest.raises(ProcessFailed) as failed:
        await process.input.write(line, 10 * SECOND)
    return failed.value


@pytest.mark.parametrize("failing", ["connect_write_pipe", "connect_read_pipe"])
async def test_a_start_whose_pipes_cannot_be_connected_leaves_nothing(
    failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise OSError("no pipe for you")

    class Refusing:
        """The running loop, but for one of its methods."""

        def __getattr__(self, name: str) -> object:
            return refuse if name == failing else getattr(loop, name)

    async with python("", Heard()):
        pass  # what the event loop opens once for all pipes, it opens here
    loop, before = asyncio.get_running_loop(), open_descriptors()
    heard = Heard()
    monkeypatch.setattr(asyncio, "get_running_loop", Refusing)
    with pytest.raises(ProcessFailed) as failed:
        async with python("say('up'); time.sleep(60)", heard):
            pass
    monkeypatch.undo()
    assert failed.value.reason == "SPAWN_FAILED"
    assert not procfs.marked(heard.child.marker)
    await eventually(lambda: open_descriptors() == before)


async def test_it_works_in_the_directory_that_was_opened(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with open_directory(str(tmp_path / "a")) as directory:
        (tmp_path / "a").rename(tmp_path / "b")
        (tmp_path / "a").mkdir()
        heard = Heard()
        program = ["/bin/sh", "-c", "pwd; echo $PWD$OLDPWD; ls -l /proc/self/fd | wc -l"]
        command = spawn.Command(argv=program, environment={}, directory=directory, marker=uuid.uuid4().hex)
        async with running(command, heard, Redactor(), IMPATIENT):
            await heard.over.wait()
    place = str(tmp_path / "b")
    assert heard.data.decode().split() == [place, place, "5"], "it has three pipes, and ls its directory"


@pytest.mark.parametrize("wrapper", ["setpriv", "python"])
async def test_the_death_of_its_parent_ends_it(
    wrapper: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if wrapper == "python":
        monkeypatch.setattr("shutil.which", lambda name, path: None)
    wrapped = spawn._wrapped([sys.executable, "-IS", "-c", "import time; time.sleep(60)"], str(tmp_path))
    assert ("setpriv" in wrapped[0]) == (wrapper == "setpriv")
    program = f"import subprocess\nprint(subprocess.Popen({list(wrapped)!r}).pid, flush=True)\ninput()"
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-IS", "-c", program, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    grandchild = int(await parent.stdout.readline())
    command_line = Path(f"/proc/{grandchild}/cmdline")
    await eventually(lambda: command_line.read_bytes().startswith(f"{sys.executable}\0-IS".encode()))
    assert Path(f"/proc/{grandchild}/cwd").readlink() == tmp_path
    os.kill(parent.pid, signal.SIGKILL)
    await parent.wait()
    await eventually(lambda: procfs.kernel_start(grandchild) is None)
