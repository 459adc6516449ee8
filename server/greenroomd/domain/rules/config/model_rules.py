"""Rules for the models of a session: the one that it asks, and those that the CLI asks when that one cannot answer."""

from __future__ import annotations

from collections.abc import Sequence

from greenroomd.domain.errors import Violation
from greenroomd.domain.rules.checks import matching

MAX_FALLBACK_MODELS = 8

model_name = matching(
    r"[A-Za-z0-9][A-Za-z0-9._:/@\[\]-]{0,255}",
    "the name of a model: 1 to 256 letters, digits and . _ : / @ [ ] -, beginning with a letter or digit",
)


def fallback_violations(models: Sequence[str], model: str | None, *, prefix: str) -> list[Violation]:
    """Return every broken rule of the fallback models of a session that asks `model` first."""
    path = f"{prefix}.fallback_models"
    if len(models) > MAX_FALLBACK_MODELS:
        return [Violation(path, f"must have at most {MAX_FALLBACK_MODELS} entries, has {len(models)}")]
    found = []
    for index, name in enumerate(models):
        problem = model_name(name)
        if problem is None and name == model:
            problem = "must not be the model itself"
        if problem is None and name in models[:index]:
            problem = "must not be named twice"
        if problem is not None:
            found.append(Violation(f"{path}[{index}]", problem))
    return found
