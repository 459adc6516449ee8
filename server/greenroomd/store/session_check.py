"""Tries at the start whether a connection to PostgreSQL has a session of its own, as the store needs."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from typing import Final

from greenroomd.domain.retryable_errors import StoreUnavailable
from greenroomd.store.engine import Database
from greenroomd.store.open_engines import UnsupportedDatabase

HEARD_WITHIN: Final = timedelta(seconds=5)
"""How long a notification may take from one connection to another."""


async def require_own_session(database: Database) -> None:
    """Raise UnsupportedDatabase if one connection does not hear what another one notifies; raises StoreUnavailable.

    Behind a pooler that gives each transaction another session of the server, nothing would be heard, and the owner's
    lock would be anybody's. SQLite needs nothing.
    """
    if database.sqlite:
        return
    import psycopg

    channel = f"greenroom_{uuid.uuid4().hex}"
    try:
        async with await database.connect() as listening, await database.connect() as telling:
            await listening.execute(f"LISTEN {channel}")
            await telling.execute(f"NOTIFY {channel}")
            try:
                async with asyncio.timeout(HEARD_WITHIN.total_seconds()):
                    await anext(listening.notifies())
            except TimeoutError:
                raise UnsupportedDatabase(_TRANSACTION_POOLING) from None
    except psycopg.OperationalError as error:
        raise StoreUnavailable(f"the database does not answer: {str(error).splitlines()[0]}") from error


_TRANSACTION_POOLING: Final = (
    "GREENROOM_DATABASE_URL: a connection does not hear what is notified to it: a pooler in between gives each "
    "transaction another session of PostgreSQL; let it pool sessions (`pool_mode = session` in PgBouncer), or name "
    "PostgreSQL itself"
)
