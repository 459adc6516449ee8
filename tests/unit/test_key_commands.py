"""What `greenroomd keys` refuses, and what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from greenroomd.__main__ import app


def keys(tmp_path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["keys", *arguments], env={"GREENROOM_STATE_DIR": str(tmp_path)})


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["create", "--name", "x", "--grant", "lab"], "is no grant"),
        (["create", "--name", "x", "--grant", "Lab=viewer"], "is no workspace"),
        (["create", "--name", "", "--grant", "lab=viewer"], "--name"),
        (["create", "--name", "x", "--grant", "lab=viewer", "--expires", "soon"], "--expires"),
        (["create", "--name", "x", "--grant", "lab=viewer", "--expires", "9999999999d"], "--expires"),
        (["revoke", "0123456789ab"], "there is no key"),
        (["grant", "0123456789ab", "--grant", "lab=viewer"], "there is no key"),
    ],
)
def test_what_cannot_be_done_is_refused(tmp_path: Path, arguments: list[str], problem: str) -> None:
    refused = keys(tmp_path, *arguments)
    assert refused.exit_code == 2
    assert problem in refused.stderr
    assert refused.stdout == ""


def test_a_token_is_printed_alone_and_never_again(tmp_path: Path) -> None:
    made = keys(tmp_path, "create", "--name", "ci", "--grant", "lab=operator", "--expires", "90d")
    assert made.exit_code == 0
    prefix, key_id, secret = made.stdout.strip().split("_")
    assert (prefix, len(key_id), len(secret)) == ("gr", 12, 64)
    assert f"key {key_id} (ci) may do lab=operator, until " in made.stderr
    listed = keys(tmp_path, "list")
    assert key_id in listed.stdout
    assert secret not in f"{listed.stdout}{listed.stderr}{made.stderr}"
    assert not any(secret.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
