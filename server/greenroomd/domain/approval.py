"""An approval: a question of the CLI whether it may use a tool, and what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from greenroomd.domain.config import JsonObject


class ApprovalState(StrEnum):
    """Where a question of the CLI stands."""

    PENDING = "pending"
    ALLOWED = "allowed"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A tool permission that the CLI asked for; the first decision wins, expiry denies."""

    approval_id: str
    session_id: str
    turn_id: str
    state: ApprovalState
    tool_name: str
    tool_use_id: str
    tool_input: JsonObject
    display_name: str = ""
    description: str = ""
    blocked_path: str = ""
    suggestions: Sequence[JsonObject] = ()
    requires_user_interaction: bool = False
    create_time: datetime
    expire_time: datetime
    decide_time: datetime | None = None
    decided_by: str = ""
    message: str = ""
    updated_input: JsonObject | None = None
