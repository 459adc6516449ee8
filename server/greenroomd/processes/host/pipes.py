"""Our ends of a child's pipes as event loop protocols; they need no task, so none can be left running."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import cast

from greenroomd.app.ports.processes import ProcessFailed

_MAX_POSTED_BYTES = 2**20


class Output(asyncio.Protocol):
    """Bytes from the child: calls `received` for each piece, which returns whether to read on, then `closed` once."""

    def __init__(self, received: Callable[[bytes], bool], closed: Callable[[], None]) -> None:
        self._received = received
        self._closed = closed
        self._transport: asyncio.ReadTransport | None = None
        self.was_connected = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.ReadTransport", transport)
        self.was_connected = True

    def data_received(self, data: bytes) -> None:
        """Pass a piece on."""
        if not self._received(data) and self._transport is not None:
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._transport = None
        self._closed()

    def resume(self) -> None:
        """Read on."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self) -> None:
        """Stop reading for good."""
        if self._transport is not None:
            self._transport.close()


class Input(asyncio.BaseProtocol):
    """Bytes to the child."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self.was_connected = False
        self._drained = asyncio.Event()
        self._drained.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self.was_connected = True
        # Zero: a write is over when the kernel has it all, so a child that does not read is noticed.
        self._transport.set_write_buffer_limits(high=0)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._transport = None
        self._drained.set()

    def pause_writing(self) -> None:
        """Note that the kernel has not taken all that was written."""
        self._drained.clear()

    def resume_writing(self) -> None:
        """Note that the kernel has taken all that was written."""
        self._drained.set()

    async def write(self, line: bytes, timeout: timedelta) -> None:
        """Write one line whole, in the order of the calls; raises ProcessFailed if the child does not take it.

        After INPUT_STALLED the pipe is closed, since half a line may have been taken.
        """
        self._open().write(line)
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                await self._drained.wait()
        except TimeoutError:
            self.abort()
            raise ProcessFailed("INPUT_STALLED", "the process does not read its input") from None
        self._open()

    def post(self, line: bytes) -> None:
        """Write one line without waiting; lost if the child lets 1 MiB pile up. Raises as `write` if it has gone."""
        if self._open().get_write_buffer_size() < _MAX_POSTED_BYTES:
            self._open().write(line)

    def close(self) -> None:
        """Close the child's input after what was written."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once; what was not taken is lost."""
        if self._transport is not None:
            self._transport.abort()

    def _open(self) -> asyncio.WriteTransport:
        if self._transport is None or self._transport.is_closing():
            raise ProcessFailed("PROCESS_EXITED", "the process has closed its input")
        return self._transport
