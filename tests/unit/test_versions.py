"""A release is one number: the server and every client name the same one."""

import json
import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

REPOSITORY = Path(__file__).parents[2]
CLIENTS = REPOSITORY / "clients"
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
ASSIGNED = re.compile(r'(?:__version__|const Version) = "(.+)"')


def assigned(path: Path) -> str:
    (version,) = ASSIGNED.findall(path.read_text())
    return str(version)


def go(folder: Path) -> set[str]:
    return {assigned(folder / "doc.go")}


def java(folder: Path) -> set[str]:
    return {ElementTree.parse(folder / "pom.xml").findtext("{*}version", "")}


def python(folder: Path) -> set[str]:
    return {assigned(folder / "src" / "greenroom" / "__init__.py")}


def rust(folder: Path) -> set[str]:
    locked = tomllib.loads((folder / "Cargo.lock").read_text())["package"]
    manifest = tomllib.loads((folder / "Cargo.toml").read_text())
    return {each["version"] for each in [manifest["package"], *locked] if each["name"] == "greenroom"}


def typescript(folder: Path) -> set[str]:
    manifest, lock = (
        json.loads((folder / name).read_text()) for name in ("package.json", "package-lock.json")
    )
    return {manifest["version"], lock["version"], lock["packages"][""]["version"]}


VERSIONS = {"go": go, "java": java, "python": python, "rust": rust, "typescript": typescript}


@pytest.mark.parametrize("client", [folder.name for folder in sorted(CLIENTS.iterdir()) if folder.is_dir()])
def test_a_client_has_the_version_of_the_server(client: str) -> None:
    assert VERSIONS[client](CLIENTS / client) == {PROJECT["version"]}


def test_the_server_asks_for_the_client_of_its_own_version() -> None:
    (pinned,) = (each for each in PROJECT["dependencies"] if each.startswith("greenroom=="))
    assert pinned == f"greenroom=={PROJECT['version']}"
