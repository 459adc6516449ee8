"""Records to rows and back: nothing is lost, whatever the values."""

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greenroomd.domain.approval import Approval
from greenroomd.domain.config import Limits, RecoveryPolicy, SessionConfig
from greenroomd.domain.costs.usage import Usage
from greenroomd.domain.session import LastExit, ProcessFacts, Recovery, Session
from greenroomd.domain.states import State
from greenroomd.domain.task import Task
from greenroomd.domain.turn import Problem, Turn
from greenroomd.store.schema.documents import config_of, config_text
from greenroomd.store.schema.rows import (
    approval_of,
    approval_row,
    turn_of,
    turn_row,
)
from greenroomd.store.schema.session_rows import label_rows, session_of, session_row
from greenroomd.store.schema.tables import approvals, labels, sessions, tasks, turns
from greenroomd.store.schema.task_rows import task_of, task_row

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(st.text(), json_values, max_size=3)
times = st.just(datetime.fromtimestamp(0, UTC)) | st.datetimes(timezones=st.just(UTC))
spans = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30))
floats = st.floats(allow_nan=False)

st.register_type_strategy(
    SessionConfig,
    st.builds(
        SessionConfig,
        mcp_config=st.none() | objects,
        settings=st.none() | objects,
        tool_timeout=st.none() | spans,
        temperature=st.none() | floats,
        max_budget_usd=st.none() | floats,
        limits=st.builds(
            Limits,
            cpu_cores=st.none() | floats,
            max_duration=st.none() | spans,
            idle_timeout=st.none() | spans,
            turn_timeout=st.none() | spans,
            background_grace=st.none() | spans,
        ),
        recovery=st.builds(RecoveryPolicy, window=spans, first_backoff=spans, max_backoff=spans),
    ),
)
usages = st.builds(Usage, cost_usd=floats, estimated_cost_usd=floats, incomplete=st.booleans())
problems = st.none() | st.builds(Problem)
exits = st.none() | st.builds(LastExit, time=times)
sessions_made = st.builds(
    Session,
    metadata=objects,
    state_time=times,
    error=problems,
    recovery=st.builds(Recovery, next_attempt_time=st.none() | times),
    process=st.builds(ProcessFacts, start_time=st.none() | times, last_exit=exits),
    usage=usages,
    running_usage=usages,
    create_time=times,
    update_time=times,
    last_active_time=times,
    close_time=st.none() | times,
    expiry_told=st.none() | times,
)
turns_made = st.builds(
    Turn,
    content=st.lists(objects, max_size=2).map(tuple),
    timeout=st.none() | spans,
    usage=usages,
    error=problems,
    create_time=times,
    start_time=st.none() | times,
    end_time=st.none() | times,
)
approvals_made = st.builds(
    Approval,
    tool_input=objects,
    updated_input=st.none() | objects,
    create_time=times,
    expire_time=times,
    decide_time=st.none() | times,
)
tasks_made = st.builds(Task, create_time=times, end_time=st.none() | times)
thorough = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@thorough
@given(sessions_made)
def test_a_session_survives(session: Session) -> None:
    row = (7, *session_row(session))
    assert len(row) == len(sessions.columns)
    assert session_of((*row, config_text(session.config))) == session


@thorough
@given(st.from_type(SessionConfig))
def test_a_config_survives(config: SessionConfig) -> None:
    text = config_text(config)
    assert text.isascii()
    assert config_of(text) == config


@thorough
@given(turns_made)
def test_a_turn_survives(turn: Turn) -> None:
    row = turn_row(7, turn)
    assert len(row) == len(turns.columns)
    assert turn_of(row) == turn


@thorough
@given(approvals_made)
def test_an_approval_survives(approval: Approval) -> None:
    row = approval_row(7, approval)
    assert len(row) == len(approvals.columns)
    assert approval_of(row) == approval


@thorough
@given(tasks_made)
def test_a_task_survives(task: Task) -> None:
    row = task_row(7, task)
    assert len(row) == len(tasks.columns)
    assert task_of(row) == task


@thorough
@given(sessions_made)
def test_labels_are_rows_of_their_session(session: Session) -> None:
    rows = label_rows(7, session)
    assert {row[1]: row[2] for row in rows} == session.labels
    assert all(row[0] == 7 and len(row) == len(labels.columns) for row in rows)


@thorough
@given(sessions_made)
def test_live_sessions_are_unsettled_and_ended_ones_are_not(session: Session) -> None:
    if session.live:
        assert session.unsettled
    if session.state in (State.CLOSED, State.SUSPENDED, State.ERROR):
        assert not session.unsettled
