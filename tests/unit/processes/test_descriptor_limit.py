"""The limit of open descriptors: raised as far as the host allows, and a shortage is said at the start."""

import resource

from structlog.testing import capture_logs

from greenroomd.processes.node.descriptor_limit import raise_descriptor_limit


def test_a_limit_that_is_too_low_for_the_settings_is_said_with_what_to_do() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        with capture_logs() as enough:
            raise_descriptor_limit(before[1])
        with capture_logs() as short:
            raise_descriptor_limit(before[1] + 1)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert [line["event"] for line in enough] == ["descriptor_limit"]
    assert [line["event"] for line in short] == ["descriptor_limit", "descriptors_short"]
    assert "GREENROOM_MAX_CONNECTIONS" in short[1]["advice"]
