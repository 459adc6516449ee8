"""Reports how each limit of a session is enforced on this host."""

from __future__ import annotations

from collections.abc import Sequence

from greenroomd.domain.enforcement import Enforcement, OptionReport
from greenroomd.processes.host.memory_watchdog import EVERY

_OF_EVERY_HOST = (
    OptionReport("limits.max_duration", Enforcement.ENFORCED),
    OptionReport("limits.idle_timeout", Enforcement.ENFORCED),
    OptionReport("limits.turn_timeout", Enforcement.ENFORCED),
    OptionReport("limits.background_grace", Enforcement.ENFORCED),
    OptionReport(
        "limits.output_bytes",
        Enforcement.BEST_EFFORT,
        "counted as it is read: the turn is interrupted after the line that passes the limit",
    ),
)


def host_limits(controllers: frozenset[str], why_not: str) -> Sequence[OptionReport]:
    """Return how this host enforces limits.

    `controllers` are those that hold in our control groups, `why_not` says why others do not.
    """
    memory = OptionReport("limits.memory_bytes", Enforcement.ENFORCED)
    if "memory" not in controllers:
        watched = (
            f"the memory of the process and all it started is summed up every {EVERY.total_seconds():g} s, "
            "and all of them are killed above the limit"
        )
        memory = OptionReport("limits.memory_bytes", Enforcement.BEST_EFFORT, f"{why_not}: {watched}")
    cpu = OptionReport("limits.cpu", Enforcement.ENFORCED)
    if "cpu" not in controllers:
        reason = f"{why_not}, and nothing else bounds a group's processors"
        cpu = OptionReport("limits.cpu", Enforcement.UNSUPPORTED, reason)
    return memory, cpu, *_OF_EVERY_HOST
