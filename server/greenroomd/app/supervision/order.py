"""What a caller wants a session to do, on its way to the session's owner."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from greenroomd.app.commands import Change
from greenroomd.domain.decision.step import Step
from greenroomd.domain.retryable_errors import Draining
from greenroomd.domain.session import Session


@dataclass(frozen=True, slots=True)
class Order:
    """A caller's order: `act` decides within a step. The reply is the session after it and the result of `act`."""

    change: Change
    act: Callable[[Step], Any]
    reply: asyncio.Future[tuple[Session, Any]]

    def refuse(self) -> None:
        """Raise Draining in the caller, unless it has got an answer: nobody will carry out the order."""
        if not self.reply.done():
            self.reply.set_exception(Draining("the session's owner has stopped; try again"))
