"""Processes that wait: what becomes of one that does not do what its session wants."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from driving import IMPATIENT, a_launch, driven, eventually, spoken
from fake_cli.installed import at_start, install
from greenroomd.app.ports.process_slots import WarmStart
from greenroomd.app.ports.processes import Launch
from greenroomd.domain.config import PermissionMode, Secret
from greenroomd.domain.frames.setting_frames import TurnInitialized
from greenroomd.processes.claude.cli import ClaudeCli
from greenroomd.processes.claude.launch_command import CliDefaults
from greenroomd.processes.claude.workspace_directories import Workspace
from greenroomd.processes.host.server_run import server_run
from greenroomd.processes.linux import procfs
from greenroomd.processes.node.allowed_roots import AllowedRoots
from greenroomd.processes.pool import warm_pool
from greenroomd.processes.pool.pool_status import WorkspaceUse
from greenroomd.processes.pool.slots import Pool
from greenroomd.processes.pool.warm_pool import WarmClaim, WarmProcesses, WarmSlot

LONG = timedelta(seconds=30)


@asynccontextmanager
async def waiting(
    place: Path, *launches: Launch, slots: int = 0, **script: Any
) -> AsyncIterator[tuple[WarmProcesses, Pool]]:
    """Keep a process of the fake CLI waiting for each launch, in a pool with a slot for each, or with `slots`."""
    environment = {name: Secret(value) for name, value in at_start(**script).items()}
    pool = Pool(slots or len(launches), LONG)
    async with server_run(place) as mine:
        defaults, roots = CliDefaults(environment=environment), AllowedRoots([place])
        cli = ClaudeCli(install(place), place, mine, defaults, IMPATIENT, directories=roots)
        processes = WarmProcesses(cli, pool)
        async with processes.on_duty():
            processes.keep([WarmStart(launch, 1) for launch in launches])
            yield processes, pool


async def claimed(processes: WarmProcesses, launch: Launch) -> WarmClaim:
    found: list[WarmClaim] = []

    def claim() -> bool:
        found.extend(filter(None, [processes.claim(launch)]))
        return bool(found)

    await eventually(claim)
    await found[0].slot.started.wait()
    return found[0]


async def ready(processes: WarmProcesses) -> WarmSlot:
    """Wait until a process waits."""
    await eventually(lambda: any(slot.process is not None for slot in processes.waiting))
    return processes.waiting[0]


async def being_started(pool: Pool) -> None:
    """Wait until a process has a slot; it takes longer to be there."""
    while pool.status().warm != 1:  # noqa: ASYNC110 -- the very next moment is wanted
        await asyncio.sleep(0)


def pid_of(claim: WarmClaim) -> int:
    assert claim.slot.process is not None
    return claim.slot.process.identity.pid


def first(launch: Launch) -> Launch:
    return replace(launch, first=True)


async def test_one_that_takes_everything_serves(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    wanted = first(a_launch(tmp_path / "there", model="m", permission_mode=PermissionMode.PLAN))
    async with waiting(tmp_path, a_launch(tmp_path)) as (processes, pool):
        claim = await claimed(processes, wanted)
        assert pool.status().workspaces == {"w": WorkspaceUse(busy=1)}
        assert processes.claim(wanted) is None, "it is one session's only"
        async with driven(claim, wanted) as claude:
            assert claude.process.warm
            assert claude.process.conversation != wanted.cli_session_id
            initialized = next(f for f in await claude.turn("one") if isinstance(f, TurnInitialized))
        assert (initialized.cwd, initialized.model) == (str(tmp_path / "there"), "m")
        assert initialized.permission_mode == "plan"
        claim.lease.release()
        await eventually(lambda: pool.status().warm == 1)


@pytest.mark.parametrize(
    "script", [{"refuse": ["set_cwd"]}, {"ignore": ["set_cwd"]}, {"die_of": "set_cwd"}], ids=str
)
async def test_one_that_does_not_is_ended_and_another_started_in_its_slot(
    tmp_path: Path, script: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_pool, "BIND_WITHIN", timedelta(milliseconds=500))
    (tmp_path / "there").mkdir()
    wanted = first(a_launch(tmp_path / "there"))
    async with waiting(tmp_path, a_launch(tmp_path), **script) as (processes, pool):
        claim = await claimed(processes, wanted)
        failed = pid_of(claim)
        async with driven(claim, wanted) as claude:
            assert claude.pid != failed
            assert not Path(f"/proc/{failed}").exists()
            assert not claude.process.warm
            assert claude.process.conversation == wanted.cli_session_id
            assert spoken(await claude.turn("one")) == "prompt 1"
            assert pool.status().busy == 1
        claim.lease.release()


async def test_one_that_went_elsewhere_is_ended_and_another_works_where_it_should(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "swapped").mkdir()
    wanted = first(a_launch(tmp_path / "there"))
    async with waiting(tmp_path, a_launch(tmp_path), astray=str(tmp_path / "swapped")) as (processes, _):
        claim = await claimed(processes, wanted)
        failed = pid_of(claim)
        with capture_logs() as lines:
            async with driven(claim, wanted) as claude:
                assert not claude.process.warm
                assert not Path(f"/proc/{failed}").exists()
                assert Path(f"/proc/{claude.pid}/cwd").readlink() == tmp_path / "there"
        reasons = [line["reason"] for line in lines if line["event"] == "warm_process_discarded"]
        assert reasons == ["WORKING_DIR_GONE"]
        claim.lease.release()


async def test_one_that_died_a_moment_ago_is_not_given_away(tmp_path: Path) -> None:
    async with waiting(tmp_path, a_launch(tmp_path)) as (processes, _):
        slot = await ready(processes)
        assert slot.process is not None
        os.kill(slot.process.identity.pid, signal.SIGKILL)
        while procfs.alive(
            slot.process.identity
        ):  # without a turn of the event loop, which would see the exit
            pass
        assert processes.claim(first(a_launch(tmp_path))) is None
        await slot.exited.wait()


async def killed(processes: WarmProcesses) -> WarmSlot:
    """Kill the process that waits, and wait until it has ended; return what is left of it."""
    slot = await ready(processes)
    assert slot.process is not None
    os.kill(slot.process.identity.pid, signal.SIGKILL)
    await slot.exited.wait()
    return slot


async def test_one_that_is_killed_while_it_waits_frees_its_slot_and_is_replaced_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_pool, "LOOK_EVERY", timedelta(hours=1))
    async with waiting(tmp_path, a_launch(tmp_path)) as (processes, pool):
        victim = await killed(processes)
        successor = await ready(processes)
        assert successor.process is not None
        assert victim.process is not None
        assert successor.process.identity != victim.process.identity
        assert pool.status().warm == 1


async def test_when_its_successor_dies_as_well_no_other_follows_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warm_pool, "AFTER_FAILURE", timedelta(hours=1))
    dying, other = a_launch(tmp_path), a_launch(tmp_path, model="another")
    async with waiting(tmp_path, dying, slots=2) as (processes, _):
        await killed(processes)
        await killed(processes)
        processes.keep([WarmStart(dying, 1), WarmStart(other, 1)])
        await ready(processes)
        assert [slot.launch.config.model for slot in processes.waiting] == ["another"]


async def test_one_that_cannot_even_be_described_harms_no_other(tmp_path: Path) -> None:
    good, bad = (
        a_launch(tmp_path),
        a_launch(tmp_path, mcp_config={"mcpServers": {"s": {"command": object()}}}),
    )
    async with waiting(tmp_path, bad, good) as (processes, _):
        claim = await claimed(processes, first(good))
        async with driven(claim, first(good)) as claude:
            assert claude.process.warm
        claim.lease.release()


async def test_a_start_that_is_abandoned_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    wanted = first(a_launch(tmp_path / "there"))
    async with waiting(tmp_path, a_launch(tmp_path), ignore=["set_cwd"]) as (processes, _):
        claim = await claimed(processes, wanted)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3), claim.running(wanted):
                raise AssertionError("it was bound")
        assert not Path(f"/proc/{pid_of(claim)}").exists()
        claim.lease.release()


async def test_a_session_that_had_a_process_gets_none(tmp_path: Path) -> None:
    launch = a_launch(tmp_path)
    async with waiting(tmp_path, launch) as (processes, _):
        claim = await claimed(processes, first(launch))
        claim.lease.release()
        assert processes.claim(launch) is None
        async with claim.running(first(launch)):
            pass


async def test_one_that_is_only_being_started_is_waited_for(tmp_path: Path) -> None:
    wanted = first(a_launch(tmp_path))
    async with waiting(tmp_path, a_launch(tmp_path)) as (processes, pool):
        await being_started(pool)
        claim = processes.claim(wanted)
        assert claim is not None
        assert claim.slot.process is None
        async with driven(claim, wanted) as claude:
            assert claude.process.warm
            assert pool.status().workspaces == {"w": WorkspaceUse(busy=1)}
        claim.lease.release()


async def test_one_without_a_working_directory_waits_at_home(tmp_path: Path) -> None:
    wanted = first(a_launch(tmp_path))
    nowhere = replace(wanted, config=replace(wanted.config, working_dir=""))
    async with waiting(tmp_path, nowhere) as (processes, _):
        claim = await claimed(processes, wanted)
        home = Workspace.within(tmp_path, wanted.workspace_id).home
        pid = pid_of(claim)
        await eventually(lambda: Path(f"/proc/{pid}/cwd").readlink() == home)
        async with driven(claim, wanted) as claude:
            assert claude.process.warm
        claim.lease.release()


async def test_one_that_cannot_be_started_is_started_once_more_for_its_session(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    async with waiting(tmp_path, a_launch(gone)) as (processes, pool):
        await being_started(pool)
        wanted = first(a_launch(tmp_path))
        claim = processes.claim(wanted)
        assert claim is not None
        async with driven(claim, wanted) as claude:
            assert not claude.process.warm
        claim.lease.release()
