"""Enforces a profile's limit of sessions. They are counted under the writers' lock, so there are never too many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, literal_column, select

from greenroomd.domain.retryable_errors import QuotaExceeded
from greenroomd.store.engine import Database, limited
from greenroomd.store.schema.tables import profiles, sessions

# Literal, as in the partial index: a parameter would not match it.
_OPEN = (
    sessions.c.profile_id != literal_column("''"),
    sessions.c.state != literal_column("'closed'"),
)


@dataclass(slots=True)
class RemainingQuota:
    """How many more sessions one profile may have, within a batch; `left` is None if it has no limit.

    Sessions closed in the same batch do not free quota: the order within a batch is arbitrary.
    """

    limit: int
    left: int | None

    def claim(self, profile_id: str) -> None:
        """Count one more session; raises QuotaExceeded."""
        if self.left is None:
            return
        if self.left <= 0:
            raise QuotaExceeded(f"profile:{profile_id}", self.limit)
        self.left -= 1


class ProfileQuotas:
    """Counts the sessions of a profile that are not CLOSED."""

    def __init__(self, database: Database) -> None:
        key = ("workspace_id", "profile_id")
        self._limit = database.sql(
            select(profiles.c.max_sessions).where(
                profiles.c.workspace_id == bindparam("workspace_id"),
                profiles.c.profile_id == bindparam("profile_id"),
            ),
            *key,
        )
        found: Select[Any] = select(literal_column("1")).where(
            sessions.c.workspace_id == bindparam("workspace_id"),
            sessions.c.profile_id == bindparam("profile_id"),
            *_OPEN,
        )
        self._up_to = database.sql(
            select(func.count()).select_from(limited(found, "most").subquery()), *key, "most"
        )

    def of(self, connection: Connection, workspace_id: str, profile_id: str) -> RemainingQuota | None:
        """Return the remaining quota of a profile; None if there is no such profile."""
        limit = connection.exec_driver_sql(self._limit, (workspace_id, profile_id)).scalar()
        if limit is None:
            return None
        if limit == 0:
            return RemainingQuota(0, None)
        return RemainingQuota(
            limit, limit - self.open_sessions(connection, workspace_id, profile_id, most=limit)
        )

    def open_sessions(self, connection: Connection, workspace_id: str, profile_id: str, *, most: int) -> int:
        """Return how many sessions of a profile are not CLOSED, counting up to `most`."""
        counted = connection.exec_driver_sql(self._up_to, (workspace_id, profile_id, most))
        return int(counted.scalar_one())
