"""The goal of each figure, and whether more of it or less of it is better."""

from __future__ import annotations

GOALS = {
    "get_session_vs_bare": (">=", 0.6),
    "create_session_vs_bare_sqlite": (">=", 0.45),
    "create_session_vs_bare_postgres": (">=", 0.3),
    "list_page_1m_vs_1k": ("<=", 1.3),
    "get_1m_vs_1k": ("<=", 1.3),
    "start_100k_sessions_s": ("<=", 2.0),
    "fanout_1000_vs_bare": (">=", 5),
    "fanout_p99_ms": ("<=", 30),
    "fanout_cpu_vs_bare": ("<=", 1.2),
    "durable_events_per_s": (">=", 15_000),
    "line_to_watcher_ms_p50": ("<=", 3),
    "stalled_p99_ratio": ("<=", 1.2),
    "stalled_memory_mib": ("<=", 64),
    "replay_events_per_s": (">=", 150_000),
    "append_10m_vs_1k": ("<=", 1.3),
    "rss_bytes_per_suspended_session": ("<=", 4096),
    "most_processes_over_8_slots": ("<=", 8),
    "warm_ready_over_late_initialize_ms": ("<=", 10),
    "turn_vs_sdk": ("<=", 1.05),
    "resume_vs_bare_cli": ("<=", 1.3),
}
_YARDSTICKS = ("bare_", "sdk_", "late_initialize_")


def is_kept(name: str, value: float) -> bool:
    """Return whether a figure reaches its goal; one without a goal does."""
    relation, goal = GOALS.get(name, ("", None))
    return goal is None or (value >= goal if relation == ">=" else value <= goal)


def more_is_better(name: str) -> bool:
    """Return whether a figure is a rate, or the quotient of two rates; all others are times, sizes or costs."""
    if name in GOALS:
        return GOALS[name][0] == ">="
    return "_per_s" in name or name.endswith("_vs_bare")


def is_yardstick(name: str) -> bool:
    """Return whether a figure measures something else than this server: it shows how steady the machine was."""
    return name.startswith(_YARDSTICKS)
