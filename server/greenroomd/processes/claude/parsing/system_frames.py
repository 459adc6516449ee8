"""Reads what the CLI says about itself in `system` lines: its activity, its background tasks, its settings."""

from __future__ import annotations

from greenroomd.domain.config import JsonObject
from greenroomd.domain.frames.frame import Frame, StreamMarker, SystemNoted
from greenroomd.domain.frames.setting_frames import (
    CommandsChanged,
    ModelSwitched,
    PermissionModeTold,
    TurnInitialized,
)
from greenroomd.domain.frames.turn_frames import Activity, ActivityChanged, PromptRefused
from greenroomd.processes.claude.parsing import task_frames
from greenroomd.processes.claude.parsing.api_frames import api_retried
from greenroomd.processes.claude.parsing.json_fields import text, texts
from greenroomd.processes.claude.parsing.offered_choices import commands_of

_ACTIVITIES = tuple(Activity)
# By subtype, whether the other model is for the rest of the session; a fallback from one that fails is for one turn.
_MODEL_SWITCHES = {"model_fallback": False, "model_refusal_fallback": True, "model_consent_fallback": True}


def system(raw: bytes, message: JsonObject) -> Frame:
    """Read a `system` line; one of an unknown subtype becomes SystemNoted."""
    subtype = message.get("subtype")
    session = text(message.get("session_id"))
    if subtype == "session_state_changed" and message.get("state") in _ACTIVITIES:
        return ActivityChanged(raw=raw, cli_session_id=session, activity=Activity(message["state"]))
    about_task = task_frames.READERS.get(text(subtype))
    if about_task is not None and ("tasks" in message or task_frames.id_of(message.get("task_id"))):
        return about_task(raw, message)
    if subtype == "init":
        return TurnInitialized(
            raw=raw,
            cli_session_id=session,
            model=text(message.get("model")),
            permission_mode=text(message.get("permissionMode")),
            cwd=text(message.get("cwd")),
            cli_version=text(message.get("claude_code_version")),
            tools=tuple(texts(message.get("tools"))),
        )
    if subtype == "api_retry":
        return api_retried(raw, message)
    if subtype == "thinking_tokens" or (subtype == "status" and message.get("status") == "requesting"):
        return StreamMarker(raw=raw, cli_session_id=session)
    if subtype == "status" and (mode := text(message.get("permissionMode"))):
        return PermissionModeTold(
            raw=raw, cli_session_id=session, type="system", subtype="status", permission_mode=mode
        )
    if text(subtype) in _MODEL_SWITCHES and message.get("scope") != "local":
        return ModelSwitched(
            raw=raw,
            cli_session_id=session,
            type="system",
            subtype=text(subtype),
            model=text(message.get("fallback_model")),
            lasting=_MODEL_SWITCHES[text(subtype)],
        )
    return _told(raw, message)


def _told(raw: bytes, message: JsonObject) -> SystemNoted:
    """Read a line that is published as it is, whatever it means for the session."""
    subtype, session = text(message.get("subtype")), text(message.get("session_id"))
    if subtype == "commands_changed":
        return CommandsChanged(
            raw=raw,
            cli_session_id=session,
            type="system",
            subtype="commands_changed",
            commands=commands_of(message.get("commands")),
        )
    if isinstance(outcome := message.get("prompt_submit_outcome"), dict):
        return PromptRefused(
            raw=raw,
            cli_session_id=session,
            type=text(message.get("type")),
            subtype=subtype,
            reason=text(outcome.get("reason")),
        )
    return noted(raw, message)


def noted(raw: bytes, message: JsonObject) -> SystemNoted:
    """Read a line of which only the type is known."""
    return SystemNoted(
        raw=raw,
        cli_session_id=text(message.get("session_id")),
        type=text(message.get("type")),
        subtype=text(message.get("subtype")),
    )
