"""Which servers run under coverage: those of the modules that reach what no part shows alone.

A server under coverage takes half as much time again, and one that is killed tells nothing for it. When all were
measured, the other modules of `tests/service`, the clients, the crashes and the proxies added two lines in a thousand.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

MODULES = frozenset(
    {
        "test_api_errors",
        "test_approvals",
        "test_background_work",
        "test_backup",
        "test_capabilities",
        "test_costs",
        "test_errors",
        "test_expiry",
        "test_fork",
        "test_limits",
        "test_listeners",
        "test_mcp_servers",
        "test_metrics",
        "test_modes",
        "test_mutations",
        "test_pieces",
        "test_profiles",
        "test_project_context",
        "test_same_on_both_databases",
        "test_settings_of_sessions",
        "test_start_up",
        "test_suspend",
        "test_trouble",
        "test_turns",
        "test_two_servers",
        "test_unprompted_turns",
        "test_watch",
        "test_webhook",
    }
)
"""Modules of `tests/service` whose servers are measured."""

IN_PROCESS = frozenset({"contract", "unit"})
"""Folders of tests that start few programs, and measure them."""

VARIABLE = "COVERAGE_PROCESS_CONFIG"
"""Where a program that Python starts finds that it is to be measured (`patch = subprocess` of coverage)."""

_ours = os.environ.get(VARIABLE)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let the programs that a test starts be measured, or not."""
    if _ours is None:
        return
    if is_measured(item.path):
        os.environ[VARIABLE] = _ours
    else:
        os.environ.pop(VARIABLE, None)


def is_measured(path: Path) -> bool:
    """Whether what the tests of a file start is measured."""
    folder = path.relative_to(Path(__file__).parent).parts[0]
    return folder in IN_PROCESS or (folder == "service" and path.stem in MODULES)
