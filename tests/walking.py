"""A client that does at random what clients do to sessions, and compares every answer with what the model allows."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc.aio
import psutil
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2

from fake_cli.installed import turn
from greenroom.v1 import session_pb2
from greenroom.v1.session_pb2 import Session, SessionState
from greenroom.v1.session_service_pb2 import (
    CloseSessionRequest,
    CreateSessionRequest,
    DeleteSessionRequest,
    GetSessionRequest,
    ListSessionsRequest,
    RestartSessionRequest,
    ResumeSessionRequest,
    StartMode,
    StartSessionRequest,
    SuspendSessionRequest,
    UpdateSessionRequest,
    WaitSessionRequest,
)
from greenroom.v1.task_pb2 import TASK_STATE_RUNNING
from greenroom.v1.turn_pb2 import APPROVAL_STATE_PENDING, TURN_STATE_COMPLETED
from greenroom.v1.turn_service_pb2 import (
    APPROVAL_DECISION_ALLOW,
    APPROVAL_DECISION_DENY,
    IF_BUSY_QUEUE,
    IF_BUSY_REJECT,
    DecideApprovalRequest,
    GetTurnRequest,
    InterruptTurnRequest,
    ListApprovalsRequest,
    ListTasksRequest,
    RunTurnRequest,
    StartTurnRequest,
    StopTaskRequest,
)
from greenroom_server import GreenroomServer
from greenroomd.domain.states import State
from observation import Recording, whole_history
from session_model import ILLEGAL, OK, SessionModel
from story import TURN_ENDS, detail_of, working

WORKSPACES = ("one", "two")
FATAL: tuple[Mapping[str, Any], ...] = (
    {"exit": 3},
    {"kill": 9},
    {"half_line": True},
    {"session": str(uuid.UUID(int=7))},
    {"background": {"lasts": 0.05, "then": {"exit": 3}}},
    {"background": {"lasts": 30}, "kill": 9},
)
ASKING: Mapping[str, Any] = {"ask": {"name": "Bash", "input": {"command": "make"}}}
HARMLESS: tuple[Mapping[str, Any], ...] = (
    {},
    {"events": 20},
    {"wait": 0.05},
    {"wait": 0.3},
    {"garbage": "not json"},
    {"bytes": 300_000},
    ASKING,
)
BEHIND: tuple[Mapping[str, Any], ...] = (
    {"background": {"lasts": 0}},
    {"background": {"lasts": 0.05}},
    {"background": {"lasts": 0.1, "then": {"wait": 0.1, "events": 3}}, "wait": 0.05},
    {"background": {"lasts": 0.05, "then": ASKING}},
    {"background": {"lasts": 0.05, "then": {"background": {"lasts": 0.1}}}},
    {"background": {"lasts": 30}},
)


class Walker:
    """Has one session at a time, and a new one once that is closed; all its choices come from *chance*.

    It calls *goes_on* after each of its commands.
    """

    def __init__(
        self,
        server: GreenroomServer,
        recording: Recording,
        chance: random.Random,
        number: int,
        goes_on: Callable[[], None],
    ) -> None:
        self._server = server
        self._recording = recording
        self._chance = chance
        self._goes_on = goes_on
        self._robust = number % 2 == 0
        self._workspace = WORKSPACES[number % len(WORKSPACES)]
        self.models: list[SessionModel] = []
        self.counts: Counter[str] = Counter()

    @property
    def model(self) -> SessionModel:
        """What is known of the present session."""
        return self.models[-1]

    async def walk(self, commands: int) -> None:
        """Give so many commands."""
        await self.create()
        weights = self._commands()
        for _ in range(commands):
            (command,) = self._chance.choices(list(weights), list(weights.values()))
            self.counts[command.__name__] += 1
            try:
                await command()
            except AssertionError as error:
                error.add_note(f"in {command.__name__}, after {await self._last_moves()}")
                raise
            self._goes_on()
            if self.model.states == {State.CLOSED} and self._chance.random() < 0.5:
                await self.create()

    async def _last_moves(self) -> str:
        """Return the last events of the session but its messages, for whoever asks why the model was wrong."""
        events = await whole_history(self._server, self.model.session_id)
        moves = [event for event in events if not (event.WhichOneof("payload") or "").startswith("message")]
        return "\n".join(str(event)[:1000] for event in moves[-12:])

    def _commands(self) -> Mapping[Callable[[], Awaitable[None]], int]:
        """Return what it does, and how often in about two hundred."""
        mild: dict[Callable[[], Awaitable[None]], int] = {
            self.look: 50,
            self.wait: 20,
            self.start_turn: 20,
            self.queue_turn: 8,
            self.work_behind: 12,
            self.repeat_turn: 4,
            self.run_turn: 5,
            self.interrupt: 10,
            self.decide: 12,
            self.stop_task: 5,
            self.rename: 25,
            self.reconfigure: 3,
            self.suspend: 5,
            self.resume: 8,
            self.start: 8,
            self.restart: 3,
            self.close: 3,
            self.delete: 3,
            self.ask_nonsense: 20,
        }
        return mild if self._robust else {**mild, self.fatal_turn: 4, self.kill: 3}

    async def create(self) -> None:
        """Make a session, with a process or without one."""
        auto = self._chance.random() < 0.7
        request = CreateSessionRequest(
            workspace_id=self._workspace,
            config=working(self._server),
            start_mode=StartMode.START_MODE_AUTO if auto else StartMode.START_MODE_MANUAL,
            request_id=self._uuid(),
        )
        session = (await self._server.sessions.CreateSession(request)).session
        repeated = (await self._server.sessions.CreateSession(request)).session
        assert repeated.session_id == session.session_id
        self._recording.created.add(session.session_id)
        self.models.append(
            SessionModel(session.session_id, self._workspace, frozenset({State.CREATED}), wanted=auto)
        )

    # Looking.

    async def look(self) -> None:
        """Get or list the session."""
        request = GetSessionRequest(session_id=self.model.session_id)
        if self._chance.random() < 0.8:
            await self._answer(self._server.sessions.GetSession(request), frozenset({OK}))
            return
        listing = ListSessionsRequest(workspace_id=self._workspace, page_size=5)
        page = await self._server.sessions.ListSessions(listing)
        assert {session.workspace_id for session in page.sessions} <= {self._workspace}

    async def wait(self) -> None:
        """Wait a moment for a state, or for the end of a turn."""
        request = WaitSessionRequest(session_id=self.model.session_id)
        request.timeout.FromMilliseconds(self._chance.choice((10, 50, 300)))
        turn_id = self._chance.choice(self.model.open_turns) if self.model.open_turns else ""
        if turn_id:
            request.turn_id = turn_id
        else:
            request.states.append(session_pb2.SESSION_STATE_IDLE)
        answer = await self._server.sessions.WaitSession(request)
        self._see(answer.session)
        if answer.matched and turn_id:
            self.model.ended(turn_id)
        elif answer.matched:
            assert answer.session.state == session_pb2.SESSION_STATE_IDLE

    # Turns.

    async def start_turn(self) -> None:
        """Start a turn unless another is open."""
        await self._start(self._chance.choice(HARMLESS), queue=False)

    async def queue_turn(self) -> None:
        """Start a turn, or a few, that may wait."""
        for _ in range(self._chance.choice((1, 1, 1, 3, 18))):
            await self._start({}, queue=True)

    async def work_behind(self) -> None:
        """Start a turn that leaves work in the background."""
        await self._start(self._chance.choice(BEHIND), queue=True)

    async def fatal_turn(self) -> None:
        """Start a turn in which the process fails."""
        self.model.frail = True
        await self._start(self._chance.choice(FATAL), queue=False)

    async def _start(self, script: Mapping[str, Any], *, queue: bool) -> StartTurnRequest:
        self.model.wakes |= "background" in script
        request = StartTurnRequest(
            session_id=self.model.session_id,
            prompt=turn(**script),
            if_busy=IF_BUSY_QUEUE if queue else IF_BUSY_REJECT,
            request_id=self._uuid(),
        )
        reply = await self._answer(self._server.turns.StartTurn(request), self.model.start_turn(queue=queue))
        if reply is not None:
            self._accept(reply.turn)
        return request

    async def repeat_turn(self) -> None:
        """Start a turn twice with one request id: it is one turn."""
        request = await self._start({}, queue=True)
        if (
            self.model.accepted_turns
            and self._recording.acknowledged[self.model.accepted_turns[-1]].request_id == request.request_id
        ):
            again = (await self._server.turns.StartTurn(request)).turn
            assert again.turn_id == self.model.accepted_turns[-1]

    async def run_turn(self) -> None:
        """Run a turn and see it end."""
        request = RunTurnRequest(
            session_id=self.model.session_id, prompt=turn(events=3, pieces=4), include_ephemeral=True
        )
        allowed = self.model.start_turn(queue=False)
        try:
            types = []
            pieces = 0
            async for frame in self._server.turns.RunTurn(request):
                types += [event.type for event in frame.events]
                pieces += sum(event.HasField("message_delta") for event in frame.events)
                for event in frame.events:
                    if event.HasField("turn_queued"):
                        self._accept(event.turn_queued.turn)
                if frame.HasField("turn"):
                    assert sum(kind in TURN_ENDS for kind in types) == 1
                    assert frame.turn.HasField("end_time")
                    assert pieces == 4 or frame.turn.state != TURN_STATE_COMPLETED, f"{pieces} of 4 pieces"
                    self.model.ended(frame.turn.turn_id)
        except grpc.aio.AioRpcError as error:
            self._refused(error, allowed)

    async def interrupt(self) -> None:
        """Interrupt what runs, or one turn of those that may be open."""
        request = InterruptTurnRequest(session_id=self.model.session_id)
        allowed = self.model.interrupt()
        if self.model.open_turns and self._chance.random() < 0.5:
            request.turn_id = self._chance.choice(self.model.open_turns)
            allowed = frozenset({OK, "TURN_NOT_FOUND", "NO_TURN_RUNNING"})  # it may have ended
        reply = await self._answer(self._server.turns.InterruptTurn(request), allowed)
        if reply is not None and reply.turn.HasField("end_time"):
            self.model.ended(reply.turn.turn_id)

    async def decide(self) -> None:
        """Answer a question, if one is open."""
        listing = ListApprovalsRequest(session_id=self.model.session_id, states=[APPROVAL_STATE_PENDING])
        for approval in (await self._server.turns.ListApprovals(listing)).approvals:
            decision = self._chance.choice((APPROVAL_DECISION_ALLOW, APPROVAL_DECISION_DENY))
            request = DecideApprovalRequest(approval_id=approval.approval_id, decision=decision)
            await self._answer(
                self._server.turns.DecideApproval(request), frozenset({OK, "APPROVAL_DECIDED"})
            )

    async def stop_task(self) -> None:
        """Stop what works in the background, if something does."""
        listing = ListTasksRequest(session_id=self.model.session_id, states=[TASK_STATE_RUNNING])
        for task in (await self._server.turns.ListTasks(listing)).tasks:
            request = StopTaskRequest(session_id=self.model.session_id, task_id=task.task_id)
            await self._answer(self._server.turns.StopTask(request), frozenset({OK, "TASK_ENDED"}))

    # The session.

    async def rename(self) -> None:
        """Change the display name."""
        name = f"name {self._chance.random()}"
        session = Session(session_id=self.model.session_id, display_name=name)
        request = UpdateSessionRequest(session=session, update_mask=FieldMask(paths=["display_name"]))
        if await self._answer(self._server.sessions.UpdateSession(request), frozenset({OK})) is not None:
            self.model.display_name = name

    async def reconfigure(self) -> None:
        """Change the configuration: the model on the live process, the number of rounds by a restart."""
        path = self._chance.choice(("model", "max_turns"))
        session = Session(session_id=self.model.session_id)
        session.config.model, session.config.max_turns = (
            self._chance.choice(("haiku", "opus")),
            self._chance.randrange(1, 99),
        )
        request = UpdateSessionRequest(session=session, update_mask=FieldMask(paths=[f"config.{path}"]))
        self.model.reconfigured = True
        await self._answer(self._server.sessions.UpdateSession(request), frozenset({OK}))

    async def suspend(self) -> None:
        """End the process."""
        force = self._chance.random() < 0.5
        request = SuspendSessionRequest(session_id=self.model.session_id, force=force)
        await self._answer(
            self._server.sessions.SuspendSession(request), self.model.suspend(force=force), State.SUSPENDED
        )

    async def resume(self) -> None:
        """Start the process of a suspended session."""
        request = ResumeSessionRequest(session_id=self.model.session_id)
        await self._answer(
            self._server.sessions.ResumeSession(request), self.model.resume(), State.INITIALIZING
        )

    async def start(self) -> None:
        """Start a session that never ran or has failed."""
        request = StartSessionRequest(session_id=self.model.session_id)
        await self._answer(
            self._server.sessions.StartSession(request), self.model.start(), State.INITIALIZING
        )

    async def restart(self) -> None:
        """Change the process for another."""
        force = self._chance.random() < 0.5
        request = RestartSessionRequest(session_id=self.model.session_id, force=force)
        allowed = self.model.restart(force=force)
        self.model.reconfigured = True  # it may begin anew from now on
        await self._answer(self._server.sessions.RestartSession(request), allowed, State.INITIALIZING)

    async def close(self) -> None:
        """End the session for good."""
        request = CloseSessionRequest(session_id=self.model.session_id, force=self._chance.random() < 0.5)
        reply = await self._answer(self._server.sessions.CloseSession(request), frozenset({OK}), State.CLOSED)
        assert reply is not None
        assert reply.session.state == session_pb2.SESSION_STATE_CLOSED

    async def delete(self) -> None:
        """Remove the session if it is closed, and make another."""
        request = DeleteSessionRequest(session_id=self.model.session_id)
        now = self.model.may_be()
        allowed = {OK} if State.CLOSED in now else set()
        allowed |= {ILLEGAL} if now - {State.CLOSED} else set()
        if await self._answer(self._server.sessions.DeleteSession(request), frozenset(allowed)) is not None:
            self._recording.deleted.add(self.model.session_id)
            await self.create()

    async def kill(self) -> None:
        """Kill the process from outside."""
        session = (
            await self._server.sessions.GetSession(GetSessionRequest(session_id=self.model.session_id))
        ).session
        if session.process.pid:
            self.model.frail = True
            try:
                process = psutil.Process(session.process.pid)
                if process.ppid() == self._server.pid:
                    process.kill()
            except psutil.NoSuchProcess:
                pass

    async def ask_nonsense(self) -> None:
        """Send what cannot be meant; the session does not notice."""
        sessions, turns, unknown = self._server.sessions, self._server.turns, self._uuid()
        call, reason = self._chance.choice(
            (
                (lambda: sessions.GetSession(GetSessionRequest(session_id=unknown)), "SESSION_NOT_FOUND"),
                (lambda: turns.GetTurn(GetTurnRequest(turn_id=unknown)), "TURN_NOT_FOUND"),
                (
                    lambda: turns.DecideApproval(
                        DecideApprovalRequest(approval_id=unknown, decision=APPROVAL_DECISION_ALLOW)
                    ),
                    "APPROVAL_NOT_FOUND",
                ),
                (
                    lambda: turns.StartTurn(StartTurnRequest(session_id=self.model.session_id)),
                    "INVALID_FIELD",
                ),
                (
                    lambda: sessions.SuspendSession(
                        SuspendSessionRequest(session_id=self.model.session_id, etag="v-none")
                    ),
                    "ETAG_MISMATCH",
                ),
                (lambda: sessions.ListSessions(ListSessionsRequest(page_token="?")), "INVALID_PAGE_TOKEN"),
            )
        )
        assert await refused(call()) == reason

    async def come_to_rest(self) -> None:
        """Close every session that is not."""
        for model in self.models:
            if model.session_id not in self._recording.deleted:
                request = CloseSessionRequest(session_id=model.session_id, force=True)
                session = (await self._server.sessions.CloseSession(request)).session
                assert session.state == session_pb2.SESSION_STATE_CLOSED
                model.states = frozenset({State.CLOSED})
                self._goes_on()

    # What it makes of answers.

    def _accept(self, turn: Any) -> None:
        self._recording.acknowledged[turn.turn_id] = turn
        self.model.accepted(turn.turn_id)

    async def _answer(self, call: Awaitable[Any], allowed: frozenset[str], *becomes: State) -> Any:
        """Return the answer, None for an allowed refusal; AssertionError for anything that the model excludes."""
        try:
            reply = await call
        except grpc.aio.AioRpcError as error:
            self._refused(error, allowed)
            return None
        assert OK in allowed, f"{self.model} allows {allowed}, and got {reply}"
        if becomes:
            self.model.becomes(*becomes)
        if hasattr(reply, "session"):
            self._see(reply.session)
        return reply

    def _refused(self, error: grpc.aio.AioRpcError, allowed: frozenset[str]) -> None:
        reason = reason_of(error)
        assert reason in allowed, f"{self.model} allows {allowed}, and got {error.details()}"

    def _see(self, session: Session) -> None:
        state = State(SessionState.Name(session.state).removeprefix("SESSION_STATE_").lower())
        self.model.seen_in(state)

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """Return the reason of a refusal, or the code of one without."""
    try:
        return detail_of(error, error_details_pb2.ErrorInfo()).reason
    except (KeyError, AssertionError):
        return f"{error.code().name}: {error.details()}"


async def refused(call: Awaitable[Any]) -> str:
    """Return the reason for which a call is refused."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return reason_of(error)
    return OK
