"""Programs of the distribution, which tests run but do not install."""

from __future__ import annotations

import os
import shutil

import pytest


def program(name: str, package: str) -> str:
    """Return the path of a program. Where it is missing, skip the test; in CI, which installs it, fail."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is not None:
        return found
    text = f"{name} is missing: install Debian's {package}"
    if os.environ.get("CI") == "true":
        pytest.fail(text)
    pytest.skip(text)
