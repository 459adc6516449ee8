"""Rules for ids, names, labels and metadata of sessions and profiles."""

from __future__ import annotations

from collections.abc import Mapping

from greenroomd.domain.config import JsonObject
from greenroomd.domain.errors import Violation
from greenroomd.domain.rules.checks import KIB, Check, json_object, key, matching, shown

DEFAULT_WORKSPACE = "default"
MAX_LABELS = 64
MAX_LABEL_LENGTH = 63
MAX_DISPLAY_NAME_LENGTH = 256
MAX_METADATA_BYTES = 64 * KIB

_HEX = "[0-9a-f]"
_SLUG = r"[a-z0-9][a-z0-9-]{0,62}"
_SLUG_RULE = "1 to 63 lower-case letters, digits and -, beginning with a letter or digit"

_metadata = json_object(at_most=MAX_METADATA_BYTES)

# Keys are path elements of an update mask (`labels.team`), whose JSON form cannot represent dots or capitals.
_label_key = matching(
    r"[a-z][a-z0-9_-]{0,62}", "1 to 63 lower-case letters, digits, _ and -, beginning with a letter"
)


def _display_name(value: str) -> str | None:
    if len(value) > MAX_DISPLAY_NAME_LENGTH:
        return f"must be at most {MAX_DISPLAY_NAME_LENGTH} characters, is {len(value)}"
    return None if value.isprintable() else f"must hold only printable characters, is {shown(value)}"


_NAMES: Mapping[str, Check] = {
    "session_id": matching(
        f"{_HEX}{{8}}-{_HEX}{{4}}-4{_HEX}{{3}}-[89ab]{_HEX}{{3}}-{_HEX}{{12}}",
        "a UUID of version 4 in lower case with hyphens",
    ),
    "request_id": matching(
        r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", "a UUID in hexadecimal digits with hyphens"
    ),
    "workspace_id": matching(_SLUG, _SLUG_RULE),
    "profile_id": matching(_SLUG, _SLUG_RULE),
    "user_id": matching(r"[\x21-\x7e]{1,128}", "1 to 128 visible ASCII characters"),
    "display_name": _display_name,
}


def name_violations(**names: str) -> list[Violation]:
    """Return what is wrong with `names`, given by field: session_id, request_id, workspace_id, profile_id, user_id and
    display_name. An empty name is not set and always valid; an empty workspace means DEFAULT_WORKSPACE.
    """
    found = []
    for field, value in names.items():
        problem = _NAMES[field](value) if value else None
        if problem is not None:
            found.append(Violation(field, problem))
    return found


def label_violations(labels: Mapping[str, str], *, path: str = "labels") -> list[Violation]:
    """Return every broken rule of `labels`; entries beyond MAX_LABELS are only counted."""
    found = []
    if len(labels) > MAX_LABELS:
        found.append(Violation(path, f"must have at most {MAX_LABELS} entries, has {len(labels)}"))
    for name, value in list(labels.items())[:MAX_LABELS]:
        problem = _label_key(name)
        if problem is not None:
            found.append(Violation(key(path, name), f"its key {problem}"))
        elif len(value) > MAX_LABEL_LENGTH:
            text = f"must have a value of at most {MAX_LABEL_LENGTH} characters, has {len(value)}"
            found.append(Violation(key(path, name), text))
        elif not value.isprintable():
            found.append(
                Violation(key(path, name), f"must hold only printable characters, is {shown(value)}")
            )
    return found


def metadata_violations(metadata: JsonObject, *, path: str = "metadata") -> list[Violation]:
    """Return what is wrong with a caller's metadata, which may be any JSON object within bounds."""
    problem = _metadata(metadata) if metadata else None
    return [] if problem is None else [Violation(path, problem)]
