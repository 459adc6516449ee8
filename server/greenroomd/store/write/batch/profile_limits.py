"""Keeps what a session was told of its subscription in the profile whose token it has, beside what others were told."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from greenroomd.domain.plan_limit import PlanLimit, merged
from greenroomd.store.engine import Database
from greenroomd.store.schema.documents import plan_limits_document, plan_limits_of, text, value_of
from greenroomd.store.schema.tables import profiles


class ProfileLimits:
    """Changes the limits of a profile; call it under the writers' lock."""

    def __init__(self, database: Database) -> None:
        key = (
            profiles.c.workspace_id == bindparam("of_workspace"),
            profiles.c.profile_id == bindparam("of_profile"),
        )
        names = ("of_workspace", "of_profile")
        self._known = database.sql(select(profiles.c.plan_limits).where(*key), *names)
        self._put = database.sql(
            update(profiles).where(*key).values(plan_limits=bindparam("limits")), "limits", *names
        )

    def tell(
        self,
        connection: Connection,
        workspace_id: str,
        profile_id: str,
        limits: Iterable[PlanLimit],
        *,
        at: datetime,
    ) -> None:
        """Put limits in the place of those with the same names; does nothing if there is no such profile."""
        written = connection.exec_driver_sql(self._known, (workspace_id, profile_id)).scalar()
        if written is None:
            return
        after = merged(plan_limits_of(value_of(written)), limits, at=at)
        document = text(plan_limits_document(after))
        connection.exec_driver_sql(self._put, (document, workspace_id, profile_id))
