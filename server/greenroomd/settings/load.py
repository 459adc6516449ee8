"""Reads the settings once, from the environment and a TOML file, and reports every problem in them.

No other file of the server reads settings from the environment. A setting has one name in two spellings: the variable
`GREENROOM_IDLE_TIMEOUT` and the TOML key `idle_timeout`. The environment overrides the file, the file overrides the
defaults; an empty variable counts as absent. Plain pydantic reads both: the pydantic-settings package would read the
environment wherever a record is built, and stop at the first value that is not JSON.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from greenroomd.settings.record import NoHomeDirectory, Settings

PREFIX = "GREENROOM_"
CONFIG = "GREENROOM_CONFIG"


class SettingsError(Exception):
    """The settings are invalid; each of `problems` names one setting and what is wrong with it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def load_settings(environ: Mapping[str, str] | None = None, **overrides: object) -> Settings:
    """Read the settings; `overrides` (command-line options, by field name) override every other source.

    Raises SettingsError with every problem at once: unreadable file, unknown name, value that does not fit.
    """
    environ = os.environ if environ is None else environ
    state_home = environ.get("XDG_STATE_HOME", "")
    by_system = {"state_dir": f"{state_home}/greenroom"} if state_home.startswith("/") else {}
    config = environ.get(CONFIG, "")
    by_file = _read_toml(Path(config)) if config else {}
    by_environment = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and name != CONFIG and value
    }
    spelling = {key: f"{key} in {config}" for key in by_file}
    spelling |= {key: PREFIX + key.upper() for key in by_environment}
    try:
        return Settings.model_validate({**by_system, **by_file, **by_environment, **overrides})
    except NoHomeDirectory:
        problem = f"{PREFIX}STATE_DIR: must be set, since this user has no home directory and HOME is not set"
        raise SettingsError([problem]) from None
    except ValidationError as error:
        problems = [
            _problem(details, spelling)
            for details in error.errors(include_input=False, include_url=False)
            if details["type"] != "default_factory_not_called"  # the consequence of a problem that is listed
        ]
        raise SettingsError(problems) from None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError([f"{CONFIG}: cannot read {path}: {error}"]) from error


def _problem(details: ErrorDetails, spelling: Mapping[str, str]) -> str:
    key, *rest = (str(part) for part in details["loc"])
    name = ".".join([spelling.get(key, key), *(part for part in rest if part != "[key]")])
    if details["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, Settings.model_fields, n=1)
        hint = (
            f"; did you mean {PREFIX + near[0].upper() if name.startswith(PREFIX) else near[0]}?"
            if near
            else ""
        )
        return f"{name}: there is no such setting{hint}"
    return f"{name}: {details['msg'].removeprefix('Value error, ')}"
