"""One RPC as a service's method sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from grpc.aio import ServicerContext

from greenroomd.app.commands import Caller
from greenroomd.app.ports.storage import Request
from greenroomd.domain.errors import InvalidRequest, Violation
from greenroomd.domain.principal import Principal

Context = ServicerContext[Any, Any]


@dataclass(slots=True)
class Call:
    """One RPC apart from its request message."""

    context: Context
    """gRPC's own view of the call."""
    principal: Principal
    """Who calls. While a call lasts, it is replaced if what the caller may do changes."""
    request: Request | None = None
    """The identity of a mutation that has a request_id; None for other calls."""
    problems: list[Violation] = field(default_factory=list)
    """The problems found in the request so far. A method adds its own, then refuses all of them together."""
    answering: bool = False
    """Whether a frame of a streamed answer has been sent."""
    when_regranted: Callable[[], None] | None = None
    """Is called after `principal` has been replaced; None: nobody waits for that."""

    @property
    def caller(self) -> Caller:
        """Who calls, for a use case."""
        return Caller(principal=self.principal.name)

    @property
    def visible(self) -> frozenset[str] | None:
        """The workspaces that the caller may see now; None: all."""
        return self.principal.grants.visible

    @property
    def remaining(self) -> timedelta | None:
        """The time left until the client's deadline; None if it has set none."""
        seconds: float | None = self.context.time_remaining()
        return None if seconds is None else timedelta(seconds=seconds)

    def write(self, frame: bytes) -> Awaitable[None]:
        """Send a serialized frame of a stream; await it before sending the next one, for back pressure."""
        self.answering = True
        return self.context.write(frame)

    def refuse_problems(self) -> None:
        """Raise InvalidRequest if there is any problem."""
        if self.problems:
            raise InvalidRequest(self.problems)
