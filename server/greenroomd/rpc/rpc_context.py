"""One call as the method of a service sees it."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from grpc.aio import ServicerContext

from greenroomd.app.commands import Caller
from greenroomd.app.ports.storage import Request
from greenroomd.domain.errors import InvalidRequest, Violation

Context = ServicerContext[Any, Any]

_ANONYMOUS = Caller()


@dataclass(slots=True)
class Call:
    """What is known of a call beside its message."""

    context: Context
    caller: Caller = _ANONYMOUS
    request: Request | None = None
    """The identity of a mutation that may be repeated; None for other calls."""
    problems: list[Violation] = field(default_factory=list)
    """What is wrong with the request so far: a method adds what it finds, and refuses all of it together."""
    answering: bool = False
    """Whether a frame of the answer, which is a stream, has been sent."""

    @property
    def remaining(self) -> timedelta | None:
        """How long the client will wait; None if it has set no deadline."""
        seconds: float | None = self.context.time_remaining()
        return None if seconds is None else timedelta(seconds=seconds)

    def write(self, frame: bytes) -> Awaitable[None]:
        """Send a serialized frame of a stream; await it before the next one, for back pressure."""
        self.answering = True
        return self.context.write(frame)

    def refuse_problems(self) -> None:
        """Raise InvalidRequest if there is any problem."""
        if self.problems:
            raise InvalidRequest(self.problems)
