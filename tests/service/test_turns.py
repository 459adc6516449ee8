"""All of TurnService but approvals and limits, over a real socket with the real CLI."""

import asyncio
import uuid

import grpc
import pytest
from google.rpc import error_details_pb2

from greenroom.v1 import event_pb2, session_pb2, turn_pb2
from greenroom.v1.event_pb2 import Event
from greenroom.v1.event_service_pb2 import GetEventRequest
from greenroom.v1.session_service_pb2 import WaitSessionRequest
from greenroom.v1.turn_pb2 import ContentBlock, MediaBlock, Turn
from greenroom.v1.turn_service_pb2 import (
    IF_BUSY_QUEUE,
    GetTurnRequest,
    InterruptTurnRequest,
    ListTurnsRequest,
    RunTurnRequest,
    StartTurnRequest,
)
from greenroom_server import GreenroomServer
from standin.model_api import ModelApi
from story import (
    create,
    detail_of,
    get,
    history,
    names,
    run_turn,
    scripted,
    start_turn,
    until,
    working,
)

SLOW = scripted("slow", {"text": "word " * 200, "gap": 0.5})
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000030000000208020000001216f14d0000001049444154789c63fccf0005"
    "4c3006030013290103f0d807840000000049454e44ae426082"
)


def brief(number: int) -> str:
    """Return a prompt that is answered at once with its number."""
    return scripted("brief", {"text": str(number)})


async def queue(server: GreenroomServer, session_id: str, prompt: str) -> Turn:
    """Start a turn that may wait."""
    request = StartTurnRequest(session_id=session_id, prompt=prompt, if_busy=IF_BUSY_QUEUE)
    return (await server.turns.StartTurn(request)).turn


async def interrupt(server: GreenroomServer, session_id: str, turn_id: str = "", reason: str = "") -> Turn:
    """Interrupt a turn and return it."""
    request = InterruptTurnRequest(session_id=session_id, turn_id=turn_id, reason=reason)
    return (await server.turns.InterruptTurn(request)).turn


async def turn_of(server: GreenroomServer, turn_id: str) -> Turn:
    """Return a turn as it is now."""
    return (await server.turns.GetTurn(GetTurnRequest(turn_id=turn_id))).turn


async def refusal(call: object) -> grpc.aio.AioRpcError:
    """Return the error with which a call is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call  # type: ignore[misc]  # any call
    return refused.value


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """Return the reason of a refusal."""
    return detail_of(error, error_details_pb2.ErrorInfo()).reason


async def test_sixteen_turns_wait_and_the_next_is_told_when_to_come_again(server: GreenroomServer) -> None:
    session = await create(server)
    running = await start_turn(server, session.session_id, SLOW)
    await until(server, session.session_id, session_pb2.SESSION_STATE_ACTIVE)
    waiting = [await queue(server, session.session_id, brief(n)) for n in range(16)]
    assert {turn.state for turn in waiting} == {turn_pb2.TURN_STATE_QUEUED}

    busy = await refusal(start_turn(server, session.session_id, "no room"))
    assert (busy.code(), reason_of(busy)) == (grpc.StatusCode.FAILED_PRECONDITION, "TURN_RUNNING")
    full = await refusal(queue(server, session.session_id, "no room"))
    assert (full.code(), reason_of(full)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL")
    assert detail_of(full, error_details_pb2.QuotaFailure()).violations[0].subject == "session"
    assert detail_of(full, error_details_pb2.RetryInfo()).retry_delay.ToTimedelta().total_seconds() > 0

    dropped = await interrupt(server, session.session_id, waiting[3].turn_id)
    assert dropped.state == turn_pb2.TURN_STATE_INTERRUPTED
    assert not dropped.side_effects_unknown  # it never began
    assert (await turn_of(server, running.turn_id)).state == turn_pb2.TURN_STATE_RUNNING
    again = await queue(server, session.session_id, brief(16))
    assert again.state == turn_pb2.TURN_STATE_QUEUED

    stopped = await interrupt(server, session.session_id, reason="enough")
    assert stopped.turn_id == running.turn_id
    assert stopped.state == turn_pb2.TURN_STATE_INTERRUPTED
    await until(server, session.session_id, turn_id=again.turn_id)
    ended = [await turn_of(server, turn.turn_id) for turn in [*waiting, again]]
    assert [turn.result_text for turn in ended] == [str(n) if n != 3 else "" for n in range(17)]
    began = [turn.start_time.ToNanoseconds() for turn in ended if turn.HasField("start_time")]
    assert began == sorted(began)


async def test_without_a_turn_there_is_nothing_to_interrupt(server: GreenroomServer) -> None:
    session = await create(server)
    turn, _ = await run_turn(server, session.session_id, scripted("a", {"text": "one"}))
    nothing = await refusal(interrupt(server, session.session_id))
    assert (nothing.code(), reason_of(nothing)) == (grpc.StatusCode.FAILED_PRECONDITION, "NO_TURN_RUNNING")
    over = await refusal(interrupt(server, session.session_id, turn.turn_id))
    assert over.code() in (grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND)
    unknown = await refusal(interrupt(server, session.session_id, str(uuid.uuid4())))
    assert (unknown.code(), reason_of(unknown)) == (grpc.StatusCode.NOT_FOUND, "TURN_NOT_FOUND")
    no_session = await refusal(start_turn(server, str(uuid.uuid4()), "hello"))
    assert reason_of(no_session) == "SESSION_NOT_FOUND"


async def test_text_images_and_documents_reach_the_model(
    server: GreenroomServer, model_api: ModelApi
) -> None:
    session = await create(server)
    content = [
        ContentBlock(text="look at these"),
        ContentBlock(image=MediaBlock(media_type="image/png", data=PIXEL)),
        ContentBlock(document=MediaBlock(media_type="text/plain", data=b"a plain document", title="notes")),
    ]
    request = RunTurnRequest(session_id=session.session_id, content=content)
    frames = [frame async for frame in server.turns.RunTurn(request)]
    turn = frames[-1].turn
    assert turn.state == turn_pb2.TURN_STATE_COMPLETED
    assert list(turn.content) == content
    told = [event for frame in frames for event in frame.events]
    (prompt,) = (event for event in told if event.type == event_pb2.EVENT_TYPE_MESSAGE_USER)
    assert list(prompt.message_user.content) == content
    seen = [request["kinds"] for request in model_api.requests(at_least=1)]
    assert any({"text", "image", "document"} <= set(kinds) for kinds in seen), seen


async def test_media_that_are_not_what_they_are_called_never_reach_the_model(server: GreenroomServer) -> None:
    session = await create(server)
    content = [
        ContentBlock(image=MediaBlock(media_type="image/png", data=b"no picture")),
        ContentBlock(image=MediaBlock(media_type="image/png", data=PIXEL[:-1])),
        ContentBlock(image=MediaBlock(media_type="image/webp", data=PIXEL)),
        ContentBlock(document=MediaBlock(media_type="application/pdf", data=b"no document")),
        ContentBlock(image=MediaBlock(media_type="image/png", data=PIXEL)),
    ]
    refused = await refusal(
        server.turns.StartTurn(StartTurnRequest(session_id=session.session_id, content=content))
    )
    assert refused.code() is grpc.StatusCode.INVALID_ARGUMENT
    broken = detail_of(refused, error_details_pb2.BadRequest()).field_violations
    assert [each.field for each in broken] == [
        "content[0].image.data",
        "content[1].image.data",
        "content[2].image.media_type",
        "content[3].document.data",
    ]


async def test_turns_are_listed_by_page(server: GreenroomServer) -> None:
    session = await create(server)
    running = await start_turn(server, session.session_id, SLOW)
    started = [running, *[await queue(server, session.session_id, f"n {n}") for n in range(4)]]
    request = ListTurnsRequest(session_id=session.session_id, page_size=2)
    listed: list[Turn] = []
    while True:
        page = await server.turns.ListTurns(request)
        assert len(page.turns) <= 2
        listed += page.turns
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert [turn.turn_id for turn in listed] == [turn.turn_id for turn in started]
    assert [turn.number for turn in listed] == [1, 2, 3, 4, 5]
    for bad in (-1,):
        refused = await refusal(
            server.turns.ListTurns(ListTurnsRequest(session_id=session.session_id, page_size=bad))
        )
        assert refused.code() is grpc.StatusCode.INVALID_ARGUMENT
    other = await create(server)
    request.session_id = other.session_id
    foreign = await refusal(server.turns.ListTurns(request))
    assert reason_of(foreign) == "INVALID_PAGE_TOKEN"
    mismatch = GetTurnRequest(session_id=other.session_id, turn_id=running.turn_id)
    assert reason_of(await refusal(server.turns.GetTurn(mismatch))) == "TURN_NOT_FOUND"


async def test_a_repeated_run_sends_the_prompt_once_and_the_events_again(
    server: GreenroomServer, model_api: ModelApi
) -> None:
    session = await create(server)
    request = RunTurnRequest(
        session_id=session.session_id,
        prompt=scripted("once", {"text": "a b c", "gap": 0.05}),
        request_id=str(uuid.uuid4()),
    )
    first, again = await asyncio.gather(run_whole(server, request), run_whole(server, request))
    later = await run_whole(server, request)
    assert first == again == later
    assert first[0].request_id == request.request_id
    assert len((await server.turns.ListTurns(ListTurnsRequest(session_id=session.session_id))).turns) == 1
    other = RunTurnRequest(session_id=session.session_id, prompt="other", request_id=request.request_id)
    reused = await refusal(run_whole(server, other))
    assert (reused.code(), reason_of(reused)) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "REQUEST_ID_REUSED",
    )


async def run_whole(server: GreenroomServer, request: RunTurnRequest) -> tuple[Turn, list[Event]]:
    """Run a turn to its end."""
    events: list[Event] = []
    async for frame in server.turns.RunTurn(request):
        events += frame.events
        if frame.HasField("turn"):
            return frame.turn, events
    raise AssertionError("the stream ended without the turn")


async def test_pieces_of_a_message_come_before_the_finished_block(server: GreenroomServer) -> None:
    session = await create(server)
    prompt = scripted("stream", {"thinking": "hmm", "text": "one two three four", "gap": 0.02})
    request = RunTurnRequest(session_id=session.session_id, prompt=prompt, include_ephemeral=True)
    turn, events = await run_whole(server, request)
    assert turn.result_text == "one two three four"
    told = names(events)
    finished = max(n for n, name in enumerate(told) if name == "message_assistant")
    pieces = [event for event in events[:finished] if event.type == event_pb2.EVENT_TYPE_MESSAGE_DELTA]
    assert "".join(piece.message_delta.text for piece in pieces) == "one two three four"
    assert len(pieces) == 4
    assert {piece.sequence for piece in pieces} == {0}
    assert "thinking_delta" in told[: told.index("message_delta")]
    stored = await history(server, session.session_id)
    assert [event for event in events if event.sequence] == [
        event for event in stored if event.turn_id == turn.turn_id
    ]


@pytest.mark.timeout(120)
async def test_a_background_command_that_comes_back_ends_no_turn(server: GreenroomServer) -> None:
    session = await create(server, working(server, allowed_tools=["Bash"]))
    release = server.work / "release"
    command = f"while [ ! -e {release} ]; do read -t 0.1 < <(:) || true; done; touch came-back"
    call = {"command": command, "run_in_background": True, "description": "wait"}
    prompt = scripted("go", {"tool": "Bash", "input": call}, {"text": "started"})
    turn, _ = await run_turn(server, session.session_id, prompt)
    assert turn.result_text == "started"
    release.touch()
    async with asyncio.timeout(60):  # the CLI looks after its background commands at its leisure
        while not (unasked := await results_beside(server, turn)):
            now = await get(server, session.session_id)
            await server.sessions.WaitSession(wait_for_more(now))
    own = await turn_of(server, unasked[0].turn_id)
    assert own.kind == turn_pb2.TURN_KIND_UNPROMPTED
    await until(server, session.session_id, turn_id=own.turn_id)
    assert (await turn_of(server, turn.turn_id)) == turn
    again, _ = await run_turn(server, session.session_id, scripted("more", {"text": "still here"}))
    assert again.result_text == "still here"
    assert len((await server.turns.ListTurns(ListTurnsRequest(session_id=session.session_id))).turns) == 3


def wait_for_more(session: session_pb2.Session) -> WaitSessionRequest:
    """Return the request that waits for the next revision of a session."""
    request = WaitSessionRequest(session_id=session.session_id, after_revision=session.revision)
    request.timeout.FromSeconds(20)
    return request


async def results_beside(server: GreenroomServer, turn: Turn) -> list[Event]:
    """Return the results of the session that are not of this turn."""
    return [
        event
        for event in await history(server, turn.session_id)
        if event.type == event_pb2.EVENT_TYPE_MESSAGE_SYSTEM
        and event.message_system.frame_type == "result"
        and event.turn_id != turn.turn_id
    ]


async def test_a_prompt_that_the_model_cannot_take_fails_its_turn(server: GreenroomServer) -> None:
    session = await create(server)
    turn, _ = await run_turn(server, session.session_id, "many words " * 350_000)
    assert turn.state == turn_pb2.TURN_STATE_FAILED
    assert "too long" in turn.error.message.lower()
    again, _ = await run_turn(server, session.session_id, scripted("short", {"text": "fine"}))
    assert again.state == turn_pb2.TURN_STATE_COMPLETED


async def test_an_answer_of_5_mb_is_cut_in_the_stream_and_whole_by_itself(server: GreenroomServer) -> None:
    session = await create(server)
    size = 5_000_000
    turn, events = await run_turn(server, session.session_id, scripted("much", {"fill": size}))
    assert turn.state == turn_pb2.TURN_STATE_COMPLETED
    assert len(turn.result_text) == 256 * 1024
    assert turn.result_truncated
    assert await turn_of(server, turn.turn_id) == turn
    (answer,) = (event for event in events if event.type == event_pb2.EVENT_TYPE_MESSAGE_ASSISTANT)
    assert answer.truncated
    assert answer.ByteSize() <= 256 * 1024
    chunks = [chunk async for chunk in server.events.GetEvent(GetEventRequest(event_id=answer.event_id))]
    assert len(chunks) > 1
    whole = Event.FromString(b"".join(chunk.data for chunk in chunks))
    assert whole.sequence == answer.sequence
    assert not whole.truncated
    assert len(whole.message_assistant.content[0].text) == size
