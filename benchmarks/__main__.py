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

from benchmarks import load, pool, requirements, sessions, starts, watching
from benchmarks.goals import GOALS, is_kept
from contract.postgres import running_postgres

PARTS = ("sessions", "watching", "pool", "starts")


def main() -> int:
    """Measure everything; exit 1 if a goal is missed, 2 if it could not be measured."""
    options = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    options.add_argument("--out", type=Path, default=Path("build/bench.json"))
    options.add_argument("--only", choices=PARTS, action="append", help="measure only this part")
    options.add_argument("--quick", action="store_true", help="fewer of everything but sessions")
    chosen = options.parse_args()
    parts = chosen.only or PARTS
    if missing := asyncio.run(requirements.missing(parts)):
        print(*missing, sep="\n", file=sys.stderr)
        return 2
    try:
        figures = asyncio.run(_figures(parts, quick=chosen.quick))
    except load.LoadFailed as error:
        print(error, file=sys.stderr)
        return 2
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    table = Table("figure", "measured", "goal", "")
    missed = 0
    for name, value in figures.items():
        kept = is_kept(name, value)
        missed += not kept
        goal = "{} {}".format(*GOALS[name]) if name in GOALS else ""
        table.add_row(name, f"{value:.3g}", goal, "" if kept else "missed")
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
