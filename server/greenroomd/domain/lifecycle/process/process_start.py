"""How a session gets a process: slot, start, handshake, and a change of its configuration. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from greenroomd.domain.capabilities import NOTHING_OFFERED, Capabilities
from greenroomd.domain.config import PermissionMode, SessionConfig
from greenroomd.domain.decision.step import Step
from greenroomd.domain.enforcement import OptionReport, report
from greenroomd.domain.event_payloads import (
    ConfigApplied,
    Payload,
    ProcessReady,
    ProcessSpawned,
    SessionNoted,
)
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.lifecycle import book, mode_tracking, reconfiguration, turn_queue
from greenroomd.domain.lifecycle.background_work import background_grace, timers
from greenroomd.domain.lifecycle.limits import budget
from greenroomd.domain.lifecycle.process import capability_tracking, crash_recovery, mcp_tracking
from greenroomd.domain.mcp import NO_MCP_SERVERS
from greenroomd.domain.session import ProcessFacts
from greenroomd.domain.states import Signal, State


def slot_granted(step: Step) -> None:
    """Handle the grant of a slot: a session that waited for it leaves CREATED."""
    if step.live.ending is not None:  # it has been told to stop waiting
        return
    if step.session.state is State.CREATED:
        step.transition(Signal.START)
    elif step.session.state is State.INITIALIZING and step.session.state_reason:
        step.update_session(state_reason="")


def spawned(
    step: Step,
    facts: ProcessFacts,
    config: SessionConfig,
    generation: int,
    enforcement: Sequence[OptionReport] = (),
    conversation: str = "",
) -> None:
    """Handle the start of the process with this generation of the config; `enforcement` is that of its host.

    `conversation` is the CLI's id of the process's conversation; "" keeps the session's.
    """
    if conversation:
        step.update_session(cli_session_id=conversation)
    newest = generation == step.session.config_generation
    step.update_live(running=True, busy=False, resetting=False, agents=frozenset())
    # A token that came during the start is not this process's.
    step.update_live(renew_process=step.live.renew_process and not newest)
    step.update_live(
        running_config=config,
        running_generation=generation,
        reconfiguring=False,
        mcp=NO_MCP_SERVERS,
        tools=(),
    )
    book.open_bill(step)
    step.update_live(follow_config=step.live.follow_config and not newest, enforcement=enforcement)
    step.update_session(process=facts, config_report=report(config, enforcement))
    _emit(step, EventType.PROCESS_SPAWNED, ProcessSpawned(session=step.session))


def ready(
    step: Step,
    *,
    cli_version: str,
    startup: timedelta,
    model: str = "",
    mode: PermissionMode | None = None,
    capabilities: Capabilities = NOTHING_OFFERED,
) -> None:
    """Handle the handshake, which says what is in force and can be chosen: the session is ready, and turns begin."""
    if step.live.ending is not None:  # it has been told to end
        return
    generation = step.live.running_generation
    first, followed = generation == 1, generation == step.session.observed_config_generation
    seen_before = step.session.observed_config_generation > 0
    restarted = step.live.restarting
    step.update_live(launching=False, heard_at=step.moment, restarting="")
    background_grace.begin(step)
    timers.schedule_again(step)
    crash_recovery.succeeded(step)
    step.transition(Signal.HANDSHAKE, reason=restarted)
    step.update_session(
        process=replace(step.session.process, cli_version=cli_version),
        observed_config_generation=generation,
    )
    mode_tracking.note(step, model=model, mode=mode)
    capability_tracking.offered(step, capabilities)
    _emit(step, EventType.PROCESS_READY, ProcessReady(session=step.session, startup=startup))
    headline = EventType.SESSION_RESUMED if seen_before else EventType.SESSION_STARTED
    _emit(step, EventType.SESSION_RESTARTED if restarted else headline, SessionNoted(session=step.session))
    if not first and not followed:
        _emit(step, EventType.SESSION_CONFIG_APPLIED, ConfigApplied(generation=generation, restarted=True))
    budget.enforce(step)  # the budget may have been lowered in the meantime
    mcp_tracking.begin(step)
    reconfiguration.follow(step)
    turn_queue.begin_next(step)


def reconfigured(
    step: Step,
    config: SessionConfig,
    generation: int,
    model: str = "",
    mode: PermissionMode | None = None,
) -> None:
    """Handle a change of options that the running process has accepted; it says what is in force now."""
    if step.live.running:
        mode_tracking.note(step, model=model, mode=mode)
        reconfiguration.applied(step, config, generation)
        turn_queue.begin_next(step)


def _emit(step: Step, kind: EventType, payload: Payload) -> None:
    step.emit(Event(type=kind, time=step.at, turn_id=step.session.current_turn_id, payload=payload))
