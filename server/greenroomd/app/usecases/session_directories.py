"""Checks that the additional directories in a session's settings are inside the allowed roots."""

from __future__ import annotations

from greenroomd.app.ports.working_dirs import WorkingDirs
from greenroomd.domain.config import JsonObject
from greenroomd.domain.errors import InvalidRequest, Violation, WorkingDirOutsideRoots
from greenroomd.domain.rules.config.settings_rules import MAX_DIRECTORIES, additional_directories


async def directory_violations(
    settings: JsonObject | None, working_dirs: WorkingDirs, *, path: str = "config.settings"
) -> list[Violation]:
    """Return a violation for each additional directory outside the roots or missing; skips relative paths.

    Raises StoreUnavailable if the file system hangs.
    """
    found = []
    for where, directory in additional_directories(settings)[:MAX_DIRECTORIES]:
        if not directory.startswith("/") or "\0" in directory:
            continue
        try:
            await working_dirs.resolve(directory)
        except WorkingDirOutsideRoots:
            text = "must be inside the allowed roots (GREENROOM_ALLOWED_ROOTS)"
            found.append(Violation(f"{path}.{where}", text))
        except InvalidRequest:
            found.append(Violation(f"{path}.{where}", "must be an existing directory"))
    return found
