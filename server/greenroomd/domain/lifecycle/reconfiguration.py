"""Changes a session's description and config, and brings its process to a new generation. Pure.

There are three kinds of options. Those that only the owner uses take effect with the commit. The model, the permission
mode and how much the model thinks can be changed on the live process. All others need another process, which continues
the conversation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from greenroomd.domain.config import JsonObject, PermissionMode, Secret, SessionConfig
from greenroomd.domain.decision.actions import EndProcess, Reconfigure
from greenroomd.domain.decision.live import Ending, Purpose
from greenroomd.domain.decision.step import Step
from greenroomd.domain.enforcement import report
from greenroomd.domain.errors import InvalidUpdateMask, TurnRunning, Violation
from greenroomd.domain.event_payloads import ConfigApplied, SessionUpdated
from greenroomd.domain.events import Event, EventType
from greenroomd.domain.lifecycle import mode_tracking
from greenroomd.domain.lifecycle.background_work import background_grace

CONFIG_CHANGED = "CONFIG_CHANGED"

_OWNERS_OWN = frozenset({"limits", "recovery", "on_idle", "approval_policy"})
_LIVE = frozenset({"model", "permission_mode", "effort", "max_thinking_tokens"})


class Apply(StrEnum):
    """When a running process gets a new generation."""

    WHEN_IDLE = "when_idle"
    NOW = "now"
    NEXT_START = "next_start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A change of a session; None leaves a part as it is."""

    paths: Sequence[str]
    """The mask paths that the caller named, for the event."""
    display_name: str | None = None
    """The new name for people."""
    labels: Mapping[str, str] | None = None
    """The new labels."""
    metadata: JsonObject | None = None
    """The new metadata."""
    config: SessionConfig | None = None
    """The whole new configuration, not only what changes in it."""
    oauth_token: Secret | None = None
    """The new credential for the API."""


def update(step: Step, patch: Patch, apply: Apply, *, actor: str = "") -> None:
    """Change a session; raises TurnRunning for NOW while a turn runs, InvalidUpdateMask for the working directory.

    A changed config becomes a new, immutable generation, even if no process runs. So does one that sets the model or
    the permission mode to what it was, if another is in force.
    """
    session = step.session
    described = {"display_name": patch.display_name, "labels": patch.labels, "metadata": patch.metadata}
    changes: dict[str, object] = {name: value for name, value in described.items() if value is not None}
    set_now = mode_tracking.set_options(patch.paths)
    configured = patch.config is not None and (
        patch.config != session.config
        or patch.oauth_token is not None
        or mode_tracking.differs(session.in_force, patch.config, set_now)
    )
    if patch.config is not None and configured:
        if patch.config.working_dir != session.config.working_dir:
            raise InvalidUpdateMask([Violation("update_mask", "config.working_dir is immutable")])
        if apply is Apply.NOW and step.live.turn is not None:
            raise TurnRunning(step.live.turn.turn_id)
        generation = session.config_generation + 1
        in_force = mode_tracking.set_by_caller(session.in_force, set_now, generation)
        changes |= {"config": patch.config, "config_generation": generation, "in_force": in_force}
        step.configures = True
        step.oauth_token = patch.oauth_token
        if patch.oauth_token is not None:  # it may belong to another subscription
            changes |= {"profile_token": False, "plan_limits": ()}
    step.update_session(version=session.version + 1, **changes)
    payload = SessionUpdated(session=step.session, paths=tuple(patch.paths))
    step.emit(Event(type=EventType.SESSION_UPDATED, time=step.at, actor=actor, payload=payload))
    if configured:
        step.update_live(renew_process=step.live.renew_process or patch.oauth_token is not None)
        background_grace.reconsider(step)
        if apply is not Apply.NEXT_START:
            step.update_live(follow_config=True)
            follow(step, at_once=apply is Apply.NOW)


def follow(step: Step, *, at_once: bool = False) -> None:
    """Bring the process to the newest generation if that is requested and possible now.

    Work in the background puts off a restart, unless the caller wants it `at_once`.
    """
    live = step.live
    config = live.running_config
    if not live.follow_config or config is None or not live.running or live.launching:
        return
    if live.turn is not None or live.busy or live.reconfiguring or live.ending is not None:
        return
    wanted = step.session.effective_config
    changed = changed_options(config, wanted) - _OWNERS_OWN
    if live.renew_process or not changed <= _LIVE or _unlocks(config, wanted):
        if live.held and not at_once:
            return
        step.update_live(ending=Ending(purpose=Purpose.RESTART, reason=CONFIG_CHANGED), follow_config=False)
        step.schedule(EndProcess())
    elif changed:
        step.update_live(reconfiguring=True)
        step.schedule(Reconfigure(wanted, step.session.config_generation, frozenset(changed)))
    else:
        applied(step, wanted, step.session.config_generation)


def applied(step: Step, config: SessionConfig, generation: int) -> None:
    """Record that the running process now uses this generation."""
    newest = generation == step.session.config_generation
    step.update_live(running_config=config, running_generation=generation)
    step.update_live(follow_config=step.live.follow_config and not newest, reconfiguring=False)
    step.update_session(
        observed_config_generation=generation,
        config_report=report(config, step.live.enforcement),
        version=step.session.version + 1,
    )
    payload = ConfigApplied(generation=generation, restarted=False)
    step.emit(Event(type=EventType.SESSION_CONFIG_APPLIED, time=step.at, payload=payload))
    follow(step)


def _unlocks(before: SessionConfig, after: SessionConfig) -> bool:
    """Whether the change turns on BYPASS_PERMISSIONS, which the CLI allows only at the start of a process."""
    bypass = PermissionMode.BYPASS_PERMISSIONS
    return after.permission_mode is bypass and before.permission_mode is not bypass


def changed_options(before: SessionConfig, after: SessionConfig) -> frozenset[str]:
    """Return the names of the options in which two configs differ."""
    names = (option.name for option in fields(SessionConfig))
    return frozenset(name for name in names if getattr(before, name) != getattr(after, name))
