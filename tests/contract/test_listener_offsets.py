"""How far a listener has come survives whoever knew it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contract.conftest import Opening
from greenroomd.app.ports.listener_offsets import ListenerOffsets
from greenroomd.store.sql_store import SqlStore


@asynccontextmanager
async def positions(opening: Opening) -> AsyncIterator[ListenerOffsets]:
    async with opening() as store:
        assert isinstance(store, SqlStore)
        yield store.positions


async def test_a_position_is_kept_and_moved(opening: Opening) -> None:
    async with positions(opening) as kept:
        assert await kept.listener_position("costs") is None
        await kept.save_offset("costs", 7)
    async with positions(opening) as kept:
        assert await kept.listener_position("costs") == 7
        await kept.save_offset("costs", 9)
        await kept.save_offset("audit", 1)
        assert await kept.listener_position("costs") == 9
        assert await kept.listener_position("audit") == 1
