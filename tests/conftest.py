"""What every test may use: the stand-in of the model API, the programs of tests/tools, the guard against leaks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, settings
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import add_log_level

from standin.model_api import ModelApi, running_model_api

pytest_plugins = ["leaks", "control_groups", "measured_servers", "real_cli", "seeds", "shared_servers"]

# No test depends on how busy the machine is; an example that fails is printed in a form that repeats it.
settings.register_profile(
    "greenroom",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
    derandomize=False,
)
settings.load_profile("greenroom")

# structlog's default draws each traceback with the lines and variables around it: seconds, where a test provokes many.
structlog.configure(
    processors=[add_log_level, ConsoleRenderer(colors=False, exception_formatter=plain_traceback)]
)

BUILT_TOOLS = Path(__file__).resolve().parents[1] / ".cache/bin"


@pytest.fixture(scope="session")
def _model_api_process(lasting_pids: set[int]) -> Iterator[ModelApi]:
    with running_model_api() as api:
        lasting_pids.add(api.pid)
        yield api


@pytest.fixture
def model_api(_model_api_process: ModelApi) -> Iterator[ModelApi]:
    """The stand-in of the model API, with no memory of earlier tests; the test fails if it refused a request."""
    yield _model_api_process
    try:
        _model_api_process.check()
    finally:
        _model_api_process.reset()


@pytest.fixture(scope="session")
def grpcurl() -> Path:
    """The grpcurl binary."""
    return _built("grpcurl")


@pytest.fixture(scope="session")
def health_probe() -> Path:
    """The grpc-health-probe binary."""
    return _built("grpc-health-probe")


def _built(name: str) -> Path:
    program = BUILT_TOOLS / name
    assert program.is_file(), f"{program} is missing: run `make tools`"
    return program
