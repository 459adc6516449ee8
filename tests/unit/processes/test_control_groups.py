"""Control groups: what is written to the kernel, in a directory that looks like one; what they do, in a real one."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from driving import IMPATIENT, a_launch, driven, eventually, result_of
from fake_cli.installed import install, turn
from greenroomd.app.ports.processes import ProcessFailed
from greenroomd.domain.config import Limits
from greenroomd.processes.claude.cli import ClaudeCli
from greenroomd.processes.claude.launch_command import CliDefaults
from greenroomd.processes.host.memory_watchdog import MemoryWatchdog
from greenroomd.processes.host.server_run import ServerRun, server_run
from greenroomd.processes.linux import procfs
from greenroomd.processes.linux.cgroup import Cgroup
from greenroomd.processes.linux.cgroup_setup import SERVER, Cgroups, NotDelegated, set_up_cgroups
from greenroomd.processes.node.allowed_roots import AllowedRoots
from greenroomd.processes.node.reaper import reap

MIB = 2**20
LIMIT = 256 * MIB
ABOVE = 300 * MIB
BOTH = frozenset({"memory", "cpu"})


@pytest.fixture
def drawn(tmp_path: Path) -> Cgroup:
    """A directory with the files of a control group, in which nothing happens."""
    for name in ("memory.max", "memory.swap.max", "memory.oom.group", "memory.events", "cpu.max"):
        (tmp_path / name).touch()
    return Cgroup(tmp_path, BOTH)


def written(group: Cgroup, *names: str) -> list[str]:
    return [(group.path / name).read_text() for name in names]


def test_limits_are_written_as_the_kernel_wants_them(drawn: Cgroup) -> None:
    drawn.limit(LIMIT, 1.5)
    files = ("memory.max", "memory.swap.max", "memory.oom.group", "cpu.max")
    assert written(drawn, *files) == [str(LIMIT), "0", "1", "150000 100000"]
    drawn.limit(None, None)
    assert written(drawn, *files) == ["max", "max", "1", "max 100000"]
    drawn.limit(None, 0.001)
    assert written(drawn, "cpu.max") == ["1000 100000"], "the least that the kernel takes"


def test_only_what_there_is_a_controller_for_is_written(drawn: Cgroup) -> None:
    Cgroup(drawn.path, frozenset({"cpu"})).limit(LIMIT, 2)
    assert written(drawn, "memory.max", "cpu.max") == ["", "200000 100000"]


def test_a_kernel_without_account_of_swap(drawn: Cgroup) -> None:
    (drawn.path / "memory.swap.max").unlink()
    drawn.limit(LIMIT, None)
    assert written(drawn, "memory.max") == [str(LIMIT)]
    assert not (drawn.path / "memory.swap.max").exists()


@pytest.mark.parametrize(
    ("above", "kills", "hit"),
    [(0, 0, False), (2, 2, True), (0, 2, False)],
    ids=["none", "for its own limit", "for another's"],
)
def test_kills_for_memory_are_told_by_the_kernel(drawn: Cgroup, above: int, kills: int, hit: bool) -> None:
    events = f"low 0\nhigh 0\nmax 17\noom {above}\noom_kill {kills}\noom_group_kill 0\n"
    (drawn.path / "memory.events").write_text(events)
    assert drawn.memory_limit_hit() is hit


def test_a_group_that_is_gone_is_empty_and_over(tmp_path: Path) -> None:
    group = Cgroup(tmp_path / "gone", BOTH)
    group.kill()
    assert group.members() == []
    assert not group.memory_limit_hit()
    assert group.remove()


def drawn_proc(tmp_path: Path, mounts: str, cgroup: str) -> Path:
    """Write what /proc/self says of mounts and cgroups."""
    proc = tmp_path / "proc"
    proc.mkdir()
    (proc / "mountinfo").write_text(mounts)
    (proc / "cgroup").write_text(cgroup)
    return proc


@pytest.mark.parametrize(
    ("mounts", "cgroup", "why"),
    [
        ("", "0::/a\n", "no cgroup v2"),
        ("24 1 0:22 / {tree} rw - tmpfs tmpfs rw\n", "0::/a\n", "no cgroup v2"),
        ("24 1 0:22 / {tree} rw - cgroup2 cgroup2 rw\n", "4:memory:/a\n", "no cgroup v2"),
        ("24 1 0:22 / {tree} rw - cgroup2 cgroup2 rw\n", "0::/\n", "in the root cgroup"),
        ("24 1 0:22 /other {tree} rw - cgroup2 cgroup2 rw\n", "0::/a\n", "no cgroup v2"),
    ],
)
def test_why_nothing_is_delegated(tmp_path: Path, mounts: str, cgroup: str, why: str) -> None:
    proc = drawn_proc(tmp_path, mounts.format(tree=tmp_path), cgroup)
    with pytest.raises(NotDelegated, match=why):
        set_up_cgroups(proc=proc)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may write everywhere")
def test_root_does_not_take_what_is_the_system_managers(tmp_path: Path) -> None:
    (tmp_path / "tree/slice/scope").mkdir(parents=True)
    for path in (tmp_path / "tree/slice", tmp_path / "tree/slice/scope"):
        (path / "cgroup.type").write_text("domain\n")
    mounts = f"24 1 0:22 / {tmp_path}/tree rw - cgroup2 cgroup2 rw\n"
    with pytest.raises(NotDelegated, match="belongs to the system's manager"):
        set_up_cgroups(proc=drawn_proc(tmp_path, mounts, "0::/slice/scope\n"))


def test_a_directory_that_is_no_cgroup(tmp_path: Path) -> None:
    with pytest.raises(NotDelegated, match="is not a directory of cgroup v2"):
        set_up_cgroups(tmp_path)


# From here on in a real one.


@pytest.fixture
def groups(cgroup: Path) -> Cgroups:
    return set_up_cgroups(cgroup)


def test_the_tree_is_as_empty_as_before_when_it_was_tried_out(groups: Cgroups) -> None:
    assert [path.name for path in groups.root.iterdir() if path.is_dir()] == []


@pytest.mark.parametrize("named", [True, False])
def test_a_server_leaves_the_group_that_it_divides(cgroup: Path, named: bool) -> None:
    program = """
import os, sys
from pathlib import Path
Path(sys.argv[1], "cgroup.procs").write_text("0")
from greenroomd.processes.linux.cgroup_setup import set_up_cgroups
set_up_cgroups(*map(Path, sys.argv[2:]))
print(Path("/proc/self/cgroup").read_text().split("0::")[1])
"""
    command = [sys.executable, "-c", program, str(cgroup), *([str(cgroup)] if named else [])]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said.strip().endswith(f"/{cgroup.name}/{SERVER}")
    assert Cgroup(cgroup / SERVER).remove()


@pytest.fixture
async def mine(tmp_path: Path, groups: Cgroups) -> AsyncIterator[ServerRun]:
    async with server_run(tmp_path, groups) as mine:
        yield mine
        assert not procfs.marked(f"GREENROOM_PROCESS={mine.marker}")
        assert mine.control_groups() == []


@pytest.fixture
def cli(tmp_path: Path, mine: ServerRun, groups: Cgroups) -> ClaudeCli:
    """A fake CLI whose processes have groups; no watchdog is on duty."""
    roots = AllowedRoots([tmp_path])
    return ClaudeCli(
        install(tmp_path),
        tmp_path,
        mine,
        CliDefaults(),
        IMPATIENT,
        MemoryWatchdog(),
        groups,
        directories=roots,
    )


async def test_each_process_has_a_group_of_its_own(cli: ClaudeCli, mine: ServerRun, tmp_path: Path) -> None:
    async with driven(cli, a_launch(tmp_path)) as one, driven(cli, a_launch(tmp_path)) as two:
        assert sorted(group.members() for group in mine.control_groups()) == sorted([[one.pid], [two.pid]])
        assert result_of(await one.turn("hello")).succeeded


@pytest.mark.parametrize("at_once", [True, False])
async def test_what_left_the_session_and_its_environment_ends_too(
    cli: ClaudeCli, mine: ServerRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    if not at_once:  # as on a kernel before 5.14
        monkeypatch.setattr(Cgroup, "kill", lambda _group: None)
    async with driven(cli, a_launch(tmp_path)) as claude:
        await claude.turn(turn(fork="escaped"))
        (group,) = mine.control_groups()
        (escaped,) = {*group.members()} - {claude.pid}
        assert not procfs.carries(escaped, "GREENROOM_PROCESS=")
        assert not procfs.belongs(escaped, claude.process.identity)
        ended = await claude.process.end(IMPATIENT)
    assert ended.group_gone
    assert procfs.kernel_start(escaped) is None


async def test_a_group_that_cannot_be_made_fails_the_start(
    cli: ClaudeCli, groups: Cgroups, tmp_path: Path
) -> None:
    (groups.root / "cgroup.max.descendants").write_text("0")
    with pytest.raises(ProcessFailed, match="cannot make the control group") as failed:
        async with driven(cli, a_launch(tmp_path)):
            pass
    assert failed.value.reason == "SPAWN_FAILED"


StartLost = Callable[[Sequence[str]], None]


@pytest.fixture
def start_lost() -> Iterator[StartLost]:
    """Start a process that nothing of ours can be seen on; it is dead at the end."""
    with ExitStack() as stack:

        def start(argv: Sequence[str]) -> None:
            process = subprocess.Popen(argv, env={}, start_new_session=True)
            stack.callback(process.wait)
            stack.callback(process.kill)

        yield start


async def test_the_reaper_ends_what_a_dead_server_left_in_its_groups(
    groups: Cgroups, tmp_path: Path, start_lost: StartLost
) -> None:
    dead = ServerRun(tmp_path / "run" / uuid.uuid4().hex[:12])
    dead.path.mkdir(parents=True)
    (dead.path / "owner.json").write_text(json.dumps({}))
    (dead.path / "control_groups").write_text(str(groups.root))
    group, other = groups.group(f"{dead.marker}abc"), groups.group("ffffffffffff.abc")
    lost = 'echo 0 >"$0" && exec sleep 60'
    for each in (group, other):
        each.make()
        start_lost(["/bin/sh", "-c", lost, str(each.entrance)])
        await eventually(lambda each=each: bool(each.members()))  # type: ignore[misc]
    (left,), (foreign,) = group.members(), other.members()
    assert (await reap(tmp_path)).killed == {left}
    assert not group.path.exists()
    assert other.members() == [foreign]


async def test_a_process_above_its_memory_is_ended_by_the_kernel(
    cli: ClaudeCli, groups: Cgroups, tmp_path: Path
) -> None:
    if "memory" not in groups.controllers:
        pytest.skip("this host gives no controller of memory to cgroup v2")
    limited = a_launch(tmp_path, limits=Limits(memory_bytes=LIMIT))
    async with driven(cli, limited) as greedy, driven(cli, a_launch(tmp_path)) as neighbour:
        await greedy.say(turn(fork="escaped", memory=ABOVE, hang=True))
        await neighbour.say(turn(memory=ABOVE, wait=0.5))
        await greedy.said()
        ended = await greedy.process.end(IMPATIENT)
        assert (ended.signal, ended.memory_limit_hit, ended.group_gone) == (9, True, True)
        assert result_of(await neighbour.until_idle()).succeeded
        await neighbour.process.hold_to(Limits(memory_bytes=LIMIT))
        await neighbour.said()
        assert (await neighbour.process.end(IMPATIENT)).memory_limit_hit


async def test_processors_are_rationed_by_the_kernel(cli: ClaudeCli, groups: Cgroups, tmp_path: Path) -> None:
    if "cpu" not in groups.controllers:
        pytest.skip("this host gives no controller of processors to cgroup v2")
    async with driven(cli, a_launch(tmp_path, limits=Limits(cpu_cores=0.2))) as claude:
        began, used = time.monotonic(), kernel_seconds(claude.pid)
        await claude.turn(turn(burn=0.3))
        spent = kernel_seconds(claude.pid) - used
        assert spent >= 0.25
        assert time.monotonic() - began >= spent / 0.2 * 0.7


def kernel_seconds(pid: int) -> float:
    """Return the processor time of a process."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
