"""An approval: the CLI's request to use a tool, and the decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from greenroomd.domain.config import JsonObject


class ApprovalState(StrEnum):
    """The state of an approval; all but PENDING are final."""

    PENDING = "pending"
    ALLOWED = "allowed"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A request of the CLI to use a tool. The first decision wins; expiry denies."""

    approval_id: str
    """Its id, a UUID that the server chose."""
    session_id: str
    """The session whose CLI asks."""
    turn_id: str
    """The turn that waits for the decision; "" for none."""
    state: ApprovalState
    """Its state."""
    tool_name: str
    """The name of the tool, such as `Bash`."""
    tool_use_id: str
    """The API's id of the tool call."""
    tool_input: JsonObject
    """The input with which the tool would run."""
    display_name: str = ""
    """The name of the tool for people; "" for none."""
    description: str = ""
    """What the call is for, in the model's words; "" for none."""
    blocked_path: str = ""
    """The path that no rule allows; "" if it is not about a path."""
    suggestions: Sequence[JsonObject] = ()
    """Changes of permissions that the CLI proposes, as it gave them."""
    requires_user_interaction: bool = False
    """Whether the tool asks a person questions, which `updated_input` then answers."""
    create_time: datetime
    """When the CLI asked."""
    expire_time: datetime
    """When it is denied unless decided before."""
    decide_time: datetime | None = None
    """When it was decided, expired or was cancelled; None while PENDING."""
    decided_by: str = ""
    """The principal that decided, or `policy`; "" for none."""
    message: str = ""
    """The text that came with the decision; the model reads it if the tool was denied."""
    updated_input: JsonObject | None = None
    """The input that replaced `tool_input` when it was allowed; None: the original."""
