"""Watchers see what a process says in the order in which it says it, however its output is cut into batches."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from greenroomd.app.ports.storage import Selection, StoredEvent
from greenroomd.app.watch.watch import Watch
from greenroomd.domain.events import TURN_ENDS, EventType
from greenroomd.domain.frames.frame import Frame
from unit.live import says
from unit.supervision.conftest import Node, running_node

SAID = frozenset({EventType.MESSAGE_DELTA, EventType.MESSAGE_ASSISTANT, EventType.MESSAGE_SYSTEM})

OUTPUT = st.lists(
    st.lists(st.sampled_from(["piece", "piece", "message", "nothing"]), min_size=1, max_size=6),
    min_size=1,
    max_size=6,
)
"""What a process says in one turn, as it was read: the last batch of it also holds the turn's end."""


def spoken(kind: str, number: int) -> Frame:
    """Return a frame that is told by its number, or one that is not told."""
    if kind == "piece":
        return says.delta(str(number))
    if kind == "message":
        return replace(says.text(str(number)), raw=str(number).encode())
    return says.RUNNING


async def turn_as_watched(node: Node, batches: Sequence[Sequence[Frame]]) -> list[StoredEvent]:
    """Have a process say something in a turn; return all that a watcher has seen when the turn has ended."""
    session_id = (await node.create()).session_id
    context = node.supervisors.node
    watch = Watch(context.store, context.tail, quiet=timedelta(hours=1), per_session=1, per_node=1)
    seen: list[StoredEvent] = []
    of_session = Selection.of_session(session_id)
    with watch.following(of_session, after=context.tail.head, ephemeral=True) as follower:
        turn = await node.start_turn(session_id)
        for batch in batches[:-1]:
            node.host.last.says(*batch)
        node.host.last.says(*batches[-1], says.result(turn.turn_id), says.IDLE)
        while not any(event.type in TURN_ENDS for event in seen):
            if (found := follower.look()) is None:
                await follower.more()
            else:
                seen += found.events
    return seen


@settings(max_examples=20)
@given(OUTPUT)
def test_a_watcher_sees_it_in_the_order_of_the_output(output: list[list[str]]) -> None:
    numbers = iter(range(1000))
    batches = [[spoken(kind, next(numbers)) for kind in batch] for batch in output]
    kinds = [kind for batch in output for kind in batch]

    async def watched() -> list[StoredEvent]:
        with TemporaryDirectory() as directory:
            async with running_node(Path(directory)) as node:
                return await turn_as_watched(node, batches)

    events = asyncio.run(watched())
    told = [json.loads(event.record.split(b"}")[0] + b"}")["said"] for event in events if event.type in SAID]
    assert [said for said in told if said.isdigit()] == [
        str(number) for number, kind in enumerate(kinds) if kind != "nothing"
    ]
    revisions = [event.revision for event in events]
    assert revisions == sorted(revisions)
    assert [event.sequence > 0 for event in events if event.type is EventType.MESSAGE_DELTA] == [
        False for kind in kinds if kind == "piece"
    ]
