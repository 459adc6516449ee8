"""Requests to the CLI and their answers, matched by id; the answers come in any order, between all other frames."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from greenroomd.app.ports import ProcessFailed
from greenroomd.domain.config import JsonObject
from greenroomd.processes.redaction import Redactor
from greenroomd.processes.stream_json import ControlAnswer, encode


class ControlChannel:
    """Sends control requests through *write* and waits for their answers."""

    def __init__(self, write: Callable[[bytes], Awaitable[None]], redactor: Redactor) -> None:
        self._write = write
        self._redactor = redactor
        self._pending: dict[str, asyncio.Future[ControlAnswer]] = {}
        self._sent = 0
        self._closed = False

    @property
    def waiting(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._pending)

    async def request(self, subtype: str, timeout: timedelta, **fields: Any) -> JsonObject:
        """Return the answer's body; raises ProcessFailed: CONTROL_REFUSED, CONTROL_TIMEOUT or PROCESS_EXITED."""
        self._sent += 1
        request_id = f"greenroom-{self._sent}"
        answered: asyncio.Future[ControlAnswer] = asyncio.get_running_loop().create_future()
        self._pending[request_id] = answered
        try:
            if self._closed:
                raise _exited(subtype)
            async with asyncio.timeout(timeout.total_seconds()):
                await self._write(
                    encode(
                        {
                            "type": "control_request",
                            "request_id": request_id,
                            "request": {"subtype": subtype, **fields},
                        }
                    )
                )
                answer = await answered
        except TimeoutError:
            raise ProcessFailed("CONTROL_TIMEOUT", f"no answer to {subtype} within {timeout}") from None
        finally:
            del self._pending[request_id]
            answered.cancel()
        if answer.error:
            raise ProcessFailed("CONTROL_REFUSED", self._redactor.text(f"{subtype}: {answer.error}"))
        return answer.response

    def answered(self, answer: ControlAnswer) -> None:
        """Take an answer; one that nobody waits for (late, or an echo of ours) is of no interest."""
        waiter = self._pending.get(answer.request_id)
        if waiter is not None and not waiter.done():
            waiter.set_result(answer)

    def close(self) -> None:
        """Let every waiting request fail: the CLI will say no more."""
        self._closed = True
        for waiter in self._pending.values():
            if not waiter.done():
                waiter.set_exception(_exited("its request"))


def refusal(request_id: str, subtype: str) -> bytes:
    """Return the line that declines a request of the CLI; an unanswered one would hold its turn up for ever."""
    return encode(
        {
            "type": "control_response",
            "response": {
                "subtype": "error",
                "request_id": request_id,
                "error": f"{subtype} is not supported by this host",
            },
        }
    )


def _exited(what: str) -> ProcessFailed:
    return ProcessFailed("PROCESS_EXITED", f"the process ended without an answer to {what}")
