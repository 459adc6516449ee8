"""How a session follows what can be chosen in it. Pure: each function decides within a step."""

from __future__ import annotations

from dataclasses import replace

from greenroomd.domain.capabilities import Capabilities, with_etag
from greenroomd.domain.decision.step import Step
from greenroomd.domain.event_payloads import CapabilitiesChanged
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.frames.frame import Frame
from greenroomd.domain.frames.setting_frames import CommandsChanged, TurnInitialized


def offered(step: Step, capabilities: Capabilities) -> None:
    """Note what the process offers now, and tell it if that is not what the session was offered before."""
    before, etag = step.session.process.capabilities_etag, capabilities.etag
    step.update_live(capabilities=capabilities)
    if etag == before:
        return
    step.update_session(process=replace(step.session.process, capabilities_etag=etag))
    if before:
        payload = CapabilitiesChanged(etag=etag)
        step.emit(Event(type=EventType.SESSION_CAPABILITIES_CHANGED, time=step.at, payload=payload))


def follow(step: Step, frame: Frame) -> None:
    """Note the tools that a turn begins with, and commands that have changed."""
    if isinstance(frame, TurnInitialized):
        tools = tuple(tool for tool in frame.tools if not tool.startswith("mcp__"))
        if tools and tools != step.live.tools:
            step.update_live(tools=tools)
    elif isinstance(frame, CommandsChanged):
        offered(step, with_etag(replace(step.live.capabilities, commands=frame.commands)))
