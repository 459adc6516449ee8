"""Reads the answer to the initialize request."""

from __future__ import annotations

from typing import Any

from greenroomd.app.ports.processes import Handshake
from greenroomd.domain.config import JsonObject
from greenroomd.processes.claude.parsing.offered_choices import capabilities_of


def handshake_of(initialized: JsonObject, model: str) -> Handshake:
    """Return the handshake of a process that was started with `model`, a name or an alias."""
    return Handshake(
        cli_version=str(initialized.get("claude_code_version", "")),
        model=_full_name(model, initialized.get("models")),
        permission_mode=str(initialized.get("current_permission_mode", "")),
        capabilities=capabilities_of(initialized),
    )


def _full_name(model: str, offered: Any) -> str:
    """Return the full name of a model that was given by an alias; the name itself where the CLI knows no other."""
    for choice in offered if isinstance(offered, list) else []:
        if isinstance(choice, dict) and choice.get("value") == model:
            return str(choice.get("resolvedModel", model))
    return model
