"""Measures what our processes use, each with everything that it started."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from greenroomd.app.ports.resource_usage import ResourceUsage
from greenroomd.processes.host.memory_watchdog import Ward, members_of
from greenroomd.processes.linux import procfs


def usage_of(wards: Sequence[Ward]) -> Mapping[int, ResourceUsage]:
    """Return what the processes of each ward use now, by its leader's pid, in one pass over the machine's processes.

    A ward that has ended has no entry. Memory that processes share counts for each of them. Blocks; raises OSError.
    """
    members: defaultdict[int, list[int]] = defaultdict(list)
    for leader, pid in members_of(wards):
        members[leader].append(pid)
    return {
        leader: ResourceUsage(
            memory_bytes=sum(map(procfs.resident_bytes, pids)),
            cpu_time=timedelta(seconds=sum(map(procfs.cpu_seconds, pids))),
            process_count=len(pids),
        )
        for leader, pids in members.items()
    }
