"""Small sessions, turns and events, and a codec of JSON: what the store needs to be tested without a wire."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from greenroomd.app.ports.storage import EncodedEvent, Request, StoredEvent, Unit
from greenroomd.domain.approval import Approval, ApprovalState
from greenroomd.domain.config import (
    ApprovalPolicy,
    Effort,
    HomeScope,
    Limits,
    OnIdle,
    PermissionMode,
    ProjectContext,
    RecoveryMode,
    RecoveryPolicy,
    SessionConfig,
)
from greenroomd.domain.costs.usage import Usage
from greenroomd.domain.decision.transition import create
from greenroomd.domain.enforcement import Enforcement, OptionReport
from greenroomd.domain.event_payloads import DeltaNoted, MessageNoted
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.in_force import InForce
from greenroomd.domain.plan_limit import LimitState, PlanLimit
from greenroomd.domain.session import LastExit, ProcessFacts, Recovery, Session, StartMode
from greenroomd.domain.states import State
from greenroomd.domain.task import Task, TaskKind, TaskState
from greenroomd.domain.turn import Problem, Turn, TurnState

NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, tzinfo=UTC)
STREAMED_BYTES = 64 * 1024


class JsonCodec:
    """Events as JSON lines; the numbers are appended, as the real codec does it."""

    def encode(self, event: Event, session: Session) -> EncodedEvent:
        payload = event.payload
        said = payload.raw.decode() if isinstance(payload, MessageNoted) else ""
        if isinstance(payload, DeltaNoted):
            said = payload.text
        whole = json.dumps({"type": event.type, "session": session.session_id, "said": said}).encode()
        if len(whole) <= STREAMED_BYTES:
            return EncodedEvent(body=whole)
        return EncodedEvent(body=json.dumps({"type": event.type, "truncated": True}).encode(), whole=whole)

    def record(self, body: bytes, *, sequence: int, revision: int) -> bytes:
        return body + b"%d/%d\n" % (sequence, revision)

    def answer(self, method: str, unit: Unit, session: Session) -> bytes:
        return json.dumps([method, session.session_id, session.revision, len(unit.events)]).encode()


def new_session(created: datetime = NOON, **changes: Any) -> Session:
    """A session that was never stored."""
    session = Session(
        session_id=str(uuid.uuid4()),
        workspace_id="lab",
        config=SessionConfig(working_dir="/srv/work"),
        start_mode=StartMode.MANUAL,
        state_time=created,
        create_time=created,
        update_time=created,
        last_active_time=created,
        cli_session_id=str(uuid.uuid4()),
    )
    return replace(session, **changes)


def creation(session: Session, **changes: Any) -> Unit:
    """The unit that stores a session first."""
    return replace(Unit(session=session, events=create(session), configures=True), **changes)


def message(said: str = "", **changes: Any) -> Event:
    """A durable event."""
    payload = MessageNoted(blocks=(), raw=said.encode())
    return replace(Event(type=EventType.MESSAGE_ASSISTANT, time=NOON, payload=payload), **changes)


def saying(session: Session, *said: str) -> Unit:
    """A unit that adds messages to a session."""
    return Unit(session=session, events=[message(words) for words in said])


def new_turn(session: Session, number: int, state: TurnState = TurnState.QUEUED, **changes: Any) -> Turn:
    """A turn of a session."""
    turn = Turn(
        turn_id=str(uuid.uuid4()),
        session_id=session.session_id,
        number=number,
        state=state,
        prompt=f"prompt {number}",
        create_time=NOON + timedelta(seconds=number),
    )
    return replace(turn, **changes)


def new_request(fingerprint: bytes = b"same", **changes: Any) -> Request:
    """A mutation's identity, never seen before."""
    request = Request(
        principal="ann", method="CreateSession", request_id=str(uuid.uuid4()), fingerprint=fingerprint
    )
    return replace(request, **changes)


def said(records: Sequence[bytes]) -> list[str]:
    """What the messages of stream records say."""
    return [json.loads(record[: record.rindex(b"}") + 1])["said"] for record in records]


class Heard:
    """An `Announce` that remembers."""

    def __init__(self) -> None:
        self.events: list[StoredEvent] = []
        self.heads: list[int] = []

    def __call__(self, events: Sequence[StoredEvent], head: int) -> None:
        self.events.extend(events)
        self.heads.append(head)


def revisions(events: Sequence[StoredEvent]) -> list[int]:
    """The revisions of events."""
    return [event.revision for event in events]


def new_approval(session: Session, **changes: Any) -> Approval:
    """A pending question of a session."""
    approval = Approval(
        approval_id=str(uuid.uuid4()),
        session_id=session.session_id,
        turn_id="turn",
        state=ApprovalState.PENDING,
        tool_name="Bash",
        tool_use_id="toolu_1",
        tool_input={"command": "ls -l"},
        display_name="Shell",
        description="look around",
        blocked_path="/srv/elsewhere",
        suggestions=({"type": "setMode", "mode": "acceptEdits"},),
        requires_user_interaction=True,
        create_time=NOON,
        expire_time=NOON + timedelta(minutes=5),
    )
    return replace(approval, **changes)


def full_problem() -> Problem:
    """Return an error that knows everything that an error can know."""
    return Problem(
        reason="EXITED",
        message="gone",
        exit_code=3,
        signal=9,
        stderr_tail="…",
        facts={"api_status": "429"},
        retry_after=timedelta(seconds=1, microseconds=5),
    )


def full_limit() -> PlanLimit:
    """Return a limit of which everything is known."""
    return PlanLimit(name="five_hour", state=LimitState.WARNING, used=0.93, reset_time=NOON)


def new_task(session: Session, task_id: str, **changes: Any) -> Task:
    """A timer of a session, in which nothing is at its default."""
    task = Task(
        task_id=task_id,
        session_id=session.session_id,
        turn_id="turn",
        kind=TaskKind.TIMER,
        state=TaskState.SCHEDULED,
        description="a\0b",
        schedule="30 9 * * 1",
        recurring=True,
        next_time=NOON + timedelta(hours=1),
        tool_use_id="toolu_1",
        parent_task_id="a1",
        summary="so far",
        create_time=NOON,
    )
    return replace(task, **changes)


def full_session(**changes: Any) -> Session:
    """A session in which nothing is at its default but what the first commit demands."""
    later = [NOON + timedelta(seconds=second, microseconds=second) for second in range(10)]
    session = new_session(
        workspace_id="studio",
        user_id="ann",
        profile_id="reviewer",
        display_name="Ünïque",
        labels={"team": "red", "tier": ""},
        metadata={"ticket": 7, "deep": {"list": [1, None, True, 0.5]}},
        config=full_config(),
        observed_config_generation=1,
        start_mode=StartMode.AUTO,
        state=State.ERROR,
        state_reason="LIMIT",
        state_time=later[1],
        error=full_problem(),
        profile_token=True,
        plan_limits=(full_limit(), PlanLimit(name="seven_day", state=LimitState.ALLOWED)),
        recovery=Recovery(attempt=2, max_attempts=5, next_attempt_time=later[2], recoverable=True),
        process=ProcessFacts(
            node_id="n1",
            pid=4321,
            kernel_start=99,
            boot_id="boot",
            start_time=later[3],
            cli_version="2.1.0",
            from_warm_pool=True,
            restart_count=3,
            capabilities_etag="0123456789abcdef",
            last_exit=LastExit(code=None, signal=9, time=later[4], memory_limit_hit=True),
        ),
        config_report=(
            OptionReport("model", Enforcement.ENFORCED),
            OptionReport("limits.cpu", Enforcement.UNSUPPORTED, "no cgroup"),
        ),
        in_force=InForce(
            model="claude-opus-5-5",
            permission_mode=PermissionMode.PLAN,
            own_model="claude-sonnet-5-5",
            own_mode=PermissionMode.ACCEPT_EDITS,
            model_generation=2,
            mode_generation=3,
        ),
        conversation=True,
        current_turn_id="turn",
        turn_count=12,
        usage=Usage(
            turns=12,
            input_tokens=1,
            output_tokens=2,
            cache_creation_tokens=3,
            cache_read_tokens=4,
            cost_usd=0.1,
            requests=5,
            estimated_cost_usd=0.05,
            incomplete=True,
        ),
        running_usage=Usage(requests=1, output_tokens=7, cost_usd=0.2),
        create_time=later[0] - timedelta(days=1),
        update_time=later[5],
        last_active_time=later[6],
        close_time=later[7],
        expiry_told=later[8],
        background_task_count=2,
        lost_task_ids=("b1", "b2"),
        node_id="n1",
        fence=4,
    )
    return replace(session, **changes)


def full_config() -> SessionConfig:
    """A config in which nothing is at its default."""
    return SessionConfig(
        working_dir="/srv/other",
        system_prompt="Be brief.",
        append_system_prompt="And kind.",
        model="opus",
        fallback_models=("haiku", "sonnet"),
        permission_mode=PermissionMode.PLAN,
        effort=Effort.HIGH,
        max_thinking_tokens=4096,
        project_context=(ProjectContext.MEMORY, ProjectContext.SKILLS),
        home=HomeScope.WORKSPACE,
        max_turns=7,
        temperature=0.25,
        max_budget_usd=1.5,
        allowed_tools=("Read", "Bash(git *)"),
        disallowed_tools=("WebFetch",),
        tool_timeout=timedelta(seconds=90),
        environment={"LANG": "C", "EMPTY": ""},
        oauth_token_set=True,
        mcp_config={"servers": {"x": {"command": "y"}}},
        settings={"env": {"A": "1"}},
        limits=Limits(
            memory_bytes=2**33,
            cpu_cores=1.5,
            max_duration=timedelta(hours=1),
            idle_timeout=timedelta(minutes=2),
            turn_timeout=timedelta(minutes=3),
            output_bytes=10_000,
            background_grace=timedelta(minutes=4),
        ),
        recovery=RecoveryPolicy(
            mode=RecoveryMode.ON_CRASH,
            max_restarts=9,
            window=timedelta(seconds=61),
            first_backoff=timedelta(milliseconds=1500),
            max_backoff=timedelta(seconds=62),
        ),
        on_idle=OnIdle.CLOSE,
        approval_policy=ApprovalPolicy.DENY,
    )
