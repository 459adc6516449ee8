"""Every kind of event that the contract promises for the moment really comes, and from the real CLI where it can."""

import json
from collections.abc import Set

from fake_cli.installed import turn
from greenroom.v1 import event_pb2
from greenroom.v1.event_pb2 import Event, EventType
from greenroom.v1.event_service_pb2 import WatchEventsRequest
from greenroom.v1.turn_service_pb2 import StartTurnRequest
from greenroom_server import GreenroomServer
from story import TURN_ENDS, create, scripted, working


async def watched(
    server: GreenroomServer, session_id: str, prompt: str, until: Set[EventType.ValueType]
) -> list[Event]:
    """Give a prompt and return what a watcher sees until the turn has ended and kinds of events were seen."""
    watching = server.events.WatchEvents(WatchEventsRequest(session_ids=[session_id], include_ephemeral=True))
    await watching.initial_metadata()
    await server.turns.StartTurn(StartTurnRequest(session_id=session_id, prompt=prompt))
    events: list[Event] = []
    async for frame in watching:
        for event in frame.events:
            events.append(event)
            if event.HasField("tool_output_delta"):
                (server.work / "release").touch()
        if any(event.type in TURN_ENDS for event in events) and until <= {event.type for event in events}:
            break
    watching.cancel()
    return events


async def test_a_tool_is_seen_from_its_first_input_to_its_last_output(server: GreenroomServer) -> None:
    session = await create(server, working(server, allowed_tools=["Bash"]))
    release = server.work / "release"
    command = f"echo first; while [ ! -e {release} ]; do read -t 0.1 < <(:) || true; done; echo last"
    call = {"command": command, "description": "wait"}
    prompt = scripted(
        "go", {"thinking": "hmm", "text": "I look", "tool": "Bash", "input": call}, {"text": "done"}
    )
    events = await watched(server, session.session_id, prompt, {event_pb2.EVENT_TYPE_PROCESS_STATS})
    names = [event.WhichOneof("payload") for event in events]
    (use,) = (event.message_tool_use for event in events if event.HasField("message_tool_use"))
    tool_use_id = use.content[0].tool_use.tool_use_id

    pieces = [event.tool_input_delta for event in events if event.HasField("tool_input_delta")]
    assert {(piece.tool_use_id, piece.tool_name, piece.message_id) for piece in pieces} == {
        (tool_use_id, "Bash", use.message_id)
    }
    assert json.loads("".join(piece.partial_json for piece in pieces)) == call
    last_input = len(names) - 1 - names[::-1].index("tool_input_delta")
    assert last_input < names.index("message_tool_use")

    outputs = [event.tool_output_delta for event in events if event.HasField("tool_output_delta")]
    assert {output.tool_use_id for output in outputs} == {tool_use_id}
    assert "".join(output.text for output in outputs).startswith("first\n")
    last_output = len(names) - 1 - names[::-1].index("tool_output_delta")
    assert last_output < names.index("message_tool_result")

    stats = next(event.process_stats for event in events if event.HasField("process_stats"))
    assert stats.memory_bytes > 50_000_000
    assert stats.process_count >= 1
    assert stats.cpu_time.ToTimedelta().total_seconds() > 0
    assert {"message_delta", "thinking_delta"} <= set(names)


async def test_error_output_and_signs_of_life_are_shown(fake: GreenroomServer) -> None:
    session = await create(fake)
    beat = {
        "type": "tool_progress",
        "tool_use_id": "toolu_7-heartbeat-0",
        "tool_name": "WebFetch",
        "parent_tool_use_id": "toolu_7",
        "elapsed_time_seconds": 30,
        "heartbeat": True,
    }
    prompt = turn(stderr=60, garbage=json.dumps(beat))
    events = await watched(fake, session.session_id, prompt, {event_pb2.EVENT_TYPE_PROCESS_STDERR})
    (progress,) = (event.tool_progress for event in events if event.HasField("tool_progress"))
    assert (progress.tool_use_id, progress.tool_name) == ("toolu_7", "WebFetch")
    assert progress.elapsed_time.seconds == 30
    stderr = "".join(event.process_stderr.text for event in events if event.HasField("process_stderr"))
    assert stderr == "noise " * 10 + "\n"
    assert {event.sequence for event in events if event.type > 70} == {0}
