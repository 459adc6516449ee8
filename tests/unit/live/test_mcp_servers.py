"""How a session follows the MCP servers of its process, and holds turns back that require one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from greenroomd.domain.decision.actions import LookAtMcpServers, ReconnectMcp, SayPrompt
from greenroomd.domain.errors import McpServerNotFound, NoProcess, TurnRunning
from greenroomd.domain.event_payloads import McpServerNoted
from greenroomd.domain.events import EventType
from greenroomd.domain.lifecycle import orders
from greenroomd.domain.lifecycle.process import mcp_tracking
from greenroomd.domain.mcp import McpServer, McpStatus
from greenroomd.domain.turn import TurnState
from unit.live import says
from unit.live.owner import Owner, an_owner

SECOND = timedelta(seconds=1)
CONNECTED, FAILED, PENDING = McpStatus.CONNECTED, McpStatus.FAILED, McpStatus.PENDING


def an_mcp_owner(*names: str, required: tuple[str, ...] = (), **config: Any) -> Owner:
    """Return the owner of a session that is ready, and whose process was just asked for its servers."""
    servers = {name: {"command": name} for name in names}
    config |= {"mcp_config": {"mcpServers": servers}, "required_mcp_servers": required}
    return Owner(config=config).launched()


def looks(owner: Owner) -> list[LookAtMcpServers]:
    """Return how often the process was to be asked since the last call, and forget all other actions."""
    return [action for action in owner.done() if isinstance(action, LookAtMcpServers)]


def answer(owner: Owner, **statuses: McpStatus | tuple[McpStatus, str]) -> None:
    """Have the process answer what it was asked."""
    said = [(name, each if isinstance(each, tuple) else (each, "")) for name, each in statuses.items()]
    servers = [McpServer(name=name, status=status, error=error) for name, (status, error) in said]
    owner.decide(lambda step: mcp_tracking.seen(step, servers))


def updates(owner: Owner) -> list[tuple[str, McpStatus, str]]:
    """Return what the events since the last call tell of servers."""
    noted = [event.payload for event in owner.events if isinstance(event.payload, McpServerNoted)]
    owner.events.clear()
    return [(each.server.name, each.server.status, each.server.error) for each in noted]


def states(owner: Owner) -> list[TurnState]:
    return [turn.state for turn in owner.turns.values()]


def test_a_session_without_servers_asks_nothing_and_has_no_deadline_for_it() -> None:
    plain = an_owner()
    assert not looks(plain.launched() if not plain.live.running else plain)
    assert plain.live.mcp.look_at is None
    plain.prompt()
    assert any(isinstance(action, SayPrompt) for action in plain.done())


def test_each_change_of_a_server_is_told_once() -> None:
    owner = an_mcp_owner("near", "far")
    assert len(looks(owner)) == 1
    answer(owner, near=PENDING, far=PENDING)
    assert updates(owner) == []
    owner.wait(SECOND)
    assert len(looks(owner)) == 1  # it is asked again only after it has answered
    answer(owner, near=CONNECTED, far=PENDING)
    assert updates(owner) == [("near", CONNECTED, "")]
    owner.wait(SECOND)
    answer(owner, near=CONNECTED, far=(FAILED, "Connection closed"))
    assert updates(owner) == [("far", FAILED, "Connection closed")]
    owner.done()
    owner.wait(10 * SECOND)
    assert not looks(owner)  # nothing is being connected any more


def test_the_process_is_asked_ever_more_rarely_and_never_about_what_has_settled() -> None:
    owner = an_mcp_owner("far", mcp_connect_timeout=timedelta(seconds=60))
    asked = 0
    for _ in range(300):
        asked += len(looks(owner))
        answer(owner, far=PENDING)
        owner.wait(SECOND / 10)
    assert 30 <= asked <= 40  # in 30 s


def test_a_server_that_stays_pending_fails_in_time() -> None:
    owner = an_mcp_owner("far", "unheard", mcp_connect_timeout=3 * SECOND)
    for _ in range(7):
        owner.wait(SECOND)
        answer(owner, far=PENDING)  # of the other one it never says anything
    assert updates(owner) == [
        ("far", FAILED, "it did not connect in time"),
        ("unheard", FAILED, "it did not connect in time"),
    ]
    assert owner.live.mcp.look_at is None


def test_no_turn_begins_before_the_first_answer_which_says_that_all_servers_were_told() -> None:
    owner = an_mcp_owner("near")
    owner.prompt()
    assert states(owner) == [TurnState.QUEUED]
    answer(owner, near=PENDING)
    assert states(owner) == [TurnState.RUNNING]


def test_a_process_that_does_not_answer_holds_no_turn_back_that_requires_nothing() -> None:
    owner = an_mcp_owner("near")
    owner.prompt()
    owner.decide(lambda step: mcp_tracking.seen(step, None))
    assert states(owner) == [TurnState.RUNNING]


def test_a_turn_waits_for_its_required_server_and_then_begins() -> None:
    owner = an_mcp_owner("near", "other", required=("near",))
    owner.prompt()
    answer(owner, near=PENDING, other=PENDING)
    assert states(owner) == [TurnState.QUEUED]
    owner.wait(SECOND)
    answer(owner, near=CONNECTED, other=PENDING)
    owner.wait(SECOND)
    answer(owner, near=CONNECTED, other=PENDING)
    assert states(owner) == [TurnState.RUNNING]


@pytest.mark.parametrize("status", [FAILED, McpStatus.NEEDS_AUTH, McpStatus.DISABLED, McpStatus.UNSPECIFIED])
def test_a_turn_whose_required_server_is_not_connected_fails_and_nothing_is_said(status: McpStatus) -> None:
    owner = an_mcp_owner("near", required=("near",))
    owner.prompt()
    owner.prompt("two", queue=True)
    for _ in range(4):
        answer(owner, near=(status, "no such program"))
    assert states(owner) == [TurnState.FAILED, TurnState.FAILED]
    errors = [turn.error for turn in owner.turns.values() if turn.error is not None]
    assert {error.reason for error in errors} == {"MCP_SERVER_UNAVAILABLE"}
    assert all("near: no such program" in error.message for error in errors)
    assert not any(turn.side_effects_unknown for turn in owner.turns.values())
    assert not any(isinstance(action, SayPrompt) for action in owner.done())
    assert owner.told().count(EventType.TURN_STARTED) == 0


def test_a_required_server_is_asked_for_anew_before_each_turn() -> None:
    owner = an_mcp_owner("near", required=("near",))
    answer(owner, near=CONNECTED)
    owner.prompt()
    answer(owner, near=CONNECTED)
    assert states(owner) == [TurnState.RUNNING]
    owner.says(says.result(owner.turn_id(1)), says.IDLE)
    owner.prompt()
    assert states(owner)[1] is TurnState.QUEUED
    answer(owner, near=(FAILED, "gone"))
    assert states(owner)[1] is TurnState.FAILED


def test_a_required_server_that_the_process_never_tells_of_fails_the_turn_in_time() -> None:
    owner = an_mcp_owner("near", required=("near",), mcp_connect_timeout=SECOND)
    owner.prompt()
    for _ in range(5):
        owner.decide(lambda step: mcp_tracking.seen(step, None))
        owner.wait(SECOND)
    assert states(owner) == [TurnState.FAILED]


def test_a_reconnection_is_told_and_what_the_process_said_before_does_not_end_it() -> None:
    owner = an_mcp_owner("near", mcp_connect_timeout=5 * SECOND)
    answer(owner, near=(FAILED, "Connection closed"))
    owner.forget()
    server = owner.decide(lambda step: mcp_tracking.reconnect(step, "near", actor="ann"))
    assert server.status is PENDING
    assert [event.actor for event in owner.events] == ["ann"]
    assert updates(owner) == [("near", PENDING, "")]
    (action,) = owner.done()
    assert isinstance(action, ReconnectMcp)
    assert owner.decide(lambda step: mcp_tracking.reconnect(step, "near")) == server
    assert not owner.done()  # it is under way
    answer(owner, near=(FAILED, "Connection closed"))
    assert updates(owner) == []
    owner.decide(lambda step: mcp_tracking.reconnected(step, "near"))
    assert len(looks(owner)) == 1
    answer(owner, near=CONNECTED)
    assert updates(owner) == [("near", CONNECTED, "")]


def test_a_turn_waits_for_a_required_server_that_is_being_reconnected() -> None:
    owner = an_mcp_owner("near", required=("near",))
    answer(owner, near=FAILED)
    owner.decide(lambda step: mcp_tracking.reconnect(step, "near"))
    owner.prompt()
    answer(owner, near=FAILED)
    assert states(owner) == [TurnState.QUEUED]
    owner.decide(lambda step: mcp_tracking.reconnected(step, "near"))
    answer(owner, near=CONNECTED)
    answer(owner, near=CONNECTED)  # the turn is one more reason to ask
    assert states(owner) == [TurnState.RUNNING]


def test_no_reconnection_during_a_turn_and_no_turn_during_a_reconnection() -> None:
    owner = an_mcp_owner("near")
    answer(owner, near=FAILED)
    owner.prompt()
    with pytest.raises(TurnRunning):
        owner.decide(lambda step: mcp_tracking.reconnect(step, "near"))
    owner.says(says.result(owner.turn_id(1)), says.IDLE)
    owner.decide(lambda step: mcp_tracking.reconnect(step, "near"))
    owner.prompt()
    assert states(owner)[1] is TurnState.QUEUED
    owner.decide(lambda step: mcp_tracking.reconnected(step, "near"))
    answer(owner, near=FAILED)
    assert states(owner)[1] is TurnState.RUNNING


def test_only_a_server_of_a_ready_process_can_be_reconnected() -> None:
    owner = an_mcp_owner("near")
    with pytest.raises(McpServerNotFound):
        owner.decide(lambda step: mcp_tracking.reconnect(step, "far"))
    owner.decide(orders.suspend)
    with pytest.raises(NoProcess):
        owner.decide(lambda step: mcp_tracking.reconnect(step, "near"))


def test_a_late_answer_of_an_earlier_process_changes_nothing() -> None:
    owner = an_mcp_owner("near")
    owner.decide(lambda step: mcp_tracking.reconnected(step, "near"))
    answer(owner, near=CONNECTED)
    before = owner.live.mcp
    answer(owner, near=FAILED)  # nobody asked
    assert owner.live.mcp == before
