"""What this way of running processes can enforce, said honestly."""

from __future__ import annotations

from greenroomd.domain.enforcement import Enforcement, OptionReport
from greenroomd.processes.memory import EVERY

HOST_LIMITS = (
    OptionReport(
        "limits.memory_bytes",
        Enforcement.BEST_EFFORT,
        f"no cgroup is used: the memory of the process and all it started is summed up every "
        f"{EVERY.total_seconds():g} s, and all of them are killed above the limit",
    ),
    OptionReport(
        "limits.cpu",
        Enforcement.UNSUPPORTED,
        "no cgroup is used, and nothing else bounds a group's processors",
    ),
    OptionReport("limits.max_duration", Enforcement.ENFORCED),
    OptionReport("limits.idle_timeout", Enforcement.ENFORCED),
    OptionReport("limits.turn_timeout", Enforcement.ENFORCED),
    OptionReport(
        "limits.output_bytes",
        Enforcement.BEST_EFFORT,
        "counted as it is read: the turn is interrupted after the line that passes the limit",
    ),
)
"""How each limit of a session holds: every host is treated alike, as one without a delegated cgroup."""
