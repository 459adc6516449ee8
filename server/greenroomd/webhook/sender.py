"""The webhook: a listener that posts every event it hears to one URL."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from types import TracebackType
from typing import Self

import httpx2
from google.protobuf.json_format import MessageToJson

from greenroom.v1.event_pb2 import Event, EventType
from greenroomd.app.watch.listeners import PassOver, Subscription
from greenroomd.domain.events import EventType as EventName
from greenroomd.webhook import signature

NAME = "webhook"

# The receiver has understood the request and refuses this body. Any other failure may be temporary.
_REFUSED = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
)


class NotDelivered(Exception):
    """The receiver did not take the event; it will be sent again."""


class Webhook:
    """Posts signed events as JSON, one after the other, so that a receiver gets each session's events in order.

    Any 2xx status acknowledges an event. Redirects are not followed: an event signed for one receiver must not go to
    another. No error text contains the URL, which may contain a key.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        *,
        types: frozenset[EventName] = frozenset(),
        timeout: timedelta = timedelta(seconds=10),
        now: Callable[[], float] = time.time,
    ) -> None:
        self._url = url
        self._key = signature.key_of(secret)
        self._now = now
        self._client = httpx2.AsyncClient(
            timeout=timeout.total_seconds(),
            follow_redirects=False,
            trust_env=False,  # do not use proxy variables that are not settings of this server
            limits=httpx2.Limits(max_connections=1),
        )
        self.subscription = Subscription(name=NAME, types=types, timeout=timeout)

    async def hear(self, event: Event) -> None:
        """Deliver an event; raises NotDelivered, or PassOver if the receiver refuses this event for good."""
        body = payload(event)
        signed = signature.headers(self._key, message_id=event.event_id, seconds=int(self._now()), body=body)
        headers = {"content-type": "application/json", "user-agent": "greenroom-webhook/1", **signed}
        try:
            # Do not read the body of the response, which may be of any length.
            async with self._client.stream("POST", self._url, content=body, headers=headers) as answer:
                status = answer.status_code
        except httpx2.TransportError as error:
            raise NotDelivered(f"no answer ({type(error).__name__})") from None
        if status in _REFUSED:
            raise PassOver(f"the receiver refused it with status {status}")
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise NotDelivered(f"the receiver answered with status {status}")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()


def payload(event: Event) -> bytes:
    """Return the body of a delivery: `type` (such as `turn.completed`), `timestamp`, and the whole event as `data`."""
    name = EventName[EventType.Name(event.type).removeprefix("EVENT_TYPE_")].value
    data = MessageToJson(event, indent=None)
    return f'{{"type":"{name}","timestamp":"{event.time.ToJsonString()}","data":{data}}}'.encode()
