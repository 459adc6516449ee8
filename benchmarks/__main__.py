"""Run the benchmarks: a table on the terminal, and build/bench.json with flat keys and numbers."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import load, pool, sessions, starts, watching
from contract.postgres import running_postgres

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
PARTS = ("sessions", "watching", "pool", "starts")


def main() -> int:
    """Measure everything; exit 1 if a goal is missed, 2 if it could not be measured."""
    options = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    options.add_argument("--out", type=Path, default=Path("build/bench.json"))
    options.add_argument("--only", choices=PARTS, action="append", help="measure only this part")
    options.add_argument("--quick", action="store_true", help="fewer of everything but sessions")
    chosen = options.parse_args()
    try:
        load.require_h2load()
        figures = asyncio.run(_figures(chosen.only or PARTS, quick=chosen.quick))
    except load.LoadFailed as error:
        print(error, file=sys.stderr)
        return 2
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    table = Table("figure", "measured", "goal", "")
    missed = 0
    for name, value in figures.items():
        relation, goal = GOALS.get(name, ("", None))
        kept = goal is None or (value >= goal if relation == ">=" else value <= goal)
        missed += not kept
        table.add_row(name, f"{value:.3g}", f"{relation} {goal}" if goal else "", "" if kept else "missed")
    Console().print(table)
    return 1 if missed else 0


async def _figures(parts: Sequence[str], *, quick: bool) -> dict[str, float]:
    measured: dict[str, float] = {}
    if "sessions" in parts:
        with running_postgres(durable=True) as postgres:
            measured |= await sessions.figures(postgres.url(postgres.new_database()))
    if "watching" in parts:
        measured |= await watching.figures(watching.QUICK if quick else watching.Sizes())
    if "pool" in parts:
        measured |= await pool.figures(pool.QUICK if quick else pool.Sizes())
    if "starts" in parts:
        measured |= await starts.figures(starts.QUICK if quick else starts.Sizes())
    return measured


if __name__ == "__main__":
    sys.exit(main())
