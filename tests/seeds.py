"""Seeds of the tests that do things at random: drawn for each run, and named so that a failure can be repeated."""

import os
import random

import pytest

VARIABLES = ("RANDOM_WALK_SEED", "CRASH_SEED", "BOOK_SEED")


def pytest_configure() -> None:
    """Draw the seeds that the environment does not give; xdist's workers inherit them with the environment."""
    for name in VARIABLES:
        os.environ.setdefault(name, str(random.SystemRandom().randrange(10**8)))


def pytest_report_header() -> str:
    """Return the line that says how to repeat this run's choices."""
    return "seeds: " + " ".join(f"{name}={os.environ[name]}" for name in VARIABLES)


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Name the seeds with each failure of a test that uses them: pytest shows no header when it is quiet."""
    module = getattr(item, "module", None)
    if call.excinfo is not None and hasattr(module, "SEED"):
        item.add_report_section(call.when, "seeds", pytest_report_header())


def seed(variable: str) -> int:
    """Return the seed that the run has in an environment variable."""
    return int(os.environ[variable])
