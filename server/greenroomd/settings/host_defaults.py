"""Defaults that follow from the size of the host."""

import os
from pathlib import Path

import psutil

PROCESSES_PER_CORE = 4

MEMORY_PER_PROCESS = 256 * 2**20
"""Memory in bytes that one CLI process is reckoned with."""

MEMORY_FOR_SERVER = 512 * 2**20
"""Memory in bytes that is left to the server itself."""


def processes_that_fit(cores: int, memory_bytes: int) -> int:
    """How many CLI processes a host holds: four to a core, and 256 MiB each beside 512 MiB for the server."""
    by_memory = (memory_bytes - MEMORY_FOR_SERVER) // MEMORY_PER_PROCESS
    return max(1, min(cores * PROCESSES_PER_CORE, by_memory))


def default_max_processes() -> int:
    """Return how many CLI processes this host holds, or the container in which the server runs."""
    memory = psutil.virtual_memory().total
    share = Path("/sys/fs/cgroup/memory.max")  # a container's part of the machine
    if share.is_file() and (limit := share.read_text(encoding="ascii").strip()).isdecimal():
        memory = min(memory, int(limit))
    return processes_that_fit(os.cpu_count() or 1, memory)
