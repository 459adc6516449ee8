"""Sessions that lose their process or their server come back by themselves if their policy says so."""

import asyncio
import json
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest
from google.protobuf.duration_pb2 import Duration

from fake_cli.installed import turn
from greenroom.v1 import session_pb2, turn_pb2
from greenroom.v1.config_pb2 import RECOVERY_MODE_ON_CRASH, RecoveryPolicy
from greenroom.v1.session_service_pb2 import CloseSessionRequest, StartSessionRequest
from greenroom.v1.turn_service_pb2 import IF_BUSY_QUEUE, StartTurnRequest
from greenroom_server import GreenroomServer
from greenroomd.processes.linux import procfs
from story import create, get, history, names, run_turn, start_turn, until, working

ERROR = session_pb2.SESSION_STATE_ERROR
READY = session_pb2.SESSION_STATE_READY
ON_CRASH = RecoveryPolicy(mode=RECOVERY_MODE_ON_CRASH)


def hours_later() -> RecoveryPolicy:
    """Return a policy whose restarts no test lives to see."""
    long = Duration(seconds=3600)
    return RecoveryPolicy(mode=RECOVERY_MODE_ON_CRASH, initial_backoff=long, max_backoff=long)


def in_seconds(seconds: int) -> RecoveryPolicy:
    """Return a policy that restarts after so many seconds."""
    wait = Duration(seconds=seconds)
    return RecoveryPolicy(mode=RECOVERY_MODE_ON_CRASH, initial_backoff=wait, max_backoff=wait)


async def test_a_crash_ends_the_turn_and_the_next_one_finds_the_conversation(fake: GreenroomServer) -> None:
    session_id = (await create(fake, working(fake, recovery_policy=ON_CRASH))).session_id
    await run_turn(fake, session_id, "one")
    queued_too = fake.work / "queued-too"
    crashed = await start_turn(fake, session_id, turn(until=str(queued_too), exit=3))
    queued = StartTurnRequest(session_id=session_id, prompt="three", if_busy=IF_BUSY_QUEUE)
    waiting = (await fake.turns.StartTurn(queued)).turn
    queued_too.touch()
    session = await until(fake, session_id, turn_id=waiting.turn_id)
    assert not session.HasField("error")
    assert session.process.restart_count == 1
    assert session.process.last_exit.code == 3
    told = await history(fake, session_id)
    (failed,) = [event.session_error.session for event in told if event.HasField("session_error")]
    assert failed.state == ERROR
    assert failed.recovery.recoverable
    assert failed.recovery.max_attempts == 5
    assert failed.recovery.HasField("next_attempt_time")
    ends = {event.turn_id: event for event in told if event.WhichOneof("payload") == "turn_completed"}
    assert ends[waiting.turn_id].turn_completed.turn.result_text == "prompt 3"
    interrupted = [event for event in told if event.WhichOneof("payload") == "turn_interrupted"]
    assert [event.turn_id for event in interrupted] == [crashed.turn_id]
    assert interrupted[0].turn_interrupted.turn.state == turn_pb2.TURN_STATE_INTERRUPTED
    assert names(told).count("session_recovery_scheduled") == 1


async def test_a_session_that_waits_for_its_restart_can_be_started_and_closed(fake: GreenroomServer) -> None:
    session_id = (await create(fake, working(fake, recovery_policy=hours_later()))).session_id
    await start_turn(fake, session_id, turn(exit=3))
    await until(fake, session_id, ERROR)
    await fake.sessions.StartSession(StartSessionRequest(session_id=session_id))
    started = await until(fake, session_id, READY)
    assert not started.HasField("recovery")
    await start_turn(fake, session_id, turn(exit=3))
    await until(fake, session_id, ERROR)
    closed = (await fake.sessions.CloseSession(CloseSessionRequest(session_id=session_id))).session
    assert closed.state == session_pb2.SESSION_STATE_CLOSED
    assert not closed.recovery.HasField("next_attempt_time")


async def test_a_restart_that_was_planned_outlives_the_server(fake: GreenroomServer) -> None:
    session_id = (await create(fake, working(fake, recovery_policy=in_seconds(5)))).session_id
    await start_turn(fake, session_id, turn(exit=3))
    failed = await until(fake, session_id, ERROR)
    assert await fake.stop() == 0  # at once: nobody waits for a restart that is due later
    await fake.start()
    session = await until(fake, session_id, READY)
    assert session.process.restart_count == failed.process.restart_count + 1


async def test_after_the_servers_death_only_those_come_back_that_should(fake: GreenroomServer) -> None:
    tough = (await create(fake, working(fake, recovery_policy=ON_CRASH))).session_id
    plain = (await create(fake)).session_id
    for session_id in (tough, plain):
        await run_turn(fake, session_id, "one")
    processes = fake.children()
    assert len(processes) == 2
    await fake.kill()
    await fake.start()
    # A zombie has ended: init still has to take note.
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert alive == []
    suspended = await get(fake, plain)
    assert (suspended.state, suspended.state_reason) == (session_pb2.SESSION_STATE_SUSPENDED, "NODE_LOST")
    await until(fake, tough, READY)
    done, _ = await run_turn(fake, tough, "two")
    assert done.result_text == "prompt 2"


@pytest.mark.parametrize("earlier", [True, False])
async def test_a_process_that_only_a_row_names_is_spared(fake: GreenroomServer, earlier: bool) -> None:
    """Also one that started when the row says so: the row may be a copy, and the process serve the original."""
    stranger = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        session_id = (await create(fake)).session_id
        await run_turn(fake, session_id, "one")
        await fake.kill()
        rename_process(fake, stranger.pid, earlier=earlier)
        await fake.start()
        suspended = await get(fake, session_id)
        assert (suspended.state, suspended.state_reason) == (session_pb2.SESSION_STATE_SUSPENDED, "NODE_LOST")
        assert procfs.kernel_start(stranger.pid) is not None
        assert stranger.returncode is None
    finally:
        with suppress(ProcessLookupError):
            stranger.kill()
        await stranger.wait()


def rename_process(server: GreenroomServer, pid: int, *, earlier: bool) -> None:
    """Write another process into the only session's row; `earlier`, with a start before that process' own."""
    started = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    with closing(sqlite3.connect(server.state / "greenroom.db", isolation_level=None)) as database:
        ((progress,),) = database.execute("SELECT progress FROM sessions").fetchall()
        row = json.loads(progress)
        row["process"] |= {"pid": pid, "kernel_start": started - earlier}
        database.execute("UPDATE sessions SET progress = ?", (json.dumps(row),))
