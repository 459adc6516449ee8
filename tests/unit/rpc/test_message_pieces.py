"""Pieces of a message on a watch: they come to who asks for them, and who reads too slowly is told what it missed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from greenroom.v1 import event_pb2
from greenroom.v1.event_service_pb2 import WatchEventsRequest
from greenroom.v1.session_pb2 import Session
from greenroom.v1.session_service_pb2 import CloseSessionRequest
from greenroomd.domain.event_payloads import DeltaNoted
from greenroomd.domain.events import Event, EventType
from unit.rpc.conftest import Edge, running_edge

DELTA = event_pb2.EVENT_TYPE_MESSAGE_DELTA
CLOSED = event_pb2.EVENT_TYPE_SESSION_CLOSED
PIECE_BYTES = 1_000


async def show(edge: Edge, session: Session, *texts: str) -> None:
    """Show pieces of a message that a process writes; no watch comes to look between two of them."""
    notes = [DeltaNoted(text=text, block_index=0) for text in texts]
    pieces = [Event(type=EventType.MESSAGE_DELTA, time=datetime.now(UTC), payload=note) for note in notes]
    edge.node.show(pieces, await edge.store.session(session.session_id))


async def test_who_reads_too_slowly_is_told_how_much_it_missed(tmp_path: Path) -> None:
    total, at_once = 200, 50  # of which the tail holds fewer than 20
    async with running_edge(tmp_path, tail_bytes=20 * PIECE_BYTES) as edge:
        session = await edge.create()
        request = WatchEventsRequest(session_ids=[session.session_id], include_ephemeral=True)
        call = edge.events.WatchEvents(request, timeout=60)
        await call.initial_metadata()
        for first in range(0, total, at_once):
            numbers = range(first, first + at_once)
            await show(edge, session, *(f"{number:<{PIECE_BYTES}}" for number in numbers))
            await asyncio.sleep(0)  # the watch may look now
        await edge.sessions.CloseSession(CloseSessionRequest(session_id=session.session_id))

        pieces, dropped, over = list[int](), 0, False
        async for frame in call:
            dropped += frame.gap.dropped
            pieces += [int(event.message_delta.text) for event in frame.events if event.type == DELTA]
            if any(event.type == CLOSED for event in frame.events):
                over = True
                break
        call.cancel()
    assert over, "what is durable came all the same"
    assert dropped >= total - 20 * (total // at_once)
    assert len(pieces) + dropped == total
    assert pieces == sorted(set(pieces))


async def test_pieces_come_only_to_who_asks_for_them(tmp_path: Path) -> None:
    async with running_edge(tmp_path) as edge:
        session = await edge.create()
        plain = WatchEventsRequest(session_ids=[session.session_id], until_closed=True)
        every = WatchEventsRequest(workspace_id="-", include_ephemeral=True)
        pieces_alone = WatchEventsRequest(workspace_id="-", include_ephemeral=True, types=[DELTA])
        calls = [edge.events.WatchEvents(request, timeout=60) for request in (plain, every, pieces_alone)]
        for call in calls:
            await call.initial_metadata()
        await show(edge, session, "piece")
        await edge.sessions.CloseSession(CloseSessionRequest(session_id=session.session_id))
        await show(edge, session, "late")
        without = [event.type async for frame in calls[0] for event in frame.events]
        assert CLOSED in without
        assert DELTA not in without
        texts = []
        for call in calls[1:]:
            seen: list[event_pb2.Event] = []
            async for frame in call:
                seen += frame.events
                if [event.message_delta.text for event in seen if event.type == DELTA] == ["piece", "late"]:
                    break
            call.cancel()
            texts.append([event.message_delta.text for event in seen])
        assert texts[0] == ["piece", *[""] * (len(texts[0]) - 2), "late"]
        assert texts[1] == ["piece", "late"]
