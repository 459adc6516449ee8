"""A server that is stopped while turns run and wait: what it finishes, and what its next run does."""

from fake_cli.installed import turn
from greenroom.v1 import turn_pb2
from greenroom.v1.session_pb2 import SESSION_STATE_ACTIVE, SESSION_STATE_IDLE
from greenroom.v1.turn_pb2 import Turn
from greenroom.v1.turn_service_pb2 import IF_BUSY_QUEUE, GetTurnRequest, StartTurnRequest
from greenroom_server import GreenroomServer
from shared_servers import SharedServers
from story import create, start_turn, until


async def stopped_with(fake: GreenroomServer, first: str) -> tuple[Turn, Turn]:
    """Stop the server while a turn runs and another waits, start it again, and return both once all is done."""
    session_id = (await create(fake)).session_id
    running = await start_turn(fake, session_id, first)
    await until(fake, session_id, SESSION_STATE_ACTIVE)
    queued = StartTurnRequest(session_id=session_id, prompt=turn(text="later"), if_busy=IF_BUSY_QUEUE)
    waiting = (await fake.turns.StartTurn(queued)).turn
    assert await fake.stop() == 0
    await fake.start()
    await until(fake, session_id, SESSION_STATE_IDLE)
    first_turn, second_turn = [
        (await fake.turns.GetTurn(GetTurnRequest(turn_id=each.turn_id))).turn for each in (running, waiting)
    ]
    return first_turn, second_turn


async def test_a_turn_that_runs_is_let_finish_and_one_that_waits_is_kept(servers: SharedServers) -> None:
    async with servers.fake(drain_timeout="60s") as patient:
        running, waiting = await stopped_with(patient, turn(wait=1, text="in time"))
    assert (running.state, running.result_text) == (turn_pb2.TURN_STATE_COMPLETED, "in time")
    assert (waiting.state, waiting.result_text) == (turn_pb2.TURN_STATE_COMPLETED, "later")


async def test_a_turn_that_takes_too_long_is_interrupted_and_one_that_waits_is_kept(
    fake: GreenroomServer,
) -> None:
    running, waiting = await stopped_with(fake, turn(wait=60))
    assert running.state == turn_pb2.TURN_STATE_INTERRUPTED
    assert not running.side_effects_unknown
    assert (waiting.state, waiting.result_text) == (turn_pb2.TURN_STATE_COMPLETED, "later")
