"""Compare this checkout with another one: `python -m benchmarks.against BASE`, where BASE is the other's path.

Each checkout runs its own benchmarks with its own `.venv`, one part at a time, in turns: base, this, base, this. If the
machine becomes slower meanwhile, both suffer alike. What is compared are the medians of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks import requirements
from benchmarks.__main__ import PARTS
from benchmarks.goals import is_yardstick, more_is_better

HERE = Path(__file__).parents[1]
LEAST_RATIO = 0.97


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of both checkouts, with a value for each round."""

    name: str
    base: list[float] = field(default_factory=list)
    this: list[float] = field(default_factory=list)

    def ratio(self) -> float | None:
        """Return how good this checkout is beside the base, above 1 if better; None without two positive medians."""
        base, this = median(self.base), median(self.this)
        if min(base, this) <= 0:
            return None
        return this / base if more_is_better(self.name) else base / this

    def verdict(self) -> str:
        """Return "worse" if the ratio is too small, with a word if the rounds of both overlap; else ""."""
        ratio = self.ratio()
        if is_yardstick(self.name):
            return "yardstick"
        if ratio is None:
            return "no ratio"
        if ratio >= LEAST_RATIO:
            return ""
        overlap = min(self.base) <= max(self.this) and min(self.this) <= max(self.base)
        return "worse, rounds overlap" if overlap else "worse"


def main() -> int:
    """Compare; return 1 if a figure is worse than the base, 2 if it could not be measured."""
    options = argparse.ArgumentParser(prog="benchmarks.against", description=__doc__)
    options.add_argument("base", type=Path, help="path of the other checkout, set up with `make setup`")
    options.add_argument("--this", type=Path, default=HERE, help="path of the checkout to judge")
    options.add_argument("--only", choices=PARTS, action="append", help="compare only this part")
    options.add_argument("--quick", action="store_true", help="fewer of everything but sessions")
    options.add_argument("--rounds", type=int, default=3, help="runs of each part in each checkout")
    chosen = options.parse_args()
    parts = chosen.only or PARTS
    checkouts = {"base": chosen.base.resolve(), "this": chosen.this.resolve()}
    problems = [
        f"{path}: no .venv, run `make setup` there"
        for path in checkouts.values()
        if not (path / ".venv" / "bin" / "python").exists()
    ] + asyncio.run(requirements.missing(parts))
    if problems:
        print(*problems, sep="\n", file=sys.stderr)
        return 2
    arguments = ["--quick"] if chosen.quick else []
    worse = False
    try:
        for part in parts:
            comparisons = _compare(checkouts, part, arguments, chosen.rounds)
            Console(width=120).print(_table(comparisons))
            worse = worse or any(each.verdict().startswith("worse") for each in comparisons)
    except subprocess.CalledProcessError as error:
        print(error, file=sys.stderr)
        return 2
    return 1 if worse else 0


def _compare(
    checkouts: Mapping[str, Path], part: str, arguments: Sequence[str], rounds: int
) -> list[Comparison]:
    measured: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number in range(rounds):
        for which, checkout in checkouts.items():
            print(f"{part}, round {number + 1} of {rounds}: {which}", file=sys.stderr)
            for name, value in _run(checkout, "--only", part, *arguments).items():
                measured[name][which].append(value)
    return [
        Comparison(name, values["base"], values["this"])
        for name, values in measured.items()
        if set(values) == set(checkouts)  # a figure that only one checkout measures has no counterpart
    ]


def _run(checkout: Path, *arguments: str) -> dict[str, float]:
    """Run the benchmarks of a checkout; raise CalledProcessError if it could not measure."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "bench.json"
        command = [str(checkout / ".venv/bin/python"), "-m", "benchmarks", "--out", str(out), *arguments]
        done = subprocess.run(
            command, cwd=checkout, env={**environment, "PYTHONPATH": ".:tests"},
            stdout=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        if done.returncode not in (0, 1):  # 1: a goal is missed
            raise subprocess.CalledProcessError(done.returncode, command)
        figures: dict[str, float] = json.loads(out.read_text(encoding="utf-8"))
        return figures


def _table(comparisons: Sequence[Comparison]) -> Table:
    table = Table("figure", "base: min, median, max", "this: min, median, max", "ratio", "")
    table.columns[0].no_wrap = True
    for each in comparisons:
        ratio = each.ratio()
        table.add_row(
            each.name, _spread(each.base), _spread(each.this),
            "" if ratio is None else f"{ratio:.3f}", each.verdict(),
        )  # fmt: skip
    return table


def _spread(values: Sequence[float]) -> str:
    return f"{min(values):.4g}, {median(values):.4g}, {max(values):.4g}"


if __name__ == "__main__":
    sys.exit(main())
