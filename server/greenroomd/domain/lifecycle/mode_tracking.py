"""Follows the model and the permission mode in force in the process, whoever changes them. Pure.

The CLI says each change in its output: one that the model made by a tool, one that follows from an approved plan, and
its own. What nobody here ordered is the CLI's own choice, and lasts until a caller sets the option.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from greenroomd.domain.config import PermissionMode, SessionConfig
from greenroomd.domain.decision.step import Step
from greenroomd.domain.event_payloads import ModelChanged, PermissionModeChanged
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.frames.setting_frames import ModelSwitched, PermissionModeTold, TurnInitialized
from greenroomd.domain.in_force import InForce, mode_named, mode_of

CLI = "cli"
"""The actor of events that the CLI caused."""

MODEL, PERMISSION_MODE = "model", "permission_mode"


def note(step: Step, *, model: str = "", mode: PermissionMode | None = None, actor: str = "") -> None:
    """Record what is in force now, "" and None for what is not known, and emit an event for each change."""
    before = step.session.in_force
    after = replace(before, model=model or before.model, permission_mode=mode or before.permission_mode)
    if after == before:
        return
    step.update_session(in_force=after, version=step.session.version + 1)
    turn_id = step.session.current_turn_id
    if before.model not in ("", after.model):
        changed = ModelChanged(from_model=before.model, to_model=after.model, own=bool(after.own_model))
        kind = EventType.SESSION_MODEL_CHANGED
        step.emit(Event(type=kind, time=step.at, turn_id=turn_id, actor=actor, payload=changed))
    old, new = before.permission_mode, after.permission_mode
    if new is not None and old not in (None, new):
        moved = PermissionModeChanged(from_mode=old, to_mode=new, own=after.own_mode is not None)
        kind = EventType.SESSION_PERMISSION_MODE_CHANGED
        step.emit(Event(type=kind, time=step.at, turn_id=turn_id, actor=actor, payload=moved))


def told(step: Step, frame: TurnInitialized | PermissionModeTold | ModelSwitched) -> None:
    """Handle a frame in which the CLI says what is in force."""
    match frame:
        case TurnInitialized(model=model, permission_mode=word):
            _mode_told(step, word)
            _model_told(step, model)
        case PermissionModeTold(permission_mode=word):
            _mode_told(step, word)
        case ModelSwitched(model=model, lasting=lasting):
            _model_told(step, model, lasting=lasting)


def _mode_told(step: Step, word: str) -> None:
    """Handle the CLI's report of its permission mode; one that nobody ordered is its own choice."""
    running, in_force, mode = step.live.running_config, step.session.in_force, mode_named(word)
    if not word or running is None:
        return
    if mode is None:  # a newer CLI's: nothing here can ask for it again
        step.update_session(in_force=replace(in_force, permission_mode=None))
        return
    if mode is mode_of(running):
        note(step, mode=mode)
        return
    if (
        in_force.mode_generation <= step.live.running_generation
    ):  # else a caller's setting waits, and will win
        own = None if mode is mode_of(step.session.config) else mode
        step.update_session(in_force=replace(in_force, own_mode=own))
    step.update_live(running_config=replace(running, permission_mode=mode))
    note(step, mode=mode, actor=CLI)


def _model_told(step: Step, model: str, *, lasting: bool = False) -> None:
    """Handle the CLI's report of its model; with `lasting` it is the CLI's own choice for the rest of the session."""
    running = step.live.running_config
    if not model or running is None:
        return
    in_force = step.session.in_force
    if lasting and in_force.model_generation <= step.live.running_generation:
        step.update_session(in_force=replace(in_force, own_model=model))
    if lasting:
        step.update_live(running_config=replace(running, model=model))
    note(step, model=model, actor=CLI if model != in_force.model else "")


def set_options(paths: Collection[str]) -> frozenset[str]:
    """Return which of model and permission mode the paths of an update mask set."""
    both = (MODEL, PERMISSION_MODE)
    return frozenset(name for name in both if "config" in paths or f"config.{name}" in paths)


def differs(in_force: InForce, config: SessionConfig, options: Collection[str]) -> bool:
    """Whether one of these options is in force with another value than `config` has for it."""
    if PERMISSION_MODE in options and in_force.permission_mode not in (None, mode_of(config)):
        return True
    return MODEL in options and bool(in_force.own_model)


def set_by_caller(in_force: InForce, options: Collection[str], generation: int) -> InForce:
    """Return what is in force once a caller has set these options in a generation: nothing is the CLI's choice."""
    if MODEL in options:
        in_force = replace(in_force, own_model="", model_generation=generation)
    if PERMISSION_MODE in options:
        in_force = replace(in_force, own_mode=None, mode_generation=generation)
    return in_force
