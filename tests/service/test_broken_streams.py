"""What is broken off in the middle is taken back on the stream: the beginning of an answer is never shown twice."""

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from greenroom import Answer
from greenroom.v1.event_pb2 import Event
from greenroom.v1.event_service_pb2 import WatchEventsRequest
from greenroom.v1.turn_pb2 import TURN_STATE_COMPLETED, TURN_STATE_INTERRUPTED, Turn
from greenroom.v1.turn_service_pb2 import InterruptTurnRequest, RunTurnRequest
from greenroom_server import GreenroomServer
from story import TURN_ENDS, create, get, scripted

WORDS = "one two three four five"


async def events_of(server: GreenroomServer, request: RunTurnRequest) -> AsyncIterator[Event | Turn]:
    """Run a turn and yield its events, and then the turn."""
    request.include_ephemeral = True
    async for frame in server.turns.RunTurn(request):
        for event in frame.events:
            yield event
        if frame.HasField("turn"):
            yield frame.turn


def unfinished(events: list[Event]) -> set[str]:
    """Return the messages of which pieces came that neither a whole message nor a retraction followed."""
    ids: set[str] = set()
    for event in events:
        if event.HasField("message_delta"):
            ids.add(event.message_delta.message_id)
        elif event.HasField("message_assistant"):
            ids.discard(event.message_assistant.message_id)
        elif event.HasField("message_retracted"):
            assert event.message_retracted.message_id in ids, "what is retracted was shown before"
            ids.discard(event.message_retracted.message_id)
    return ids


async def test_an_answer_that_breaks_off_is_taken_back_and_comes_again(server: GreenroomServer) -> None:
    session = await create(server)
    whole = {"thinking": "hmm", "text": WORDS, "gap": 0.05}
    prompt = scripted("go", {**whole, "cut": True, "after": 6, "times": 1, "then": whole})
    watching = server.events.WatchEvents(
        WatchEventsRequest(session_ids=[session.session_id], include_ephemeral=True)
    )
    await watching.initial_metadata()
    events, answer, texts = [], Answer(), [""]
    async for part in events_of(server, RunTurnRequest(session_id=session.session_id, prompt=prompt)):
        if isinstance(part, Turn):
            assert (part.state, part.result_text) == (TURN_STATE_COMPLETED, WORDS)
            break
        events.append(part)
        if answer.take(part):
            texts.append(answer.text)
    retracted = [
        event.message_retracted.message_id for event in events if event.HasField("message_retracted")
    ]
    assert len(retracted) == 1
    assert not unfinished(events)
    assert answer.text == WORDS
    assert all(WORDS.startswith(text.strip()) for text in texts), texts
    assert "" in texts[2:]  # the beginning was gone for a moment
    watched: list[Event] = []
    async for frame in watching:
        watched += frame.events
        if any(event.type in TURN_ENDS for event in watched):
            break
    watching.cancel()
    assert not unfinished(watched)
    assert sum(event.HasField("message_retracted") for event in watched) == 1


async def test_what_an_interrupt_breaks_off_is_not_left_open(server: GreenroomServer) -> None:
    """The CLI tells the beginning as a message; were there another piece behind it, it would be taken back."""
    session = await create(server)
    names = await broken_off(server, session.session_id, lambda: interrupt(server, session.session_id))
    assert "message_assistant" in names


async def test_what_dies_with_the_process_is_taken_back_before_the_turn_ends(server: GreenroomServer) -> None:
    session = await create(server)

    async def kill() -> None:
        os.kill((await get(server, session.session_id)).process.pid, signal.SIGKILL)

    names = await broken_off(server, session.session_id, kill)
    assert names.count("message_retracted") == 1
    assert names.index("message_retracted") < names.index("turn_interrupted")


async def broken_off(
    server: GreenroomServer, session_id: str, end: Callable[[], Awaitable[None]]
) -> Sequence[str | None]:
    """End a turn in the middle of its answer, and return the kinds of events that its stream brought."""
    prompt = scripted("go", {"text": WORDS, "gap": 0.05, "stall": True, "after": 3})
    events: list[Event] = []
    async for part in events_of(server, RunTurnRequest(session_id=session_id, prompt=prompt)):
        if isinstance(part, Turn):
            assert part.state == TURN_STATE_INTERRUPTED
            break
        begun = any(event.HasField("message_delta") for event in events)
        events.append(part)
        if part.HasField("message_delta") and not begun:
            await end()
    assert not unfinished(events)
    return [event.WhichOneof("payload") for event in events]


async def interrupt(server: GreenroomServer, session_id: str) -> None:
    await server.turns.InterruptTurn(InterruptTurnRequest(session_id=session_id))
