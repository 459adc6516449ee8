"""A real cgroup for tests, on hosts that let us make one."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from greenroomd.processes.linux.cgroup import Cgroup

PATIENCE = 60.0  # seconds


@pytest.fixture
def cgroup() -> Iterator[Path]:
    """An empty cgroup v2 of the test's own; skips the test where none can be made."""
    path = _mount() / f"greenroom-test-{uuid.uuid4().hex[:12]}"
    try:
        path.mkdir()
    except OSError as error:
        pytest.skip(f"this host lets us make no cgroup: {error}")
    yield path
    groups = [Cgroup(below) for below in (*sorted(path.rglob("*/"), reverse=True), path)]
    left = [group.path.name for group in groups if group.members()]
    deadline = time.monotonic() + PATIENCE
    for group in groups:
        group.kill()
        while not group.remove() and time.monotonic() < deadline:  # what was killed takes a moment to be gone
            time.sleep(0.01)
    assert not left, f"left in control groups: {left}"


def _mount() -> Path:
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        fields = line.split()
        if fields[fields.index("-") + 1] == "cgroup2" and os.access(fields[4], os.W_OK):
            return Path(fields[4])
    pytest.skip("this host has no cgroup v2 that we may write to")
