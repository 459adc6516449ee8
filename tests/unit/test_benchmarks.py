"""The benchmarks' own logic: what they need is named at once, and a comparison points the right way."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import measured_servers

REPOSITORY = Path(__file__).parents[2]
FIGURES = """
import json, pathlib, sys
out, part = (sys.argv[sys.argv.index(option) + 1] for option in ("--out", "--only"))
journal = pathlib.Path(__file__).parents[2] / "journal"
with journal.open("a") as lines:
    print(pathlib.Path(__file__).parents[1].name, part, file=lines)
pathlib.Path(out).write_text(json.dumps({figures}))
"""


def benchmarks(*arguments: str, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    """Run a module of the benchmarks to its end."""
    environment = {**os.environ, "PATH": path, "PYTHONPATH": ".:tests"}
    environment.pop(measured_servers.VARIABLE, None)  # coverage of them would measure nothing of the server
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def checkout(folder: Path, **figures: float) -> Path:
    """Make a checkout whose benchmarks measure always the same."""
    (folder / "benchmarks").mkdir(parents=True)
    (folder / "benchmarks" / "__main__.py").write_text(FIGURES.replace("{figures}", repr(figures)))
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    return folder


def compared(base: Path, this: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Compare two checkouts in the part `pool`, which needs nothing from the machine."""
    options = ["--only", "pool", "--rounds", "2", *arguments]
    return benchmarks("benchmarks.against", "--this", str(this), str(base), *options)


def verdict(printed: str, figure: str) -> str:
    """Return the last column of the row of a figure."""
    (row,) = (line for line in printed.splitlines() if figure in line)
    return row.split("│")[-2].strip()


@pytest.mark.parametrize("module", [["benchmarks"], ["benchmarks.against", str(REPOSITORY)]])
def test_what_is_missing_is_named_before_anything_is_measured(module: list[str]) -> None:
    began = time.monotonic()
    done = benchmarks(*module, path="/nonexistent")
    assert done.returncode == 2
    assert "h2load is missing: install Debian's nghttp2-client" in done.stderr.splitlines()
    assert time.monotonic() - began < 60


def test_checkouts_take_turns_and_equal_ones_are_not_worse(tmp_path: Path) -> None:
    figures = {"turns_over_8_slots_per_s": 10.0, "fanout_p99_ms": 3.0}
    done = compared(checkout(tmp_path / "a", **figures), checkout(tmp_path / "b", **figures))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "journal").read_text().split("\n")[:-1] == ["a pool", "b pool"] * 2


@pytest.mark.parametrize(
    ("figure", "base", "this", "expected"),
    [
        ("turns_over_8_slots_per_s", 100.0, 96.0, "worse"),
        ("turns_over_8_slots_per_s", 100.0, 110.0, ""),
        ("fanout_200_vs_bare", 5.0, 4.0, "worse"),
        ("fanout_cpu_vs_bare", 1.0, 1.1, "worse"),
        ("fanout_p99_ms", 10.0, 11.0, "worse"),
        ("fanout_p99_ms", 10.0, 9.0, ""),
        ("append_500k_vs_1k", 1.0, 1.1, "worse"),
        ("rss_bytes_per_suspended_session", 100.0, 0.0, "no ratio"),
        ("bare_per_s", 100.0, 50.0, "yardstick"),
    ],
)
def test_worse_is_less_of_a_rate_and_more_of_a_cost(
    tmp_path: Path, figure: str, base: float, this: float, expected: str
) -> None:
    done = compared(checkout(tmp_path / "a", **{figure: base}), checkout(tmp_path / "b", **{figure: this}))
    assert verdict(done.stdout, figure) == expected, done.stderr
    assert done.returncode == (1 if expected == "worse" else 0)


def test_a_checkout_that_was_not_set_up_is_named(tmp_path: Path) -> None:
    done = compared(tmp_path, tmp_path)
    assert done.returncode == 2
    assert "no .venv, run `make setup` there" in done.stderr
