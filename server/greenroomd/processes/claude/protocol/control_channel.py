"""Requests to the CLI and their answers, matched by id; the answers come in any order, between all other frames."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from greenroomd.app.ports.processes import ProcessFailed
from greenroomd.domain.config import JsonObject
from greenroomd.processes.claude.parsing.stream_json import ControlAnswer, encode
from greenroomd.processes.host.redaction import Redactor


class ControlChannel:
    """Sends control requests through `write` and waits for their answers."""

    def __init__(self, write: Callable[[bytes], Awaitable[None]], redactor: Redactor) -> None:
        self._write = write
        self._redactor = redactor
        self._pending: dict[str, asyncio.Future[ControlAnswer]] = {}
        self._sent = 0
        self._closed = False

    @property
    def waiting(self) -> bool:
        """Return whether an answer is still to come."""
        return bool(self._pending)

    async def request(self, subtype: str, timeout: timedelta, **fields: Any) -> JsonObject:
        """Return the answer's body; raises ProcessFailed: CONTROL_REFUSED, CONTROL_TIMEOUT or PROCESS_EXITED."""
        (answer,) = await self.requests([(subtype, fields)], timeout)
        return answer

    async def requests(
        self, asked: Sequence[tuple[str, JsonObject]], timeout: timedelta
    ) -> Sequence[JsonObject]:
        """Send several requests at once; the CLI takes them in this order. Return the bodies of their answers.

        Raises as `request` does, for the first that failed; whether the later ones were carried out is not known then.
        """
        lines: list[bytes] = []
        waiting: dict[str, asyncio.Future[ControlAnswer]] = {}
        for subtype, fields in asked:
            self._sent += 1
            request_id = f"greenroom-{self._sent}"
            request = {"subtype": subtype, **fields}
            lines.append(encode({"type": "control_request", "request_id": request_id, "request": request}))
            waiting[request_id] = asyncio.get_running_loop().create_future()
        subtype = asked[0][0]
        self._pending |= waiting
        answers = []
        try:
            if self._closed:
                raise _exited(subtype)
            async with asyncio.timeout(timeout.total_seconds()):
                await self._write(b"".join(lines))
                for (subtype, _), answered in zip(asked, waiting.values(), strict=True):
                    answer = await answered
                    if answer.error:
                        refused = self._redactor.text(f"{subtype}: {answer.error}")
                        raise ProcessFailed("CONTROL_REFUSED", refused)
                    answers.append(answer.response)
        except TimeoutError:
            raise ProcessFailed("CONTROL_TIMEOUT", f"no answer to {subtype} within {timeout}") from None
        finally:
            for request_id, answered in waiting.items():
                del self._pending[request_id]
                if answered.done() and not answered.cancelled():
                    answered.exception()  # else asyncio complains of one that nobody looked at
                answered.cancel()
        return answers

    async def tell(self, subtype: str, **fields: Any) -> None:
        """Send a request whose answer nobody waits for; the CLI takes what follows after it."""
        self._sent += 1
        request = {"subtype": subtype, **fields}
        request_id = f"greenroom-{self._sent}"
        await self._write(encode({"type": "control_request", "request_id": request_id, "request": request}))

    def answered(self, answer: ControlAnswer) -> None:
        """Hand an answer to the request that waits for it; any other (late, or an echo of ours) is dropped."""
        waiter = self._pending.get(answer.request_id)
        if waiter is not None and not waiter.done():
            waiter.set_result(answer)

    def close(self) -> None:
        """Fail every waiting request: the CLI will say no more."""
        self._closed = True
        for waiter in self._pending.values():
            if not waiter.done():
                waiter.set_exception(_exited("its request"))


def unserved(request_id: str, subtype: str) -> bytes:
    """Return the answer to a request of the CLI that nothing here serves; without one, its turn would never end.

    It is the CLI's own refusal for "not served here", not a failure: it takes a question to be closed without a choice,
    a hook to have no opinion, and the turn goes on.
    """
    response = {
        "subtype": "error",
        "request_id": request_id,
        "error": f"{subtype} is not supported by this host",
        "error_code": "unsupported_request",
    }
    return encode({"type": "control_response", "response": response})


def _exited(what: str) -> ProcessFailed:
    return ProcessFailed("PROCESS_EXITED", f"the process ended without an answer to {what}")
