"""Floors: up to which revision the log was compacted, separately for each scope and part.

A busy session is cut while others are complete, and its messages are cut long before its lifecycle events. A single
floor would refuse cursors of sessions that lost nothing. The scopes are: all events of the store (cut by age), one
session (cut by length), and the highest cut of any session in a workspace and in the store, for watches of those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, case, func, literal_column, select

from greenroomd.app.ports.compaction import LIFECYCLE, Part
from greenroomd.app.ports.storage import Selection
from greenroomd.store.engine import Database
from greenroomd.store.schema.tables import floors
from greenroomd.store.schema.upsert import upsert

EVERYTHING: Final = ""
"""The scope of cuts through all sessions at once."""
_ANY_SESSION: Final = "*"


def scopes_of_session(session_id: str, workspace_id: str) -> Sequence[str]:
    """Return the scopes whose floor rises when one session is cut."""
    return (session_id, _workspace(workspace_id), _ANY_SESSION)


class Floors:
    """Reads floors; compiles its statements once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        highest = select(func.coalesce(func.max(floors.c.floor), literal_column("1")))
        among = database.among(floors.c.scope, "scopes")
        self._of_all = database.sql(highest.where(among), "scopes")
        lifecycle = floors.c.part == literal_column(f"'{Part.LIFECYCLE}'")
        self._of_lifecycle = database.sql(highest.where(among, lifecycle), "scopes")

    def of(self, connection: Connection, selection: Selection) -> int:
        """Return the lowest revision from which on no event of a selection is missing."""
        lasting = bool(selection.types) and selection.types <= LIFECYCLE
        sql = self._of_lifecycle if lasting else self._of_all
        scopes = self._database.listed([EVERYTHING, *_scopes_of(selection)])
        floor: int = connection.exec_driver_sql(sql, (scopes,)).scalar_one()
        return floor


def raise_floor(connection: Connection, scopes: Sequence[str], part: Part, floor: int) -> None:
    """Raise the floors of scopes, except those that are higher. Call it in the commit that deletes the events below."""
    row = upsert(connection.dialect, floors)
    higher = case((row.excluded.floor > floors.c.floor, row.excluded.floor), else_=floors.c.floor)
    put = row.on_conflict_do_update(index_elements=["scope", "part"], set_={"floor": higher})
    connection.execute(put, [{"scope": scope, "part": part.value, "floor": floor} for scope in scopes])


def _scopes_of(selection: Selection) -> Sequence[str]:
    if selection.session_ids:
        return tuple(selection.session_ids)
    if (workspaces := selection.workspaces) is not None:
        return tuple(map(_workspace, workspaces))
    return (_ANY_SESSION,)


def _workspace(workspace_id: str) -> str:
    return f"w:{workspace_id}"
