"""The pieces of a message come before the message that repeats them, whole, on every stream; with the real CLI."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from greenroom.v1.event_pb2 import Event
from greenroom.v1.event_service_pb2 import WatchEventsRequest
from greenroom.v1.turn_service_pb2 import RunTurnRequest
from greenroom_server import GreenroomServer
from story import TURN_ENDS, create, scripted

SESSIONS = 6
TURNS = 4
ANSWER = scripted(
    "go",
    {"thinking": "first I think of it", "text": "before the tool " * 20},
    {"text": "and more " * 30, "tool": "Bash", "input": {"command": "echo one"}},
    {"text": "at last " * 40},
)


async def streamed(server: GreenroomServer, session_id: str) -> list[Event]:
    """Run a turn and return all that its stream brought."""
    request = RunTurnRequest(session_id=session_id, prompt=ANSWER, include_ephemeral=True)
    return [event async for frame in server.turns.RunTurn(request) for event in frame.events]


async def watched(server: GreenroomServer, session_id: str, *, ends: int) -> list[Event]:
    """Watch a session until so many turns have ended."""
    request = WatchEventsRequest(session_ids=[session_id], include_ephemeral=True)
    events: list[Event] = []
    async for frame in server.events.WatchEvents(request):
        events += frame.events
        if sum(event.type in TURN_ENDS for event in events) == ends:
            break
    return events


def assert_whole_before_the_message(events: Sequence[Event]) -> None:
    """Every text and thought of the model was seen in pieces, all of them, before the message that repeats it."""
    pieces: dict[str, str] = defaultdict(str)
    spoken = 0
    for event in events:
        if event.HasField("message_delta"):
            pieces[event.message_delta.message_id] += event.message_delta.text
        if event.HasField("thinking_delta"):
            pieces[event.thinking_delta.message_id] += event.thinking_delta.thinking
        if event.HasField("message_assistant"):
            message = event.message_assistant
            said = "".join(block.text or block.thinking.thinking for block in message.content)
            assert pieces.pop(message.message_id, "") == said
            spoken += 1
    assert not pieces, f"pieces after their message: {pieces}"
    assert spoken


async def test_pieces_come_before_their_message_on_every_stream(server: GreenroomServer) -> None:
    sessions = [await create(server) for _ in range(SESSIONS)]

    async def turns(session_id: str) -> list[list[Event]]:
        return [await streamed(server, session_id) for _ in range(TURNS)]

    async with asyncio.TaskGroup() as group:
        watches = [group.create_task(watched(server, each.session_id, ends=TURNS)) for each in sessions]
        runs = [group.create_task(turns(each.session_id)) for each in sessions]
    for watch in watches:
        assert_whole_before_the_message(watch.result())
    for run in runs:
        for turn in run.result():
            assert_whole_before_the_message(turn)
