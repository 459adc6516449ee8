"""Answers as text that can be compared: what must differ from run to run is named, all else stays to the byte."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Any, TypeVar

import grpc.aio
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from greenroom.v1.event_pb2 import Event

Answer = TypeVar("Answer", bound=Message)

DETAILS = error_details_pb2.DESCRIPTOR  # imported, so that details of a status can be told by their names

_PLACES = {"cursor", "nextPageToken"}
_OF_A_RUN = {"pid", "startupTime"}
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_PROFILE_ETAG = re.compile(r"\b[0-9a-f]{13,14}\.(?=\d+\b)")  # begins with the time of creation
_FRAME_PID = re.compile(r'(\\"pid\\": ?)\d+')


class Recorder:
    """Calls a server and writes down each answer, or refusal, as one line of JSON.

    Ids become numbers in the order in which they were first seen, so that it still shows which of them are the same.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._ids: dict[str, str] = {}

    async def ask(self, method: Callable[[Any], Awaitable[Answer]], request: Message) -> Answer:
        """Call a unary method that must be answered."""
        answer = await method(request)
        self._note(request, MessageToDict(answer))
        return answer

    async def refused(self, method: Callable[[Any], Awaitable[Message]], request: Message) -> None:
        """Call a unary method that must be refused."""
        try:
            answer = await method(request)
        except grpc.aio.AioRpcError as error:
            trailing = dict(error.trailing_metadata() or ())
            status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
            self._note(request, {"code": error.code().name, "status": MessageToDict(status)})
        else:
            raise AssertionError(f"not refused: {request} {answer}")

    async def read(
        self,
        method: Callable[[Any], AsyncIterable[Any]],
        request: Message,
        *,
        until: Callable[[Event], bool] | None = None,
    ) -> list[Event]:
        """Call a streaming method and note its events as one answer: how they fall into frames is chance.

        Without `until` the stream must end by itself; with it, it is left behind the first event that fits.
        """
        events: list[Event] = []
        rest: list[dict[str, Any]] = []
        async for frame in method(request):
            events += frame.events
            other = MessageToDict(frame)
            for name in ("events", "cursor"):
                other.pop(name, None)
            if other and "bookmark" not in other:
                rest.append(other)
            if until is not None and any(until(event) for event in frame.events):
                break
        if until is not None:
            del events[next(index for index, event in enumerate(events) if until(event)) + 1 :]
        self._note(request, {"events": [MessageToDict(event) for event in events], "rest": rest})
        return events

    def _note(self, request: Message, answer: dict[str, Any]) -> None:
        line = json.dumps([type(request).__name__, _without_places(answer)], sort_keys=True)
        line = _FRAME_PID.sub(r"\1<pid>", _PROFILE_ETAG.sub("<time>.", _TIME.sub("<time>", line)))
        self.lines.append(_ID.sub(self._numbered, line))

    def _numbered(self, found: re.Match[str]) -> str:
        return self._ids.setdefault(found[0], f"<id {len(self._ids) + 1}>")


def _without_places(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_places(item) for item in value]
    if not isinstance(value, dict):
        return value
    named: dict[str, Any] = {name: _without_places(item) for name, item in value.items()}
    named |= {name: f"<{name}>" for name in value if name in _PLACES and value[name]}
    return named | {name: f"<{name}>" for name in value if name in _OF_A_RUN}
