"""Programs that tests run but do not install: of the distribution, or of the environment of the tests."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

BESIDE_PYTHON = str(Path(sys.executable).parent)
SBIN = "/usr/sbin"


def program(name: str, package: str) -> str:
    """Return the path of a program. Where it is missing, skip the test; in CI, which installs it, fail."""
    found = shutil.which(name, path=os.pathsep.join((BESIDE_PYTHON, os.environ.get("PATH", ""), SBIN)))
    if found is not None:
        return found
    text = f"{name} is missing: install {package}"
    if os.environ.get("CI") == "true":
        pytest.fail(text)
    pytest.skip(text)
