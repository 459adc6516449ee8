"""Shows watchers what the processes of their sessions use; nothing is measured while nobody watches."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from greenroomd.app.ports.resource_usage import Measure
from greenroomd.app.supervision.registry import Supervisors
from greenroomd.app.watch.audience import Audience
from greenroomd.domain.event_payloads import StatsNoted
from greenroomd.domain.events import Event, EventType

EVERY: Final = timedelta(seconds=5)
"""How long it is from one measurement to the next."""

SHORTEST: Final = timedelta(milliseconds=500)
"""How long it is at least, when more watchers come: each gets its first measurement soon."""


async def show_stats(supervisors: Supervisors, audience: Audience, measure: Measure) -> None:
    """Measure the processes of watched sessions at intervals, and show each session its own; never returns."""
    while True:
        await audience.present()
        await _show_once(supervisors, audience, measure)
        await asyncio.sleep(SHORTEST.total_seconds())
        await audience.newcomer(EVERY - SHORTEST)


async def _show_once(supervisors: Supervisors, audience: Audience, measure: Measure) -> None:
    watched = {
        pid: session
        for pid, session in supervisors.running().items()
        if audience.watches(session.session_id, session.workspace_id)
    }
    if not watched:
        return
    at = supervisors.node.now()
    for pid, usage in (await measure(watched.keys())).items():
        payload = StatsNoted(
            memory_bytes=usage.memory_bytes, cpu_time=usage.cpu_time, process_count=usage.process_count
        )
        session = watched[pid]
        event = Event(type=EventType.PROCESS_STATS, time=at, turn_id=session.current_turn_id, payload=payload)
        supervisors.node.show([event], session)
