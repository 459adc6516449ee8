"""A receiver of webhooks as somebody else would run it: a small HTTP server with moods."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 60.0  # seconds; only ever reached by a failing test


@dataclass(frozen=True)
class Delivery:
    """One request, as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> dict[str, Any]:
        """The body, read."""
        message: dict[str, Any] = json.loads(self.body)
        return message

    @property
    def event(self) -> dict[str, Any]:
        """The event in it."""
        data: dict[str, Any] = self.message["data"]
        return data

    def signed_with(self, key: bytes) -> bool:
        """Whether the signature is what Standard Webhooks demands."""
        names = ("webhook-id", "webhook-timestamp")
        signed = b".".join([*(self.headers[name].encode() for name in names), self.body])
        digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return self.headers["webhook-signature"] == f"v1,{digest}"


@dataclass
class Receiver:
    """What came, and how the next requests are answered."""

    port: int = 0
    status: Callable[[Delivery], int] = lambda _: 204
    deliveries: list[Delivery] = field(default_factory=list)
    """Those that were answered with a status 2xx, in order."""
    requests: list[Delivery] = field(default_factory=list)
    """All of them."""

    def __post_init__(self) -> None:
        self.answering = asyncio.Event()  # clear it, and requests hang
        self.answering.set()
        self._changed = asyncio.Condition()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something about the requests to be so."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(condition)

    @asynccontextmanager
    async def open(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[None]:
        """Answer while the block runs; the port stays the same."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            self.answering.set()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.rstrip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await reader.readexactly(int(headers["content-length"]))
            delivery = Delivery(first.split()[1], headers, body)
            await self._take(delivery, self.requests)
            await self.answering.wait()
            status = self.status(delivery)
            writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
            await writer.drain()
            if status < 300:
                await self._take(delivery, self.deliveries)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the sender gave up
        finally:
            writer.close()

    async def _take(self, delivery: Delivery, into: list[Delivery]) -> None:
        async with self._changed:
            into.append(delivery)
            self._changed.notify_all()
