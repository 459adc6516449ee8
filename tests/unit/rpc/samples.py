"""Sessions, turns, approvals and one event of every type, with something in every field."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from greenroomd.domain import event_payloads as payloads
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
from greenroomd.domain.enforcement import Enforcement, OptionReport
from greenroomd.domain.event_payloads import Payload
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.in_force import InForce
from greenroomd.domain.mcp import McpServer, McpStatus
from greenroomd.domain.plan_limit import LimitState, PlanLimit
from greenroomd.domain.session import LastExit, ProcessFacts, Recovery, Session
from greenroomd.domain.states import State
from greenroomd.domain.task import Task, TaskKind, TaskState
from greenroomd.domain.turn import CauseKind, Problem, Turn, TurnCause, TurnKind, TurnState

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
SESSION_ID = "5c6f0f4e-7a52-4d9e-9d0b-0c8a3f1e2d4b"
TURN_ID = "5a4dbb9a-6f9a-4d2f-8b0e-0a8c4a1b9d22"
REQUEST_ID = "0b7c5e2e-8f0e-4d0f-9a39-3f5d1f6f3c11"
STORE_ID = "c5c0f2a0-52e7-4c3c-8a55-2f2f5d1c7f10"

PROBLEM = Problem(
    reason="PROCESS_EXITED", message="claude died", exit_code=None, signal=9, stderr_tail="Killed"
)
USAGE = Usage(
    turns=2,
    input_tokens=10,
    output_tokens=20,
    cache_creation_tokens=30,
    cache_read_tokens=40,
    cost_usd=0.25,
    requests=5,
    estimated_cost_usd=0.125,
    incomplete=True,
)
LIMIT = PlanLimit(name="seven_day_opus", state=LimitState.WARNING, used=0.75, reset_time=NOON)
CONFIG = SessionConfig(
    working_dir="/srv/project",
    system_prompt="You are kind.",
    append_system_prompt="And brief.",
    model="sonnet",
    permission_mode=PermissionMode.ACCEPT_EDITS,
    effort=Effort.HIGH,
    max_thinking_tokens=4096,
    project_context=(ProjectContext.MEMORY, ProjectContext.SKILLS),
    home=HomeScope.WORKSPACE,
    max_turns=7,
    temperature=0.5,
    max_budget_usd=2.5,
    fallback_models=("haiku", "claude-opus-5-5"),
    allowed_tools=("Read", "Bash(git *)"),
    disallowed_tools=("WebFetch",),
    tool_timeout=timedelta(seconds=90),
    environment={"LANG": "C"},
    oauth_token_set=True,
    mcp_config={"mcpServers": {"calc": {"command": "calc", "args": ["-q", 1, 1.5, None, True]}}},
    settings={"includeCoAuthoredBy": False},
    mcp_connect_timeout=timedelta(seconds=4),
    required_mcp_servers=("calc",),
    limits=Limits(
        memory_bytes=2**29,
        cpu_cores=1.5,
        max_duration=timedelta(hours=1),
        idle_timeout=timedelta(minutes=5),
        turn_timeout=timedelta(minutes=2),
        output_bytes=10**7,
        background_grace=timedelta(minutes=3),
    ),
    recovery=RecoveryPolicy(
        mode=RecoveryMode.ON_CRASH,
        max_restarts=3,
        window=timedelta(seconds=30),
        first_backoff=timedelta(milliseconds=500),
        max_backoff=timedelta(seconds=20),
    ),
    on_idle=OnIdle.KEEP,
    approval_policy=ApprovalPolicy.DENY,
)
SESSION = Session(
    session_id=SESSION_ID,
    workspace_id="team-a",
    user_id="ada",
    profile_id="reviewer",
    display_name="Ada's review",
    labels={"team": "core"},
    metadata={"ticket": 17, "nested": {"list": [1, "two", None, 2.5]}},
    config=CONFIG,
    config_generation=2,
    observed_config_generation=1,
    config_report=(OptionReport("limits.cpu", Enforcement.UNSUPPORTED, "no cgroup"),),
    in_force=InForce(model="claude-sonnet-5-5", permission_mode=PermissionMode.ACCEPT_EDITS),
    state=State.ERROR,
    state_reason="LOST",
    state_time=NOON,
    error=PROBLEM,
    recovery=Recovery(attempt=1, max_attempts=3, next_attempt_time=NOON, recoverable=True),
    process=ProcessFacts(
        node_id="node",
        start_time=NOON,
        cli_version="2.1.330",
        from_warm_pool=True,
        restart_count=1,
        capabilities_etag="0123456789abcdef",
        last_exit=LastExit(code=None, signal=9, time=NOON, memory_limit_hit=True),
    ),
    cli_session_id=SESSION_ID,
    current_turn_id=TURN_ID,
    turn_count=3,
    background_task_count=1,
    lost_task_ids=("b1",),
    usage=USAGE,
    running_usage=Usage(requests=1, input_tokens=70, cost_usd=0.5),
    plan_limits=(LIMIT,),
    create_time=NOON,
    update_time=NOON + timedelta(seconds=1),
    last_active_time=NOON + timedelta(seconds=2),
    close_time=NOON + timedelta(seconds=3),
    version=4,
    last_sequence=12,
    revision=345,
)
TURN = Turn(
    turn_id=TURN_ID,
    session_id=SESSION_ID,
    number=3,
    state=TurnState.FAILED,
    prompt="go",
    content=({"type": "text", "text": "go"},),
    timeout=timedelta(minutes=1),
    request_id=REQUEST_ID,
    actor="ada",
    kind=TurnKind.UNPROMPTED,
    cause=TurnCause(kind=CauseKind.TASK, task_id="b1"),
    rounds=2,
    result_text="gone",
    stop_reason="end_turn",
    usage=USAGE,
    error=PROBLEM,
    side_effects_unknown=True,
    plan_limits=(LIMIT,),
    models=("claude-opus-5-5", "claude-haiku-5-5"),
    create_time=NOON,
    start_time=NOON,
    end_time=NOON,
)
TASK = Task(
    task_id="b1",
    session_id=SESSION_ID,
    turn_id=TURN_ID,
    kind=TaskKind.TIMER,
    state=TaskState.COMPLETED,
    description="look again",
    schedule="30 9 * * 1",
    recurring=True,
    next_time=NOON,
    tool_use_id="toolu_1",
    parent_task_id="a1",
    summary="looked",
    create_time=NOON,
    end_time=NOON,
)
APPROVAL = Approval(
    approval_id="ask-1",
    session_id=SESSION_ID,
    turn_id=TURN_ID,
    state=ApprovalState.ALLOWED,
    tool_name="Bash",
    tool_use_id="toolu_1",
    tool_input={"command": "ls", "timeout": 5},
    display_name="Shell",
    description="list files",
    blocked_path="/etc",
    suggestions=({"type": "addRules"},),
    requires_user_interaction=True,
    create_time=NOON,
    expire_time=NOON,
    decide_time=NOON,
    decided_by="ada",
    message="fine",
    updated_input={"command": "ls -l"},
)
MESSAGE = payloads.MessageNoted(
    blocks=(
        {"type": "text", "text": "hello"},
        {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}},
    ),
    raw=b'{"type":"assistant"}',
    message_id="msg_1",
    model="sonnet",
    parent_tool_use_id="toolu_0",
    synthetic=True,
)
DELTA = payloads.DeltaNoted(text="he", block_index=1, message_id="msg_1", parent_tool_use_id="toolu_0")

PAYLOADS: dict[EventType, Payload] = {
    **dict.fromkeys(
        (
            EventType.SESSION_CREATED,
            EventType.SESSION_STARTED,
            EventType.SESSION_SUSPENDED,
            EventType.SESSION_RESUMED,
            EventType.SESSION_RESTARTED,
            EventType.SESSION_CLOSED,
            EventType.SESSION_DELETED,
            EventType.SESSION_ERROR,
        ),
        payloads.SessionNoted(session=SESSION),
    ),
    EventType.SESSION_STATE_CHANGED: payloads.StateChanged(
        from_state="active", to_state="error", reason="LOST", error=PROBLEM
    ),
    EventType.SESSION_UPDATED: payloads.SessionUpdated(session=SESSION, paths=("labels.team",)),
    EventType.SESSION_CONFIG_APPLIED: payloads.ConfigApplied(generation=2, restarted=True),
    EventType.SESSION_MODEL_CHANGED: payloads.ModelChanged(
        from_model="claude-opus-5-5", to_model="claude-sonnet-5-5", own=True
    ),
    EventType.SESSION_PERMISSION_MODE_CHANGED: payloads.PermissionModeChanged(
        from_mode=PermissionMode.PLAN, to_mode=PermissionMode.ACCEPT_EDITS, own=True
    ),
    EventType.SESSION_RECOVERY_SCHEDULED: payloads.RecoveryScheduled(attempt=1, max_attempts=3, at=NOON),
    EventType.SESSION_EXPIRING: payloads.Expiring(at=NOON),
    EventType.SESSION_LIMIT_REACHED: payloads.LimitReached(limit="limits.memory_bytes", detail="600 MiB"),
    EventType.SESSION_PLAN_LIMITS_CHANGED: payloads.PlanLimitsNoted(limits=(LIMIT,)),
    EventType.PROCESS_SPAWNED: payloads.ProcessSpawned(session=SESSION),
    EventType.PROCESS_READY: payloads.ProcessReady(session=SESSION, startup=timedelta(milliseconds=200)),
    EventType.PROCESS_EXITED: payloads.ProcessExited(
        node_id="node", pid=4711, code=None, signal=9, expected=False, stderr_tail="Killed"
    ),
    **dict.fromkeys(
        (
            EventType.TURN_QUEUED,
            EventType.TURN_STARTED,
            EventType.TURN_COMPLETED,
            EventType.TURN_FAILED,
            EventType.TURN_INTERRUPTED,
        ),
        payloads.TurnNoted(turn=TURN),
    ),
    **dict.fromkeys(
        (
            EventType.MESSAGE_USER,
            EventType.MESSAGE_ASSISTANT,
            EventType.MESSAGE_TOOL_USE,
            EventType.MESSAGE_TOOL_RESULT,
        ),
        MESSAGE,
    ),
    EventType.MESSAGE_SYSTEM: payloads.SystemMessage(type="system", subtype="init", raw=b'{"type":"system"}'),
    **dict.fromkeys(
        (
            EventType.APPROVAL_REQUESTED,
            EventType.APPROVAL_DECIDED,
            EventType.APPROVAL_EXPIRED,
            EventType.APPROVAL_CANCELLED,
        ),
        payloads.ApprovalNoted(approval=APPROVAL),
    ),
    **dict.fromkeys(
        (EventType.TASK_STARTED, EventType.TASK_UPDATED, EventType.TASK_ENDED),
        payloads.TaskNoted(task=TASK),
    ),
    **dict.fromkeys(
        (EventType.MESSAGE_DELTA, EventType.THINKING_DELTA),
        DELTA,
    ),
    EventType.MESSAGE_RETRACTED: payloads.MessageRetracted(message_id="msg_1", parent_tool_use_id="toolu_0"),
    EventType.TOOL_INPUT_DELTA: payloads.ToolInputNoted(
        partial_json='{"comm',
        tool_use_id="toolu_1",
        tool_name="Bash",
        block_index=1,
        message_id="msg_1",
        parent_tool_use_id="toolu_0",
    ),
    EventType.TOOL_OUTPUT_DELTA: payloads.ToolOutputNoted(tool_use_id="toolu_1", text="line 1"),
    EventType.TOOL_PROGRESS: payloads.ToolProgressNoted(
        tool_use_id="toolu_1", tool_name="Bash", elapsed=timedelta(seconds=30), parent_tool_use_id="toolu_0"
    ),
    EventType.SESSION_CAPABILITIES_CHANGED: payloads.CapabilitiesChanged(etag="0123456789abcdef"),
    EventType.MCP_SERVER_UPDATED: payloads.McpServerNoted(
        server=McpServer(
            name="calc",
            status=McpStatus.FAILED,
            error="Connection closed",
            reported_name="calc",
            reported_version="1",
            tools=("mcp__calc__add",),
        ),
        required=True,
    ),
    EventType.PROCESS_STDERR: payloads.StderrNoted(text="warning"),
    EventType.PROCESS_STATS: payloads.StatsNoted(
        memory_bytes=2**28, cpu_time=timedelta(seconds=1.5), process_count=3
    ),
}


def an_event(type: EventType, payload: Payload | None = None) -> Event:
    """Return an event of a type."""
    return Event(
        type=type,
        time=NOON,
        payload=payload or PAYLOADS[type],
        turn_id=TURN_ID,
        actor="ada",
        request_id=REQUEST_ID,
    )


def a_message(text: str, raw: bytes = b"") -> Event:
    """Return an assistant's message with one text."""
    noted = replace(MESSAGE, blocks=({"type": "text", "text": text},), raw=raw)
    return an_event(EventType.MESSAGE_ASSISTANT, noted)
