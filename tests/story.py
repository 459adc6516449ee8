"""Short words for what service tests do all the time: sessions, turns, and what was seen of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeVar

import grpc.aio
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.rpc import status_pb2

from greenroom.v1 import event_pb2, session_pb2
from greenroom.v1.config_pb2 import PERMISSION_MODE_ACCEPT_EDITS, SessionConfig
from greenroom.v1.event_pb2 import Event, EventType
from greenroom.v1.event_service_pb2 import ListEventsRequest
from greenroom.v1.session_pb2 import Session
from greenroom.v1.session_service_pb2 import (
    CreateSessionRequest,
    GetSessionRequest,
    UpdateSessionRequest,
    WaitSessionRequest,
)
from greenroom.v1.turn_pb2 import Turn
from greenroom.v1.turn_service_pb2 import RunTurnRequest, StartTurnRequest
from greenroom_server import GreenroomServer
from standin.model_api import ModelApi

Detail = TypeVar("Detail", bound=Message)

TURN_ENDS = {
    event_pb2.EVENT_TYPE_TURN_COMPLETED,
    event_pb2.EVENT_TYPE_TURN_FAILED,
    event_pb2.EVENT_TYPE_TURN_INTERRUPTED,
}


def scripted(text: str, *steps: Mapping[str, object]) -> str:
    """Return a prompt that tells the stand-in what to answer."""
    return f"{text} [[stub {json.dumps(list(steps))}]]"


def working(server: GreenroomServer, **options: object) -> SessionConfig:
    """Return a config that works in the server's allowed root, edits allowed."""
    options.setdefault("permission_mode", PERMISSION_MODE_ACCEPT_EDITS)
    return SessionConfig(working_dir=str(server.work), **options)  # type: ignore[arg-type]


async def create(server: GreenroomServer, config: SessionConfig | None = None, **fields: object) -> Session:
    """Create a session."""
    request = CreateSessionRequest(config=config or working(server), **fields)  # type: ignore[arg-type]
    return (await server.sessions.CreateSession(request)).session


async def get(server: GreenroomServer, session_id: str) -> Session:
    """Return a session as it is now."""
    return (await server.sessions.GetSession(GetSessionRequest(session_id=session_id))).session


async def rename(server: GreenroomServer, session: Session, times: int) -> Session:
    """Rename a session so many times, each an event; return it."""
    for number in range(times):
        request = UpdateSessionRequest(
            session=Session(session_id=session.session_id, display_name=f"name {number}"),
            update_mask=FieldMask(paths=["display_name"]),
        )
        session = (await server.sessions.UpdateSession(request)).session
    return session


async def until(
    server: GreenroomServer, session_id: str, *states: session_pb2.SessionState.ValueType, turn_id: str = ""
) -> Session:
    """Wait until a session is in one of the states, or a turn is over; fails if that does not come to be."""
    request = WaitSessionRequest(session_id=session_id, states=states, turn_id=turn_id)
    request.timeout.FromSeconds(40)
    answer = await server.sessions.WaitSession(request)
    assert answer.matched, f"the session stayed {session_pb2.SessionState.Name(answer.session.state)}"
    return answer.session


async def start_turn(server: GreenroomServer, session_id: str, prompt: str) -> Turn:
    """Start a turn."""
    return (await server.turns.StartTurn(StartTurnRequest(session_id=session_id, prompt=prompt))).turn


async def run_turn(server: GreenroomServer, session_id: str, prompt: str) -> tuple[Turn, list[Event]]:
    """Run a turn to its end; return it and its events as they streamed."""
    events: list[Event] = []
    async for frame in server.turns.RunTurn(RunTurnRequest(session_id=session_id, prompt=prompt)):
        events += frame.events
        if frame.HasField("turn"):
            return frame.turn, events
    raise AssertionError("the stream ended without the turn")


async def history(server: GreenroomServer, session_id: str) -> list[Event]:
    """Return every stored event of a session."""
    request = ListEventsRequest(session_id=session_id, page_size=1000)
    return list((await server.events.ListEvents(request)).events)


def names(events: Sequence[Event]) -> list[str]:
    """Return the events' types, such as `turn_started`."""
    return [EventType.Name(event.type).removeprefix("EVENT_TYPE_").lower() for event in events]


def conversation(model_api: ModelApi, cli_session_id: str) -> list[str]:
    """Return what the model was last given of a conversation, oldest first, without scripts and reminders."""
    said = model_api.requests(cli_session_id, at_least=1)[-1]["said"]
    return [text.partition(" [[stub")[0] for text in said if not text.startswith(("<", "# "))]


def sequences(events: Sequence[Event]) -> list[int]:
    """Return the events' sequence numbers."""
    return [event.sequence for event in events]


def detail_of(error: grpc.aio.AioRpcError, detail: Detail) -> Detail:
    """Return the detail of this kind that a refusal carries."""
    trailing = dict(error.trailing_metadata())
    status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
    assert (status.code, status.message) == (error.code().value[0], error.details())
    assert any(packed.Unpack(detail) for packed in status.details), status
    return detail
