"""Defaults that depend on the size of the host."""

import os
import resource
from pathlib import Path

import psutil

PROCESSES_PER_CORE = 4

MEMORY_PER_PROCESS = 256 * 2**20
"""Memory in bytes to reserve for one CLI process."""

MEMORY_FOR_SERVER = 512 * 2**20
"""Memory in bytes to reserve for the server itself."""

DESCRIPTORS_PER_PROCESS = 8
"""Files that the server has open for one CLI process: pipes, its pidfd, and files that it reads briefly."""

DESCRIPTORS_FOR_SERVER = 100
"""Files that the server has open for itself: database connections, logs, event loops."""

MOST_CONNECTIONS = 16_384
"""The highest default for the number of connections."""

FEWEST_CONNECTIONS = 64
"""The lowest one: with fewer, a health probe beside a few clients is refused."""


def processes_that_fit(cores: int, memory_bytes: int) -> int:
    """Return how many CLI processes fit a host: four per core, and 256 MiB each beside 512 MiB for the server."""
    by_memory = (memory_bytes - MEMORY_FOR_SERVER) // MEMORY_PER_PROCESS
    return max(1, min(cores * PROCESSES_PER_CORE, by_memory))


def default_max_processes() -> int:
    """Return how many CLI processes fit this host, or the container in which the server runs."""
    memory = psutil.virtual_memory().total
    share = Path("/sys/fs/cgroup/memory.max")  # a container's share of the memory
    if share.is_file() and (limit := share.read_text(encoding="ascii").strip()).isdecimal():
        memory = min(memory, int(limit))
    return processes_that_fit(os.cpu_count() or 1, memory)


def connections_that_fit(descriptors: int, max_processes: int) -> int:
    """Return how many connections fit: at most half of the descriptors, and what the processes and the server leave.

    It is never less than 64; the start warns when that is more than the descriptors allow.
    """
    left = descriptors - descriptors_needed(max_processes, 0)
    return max(FEWEST_CONNECTIONS, min(MOST_CONNECTIONS, descriptors // 2, left))


def descriptors_needed(max_processes: int, max_connections: int) -> int:
    """Return how many descriptors the server has open when all its processes and connections are there."""
    return max_processes * DESCRIPTORS_PER_PROCESS + DESCRIPTORS_FOR_SERVER + max_connections


def default_max_connections(max_processes: int) -> int:
    """Return how many connections to accept, assuming that the server raises its descriptor limit to the hard limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if hard == resource.RLIM_INFINITY else connections_that_fit(hard, max_processes)
