"""Frames of tools: a permission that the CLI asks for, signs of life, and a command's output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from greenroomd.domain.config import JsonObject
from greenroomd.domain.frames.frame import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionAsked(Frame):
    """`control_request can_use_tool`: the CLI asks for permission, and waits without limit for the answer.

    The fields correspond to those of Approval.
    """

    request_id: str
    """A UUID that our adapter gave the request; answers name it."""
    tool_name: str
    """The tool that is to run."""
    tool_use_id: str
    """The id of the tool call."""
    tool_input: JsonObject
    """What it is to run with."""
    display_name: str = ""
    """The tool's name for people; "" if the CLI gives none."""
    description: str = ""
    """What it is about to do, for people; "" if the CLI gives none."""
    blocked_path: str = ""
    """The path that may not be used without permission; "" for none."""
    requires_user_interaction: bool = False
    """Whether only a person can answer."""
    suggestions: Sequence[JsonObject] = ()
    """Changes of the rules that would make the question unnecessary, as the CLI proposes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionWithdrawn(Frame):
    """`control_cancel_request`: the CLI has withdrawn the request `request_id`, which must not be answered any more."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolProgressed(Frame):
    """`tool_progress`: a tool still runs."""

    tool_use_id: str
    tool_name: str
    elapsed_seconds: float
    parent_tool_use_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutputWritten(Frame):
    """What a running command has written, as read from the CLI's file; not part of its stream-json."""

    tool_use_id: str
    text: str
