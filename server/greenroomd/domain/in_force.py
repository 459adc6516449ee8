"""The model and the permission mode in force in a session's process, which the CLI can change by itself.

The model of a session can enter and leave plan mode by a tool, and the CLI goes to another model when the first one
refuses. Such a change lasts: the session's next process starts with it, until a caller sets the option.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from greenroomd.domain.config import PermissionMode, SessionConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What is in force in the session's process; without a process, what was in force when the last one ended."""

    model: str = ""
    """The full name of the model; "" before the first start."""
    permission_mode: PermissionMode | None = None
    """The permission mode; None before the first start, and for a mode that this version does not know."""
    own_model: str = ""
    """The model that the CLI chose by itself, which holds instead of the configured one; "" if the latter holds."""
    own_mode: PermissionMode | None = None
    """The mode that the CLI chose by itself, which holds instead of the configured one; None if the latter holds."""
    model_generation: int = 1
    """The config generation in which a caller last set the model."""
    mode_generation: int = 1
    """The config generation in which a caller last set the permission mode."""


def mode_of(config: SessionConfig) -> PermissionMode:
    """Return the permission mode that a config asks for."""
    return config.permission_mode or PermissionMode.DEFAULT


def mode_named(word: str) -> PermissionMode | None:
    """Return the permission mode of the CLI's word for it; None for a word that is unknown."""
    return PermissionMode(word) if word in _WORDS else None


_WORDS = frozenset(PermissionMode)


def effective(config: SessionConfig, in_force: InForce) -> SessionConfig:
    """Return `config` with what the CLI chose by itself: the config that the session's process is to have."""
    if not in_force.own_model and in_force.own_mode is None:
        return config
    return replace(
        config,
        model=in_force.own_model or config.model,
        permission_mode=in_force.own_mode or config.permission_mode,
    )
