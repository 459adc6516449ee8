"""The published protos compile with the compiler of a distribution, years older than ours (3.21 in Debian 12)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deploy.programs import program

PROTOS = Path(__file__).parents[2] / "protos"
SOURCES = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))


@pytest.mark.parametrize("language", ["cpp", "csharp", "java", "objc", "php", "python", "ruby"])
def test_a_distributions_compiler_takes_the_protos(language: str, tmp_path: Path) -> None:
    protoc = program("protoc", "protobuf-compiler and libprotobuf-dev")
    ran = subprocess.run(
        [protoc, f"--proto_path={PROTOS}", f"--{language}_out={tmp_path}", *SOURCES],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) >= len(SOURCES)
