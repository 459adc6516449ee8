"""The error of a method that the contract has and this server has not."""

from __future__ import annotations

from greenroomd.domain.errors import GreenroomError


class Unimplemented(GreenroomError):
    """This version of the server does not implement the method."""

    def __init__(self, method: str) -> None:
        super().__init__(f"{method} is part of the contract; this version of the server does not have it yet")
        self.method = method
