"""TurnService."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any, TypeVar

from greenroom.v1 import turn_service_pb2 as pb
from greenroomd.app.ports.storage import Page, Position
from greenroomd.app.usecases.turns import Turns
from greenroomd.app.watch.tail import Batch
from greenroomd.domain.approval import Approval
from greenroomd.domain.errors import CursorBelowFloor
from greenroomd.domain.task import Task
from greenroomd.domain.turn import Turn
from greenroomd.rpc.convert import requests
from greenroomd.rpc.convert.enums import APPROVAL_STATES, TASK_STATES
from greenroomd.rpc.convert.task_proto import task_message
from greenroomd.rpc.convert.times import microseconds
from greenroomd.rpc.convert.turn_proto import approval_message, turn_message
from greenroomd.rpc.page_answer import page_answer
from greenroomd.rpc.page_token import page_size, position_of
from greenroomd.rpc.rpc_context import Call
from greenroomd.rpc.stream.draining import UNDER_WAY, Drain

T = TypeVar("T")


class TurnService:
    """Gives prompts to sessions; the contract says what each method promises."""

    def __init__(self, turns: Turns, drain: Drain) -> None:
        self._turns = turns
        self._drain = drain
        self.on_replay: dict[str, Callable[[Any, bytes, Call], Any]] = {
            "RunTurn": self._run_again,
            "InterruptTurn": self._interrupted_before,
            "StopTask": self._stopped_before,
        }

    async def StartTurn(self, request: pb.StartTurnRequest, call: Call) -> pb.StartTurnResponse:
        """Give a session a prompt."""
        turn = await self._turns.start(requests.new_turn(request, call), call.caller)
        return pb.StartTurnResponse(turn=turn_message(turn))

    async def RunTurn(self, request: pb.RunTurnRequest, call: Call) -> None:
        """Give a session a prompt and stream the turn's events, and at last the turn."""
        new = requests.new_turn(request, call)
        await self._stream(self._turns.run(new, call.caller, ephemeral=request.include_ephemeral), call)

    async def InterruptTurn(self, request: pb.InterruptTurnRequest, call: Call) -> pb.InterruptTurnResponse:
        """Stop a turn."""
        turn = await self._turns.interrupt(requests.interrupt(request, call))
        return pb.InterruptTurnResponse(turn=turn_message(turn))

    async def GetTurn(self, request: pb.GetTurnRequest, call: Call) -> pb.GetTurnResponse:
        """Return a turn."""
        requests.required("turn_id", request.turn_id, call.problems)
        call.refuse_problems()
        turn = await self._turns.get(request.turn_id, request.session_id)
        return pb.GetTurnResponse(turn=turn_message(turn))

    async def ListTurns(self, request: pb.ListTurnsRequest, call: Call) -> bytes:
        """Return a page of a session's turns."""
        requests.required("session_id", request.session_id, call.problems)
        limit = page_size(request.page_size, call.problems)
        call.refuse_problems()
        after = position_of(request.page_token, request)
        page = await self._turns.list(request.session_id, after=after, limit=limit)
        return page_answer(page, request, turn_message, lambda turn: Position(turn.number, turn.turn_id))

    async def ListApprovals(self, request: pb.ListApprovalsRequest, call: Call) -> bytes:
        """Return a page of a session's approvals, only those in the named states if there are any."""
        requests.required("session_id", request.session_id, call.problems)
        limit = page_size(request.page_size, call.problems)
        states = APPROVAL_STATES.members(request.states, "states", call.problems)
        call.refuse_problems()
        after = position_of(request.page_token, request)
        page = await self._turns.approvals(request.session_id, after=after, limit=limit)
        if states:
            page = await _filtered(
                page,
                lambda approval: approval.state in states,
                lambda after: self._turns.approvals(request.session_id, after=after, limit=limit),
            )
        return page_answer(page, request, approval_message, _place)

    async def DecideApproval(
        self, request: pb.DecideApprovalRequest, call: Call
    ) -> pb.DecideApprovalResponse:
        """Decide an approval that the CLI asked for."""
        approval = await self._turns.decide(requests.decide(request, call))
        return pb.DecideApprovalResponse(approval=approval_message(approval))

    async def ListTasks(self, request: pb.ListTasksRequest, call: Call) -> bytes:
        """Return a page of a session's background tasks, only those in the named states if there are any."""
        requests.required("session_id", request.session_id, call.problems)
        limit = page_size(request.page_size, call.problems)
        states = TASK_STATES.members(request.states, "states", call.problems)
        call.refuse_problems()

        def following(after: Position | None) -> Awaitable[Page[Task]]:
            return self._turns.tasks(request.session_id, after=after, limit=limit)

        page = await following(position_of(request.page_token, request))
        if states:
            page = await _filtered(page, lambda task: task.state in states, following)
        return page_answer(page, request, task_message, _place_of_task)

    async def StopTask(self, request: pb.StopTaskRequest, call: Call) -> pb.StopTaskResponse:
        """Stop a background task."""
        task = await self._turns.stop_task(requests.stop_task(request, call))
        return pb.StopTaskResponse(task=task_message(task))

    async def _run_again(self, request: pb.RunTurnRequest, recorded: bytes, call: Call) -> None:
        """Stream the events of a turn that was started before; only the turn itself if its events are compacted."""
        first = pb.RunTurnResponse.FromString(recorded)
        turn = await self._turns.get(first.turn.turn_id, first.turn.session_id)
        with suppress(CursorBelowFloor):
            after = first.events[0].revision
            parts = self._turns.follow(turn, after=after, ephemeral=request.include_ephemeral)
            await self._stream(parts, call)
            return
        await call.write(pb.RunTurnResponse(turn=turn_message(turn)).SerializeToString())

    async def _interrupted_before(
        self, request: pb.InterruptTurnRequest, recorded: bytes, _call: Call
    ) -> pb.InterruptTurnResponse:
        """Return the turn that an earlier call interrupted, as it is now."""
        turn_id = pb.InterruptTurnResponse.FromString(recorded).turn.turn_id
        turn = await self._turns.get(turn_id, request.session_id)
        return pb.InterruptTurnResponse(turn=turn_message(turn))

    async def _stopped_before(
        self, request: pb.StopTaskRequest, _recorded: bytes, _call: Call
    ) -> pb.StopTaskResponse:
        """Return the task that an earlier call stopped, as it is now."""
        task = await self._turns.task(request.session_id, request.task_id)
        return pb.StopTaskResponse(task=task_message(task))

    async def _stream(self, parts: AsyncGenerator[Batch | Turn, None], call: Call) -> None:
        """Write a turn's events as frames. Raises Draining, which does not end the turn."""
        async with aclosing(parts):
            while (part := await self._drain.interruptible(anext(parts, None), grace=UNDER_WAY)) is not None:
                if isinstance(part, Turn):
                    await call.write(pb.RunTurnResponse(turn=turn_message(part)).SerializeToString())
                else:
                    await call.write(part.records)  # an empty frame if there are no events: nothing new yet


def _place(approval: Approval) -> Position:
    return Position(microseconds(approval.create_time), approval.approval_id)


def _place_of_task(task: Task) -> Position:
    return Position(microseconds(task.create_time), task.task_id)


async def _filtered(
    page: Page[T], wanted: Callable[[T], bool], following: Callable[[Position], Awaitable[Page[T]]]
) -> Page[T]:
    """Return the wanted items of a page, or of the first later page that has any."""
    while True:
        items = [item for item in page.items if wanted(item)]
        if items or page.next is None:
            return Page(items, page.next, page.revision)
        page = await following(page.next)
