"""The documents that say where things are name files that exist, and link to pages that exist."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SERVER = REPOSITORY / "server" / "greenroomd"
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
NAMES_FILES = [
    REPOSITORY / "README.md",
    *(REPOSITORY / "docs" / f"{page}.md" for page in ("architecture", "glossary")),
]
FILE = re.compile(r"`((?:[\w.]+/)+(?:\w+\.\w+)?)`")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
UNMERGED = re.compile(r"^(?:<{7} .*|={7}|>{7} .*)$", re.MULTILINE)


@pytest.mark.parametrize("page", NAMES_FILES, ids=lambda page: page.name)
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = FILE.findall(page.read_text())
    assert named
    missing = [name for name in named if not any((root / name).exists() for root in (SERVER, REPOSITORY))]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    linked = LINK.findall(page.read_text())
    assert [target for target in linked if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_merge_is_left_half_done(page: Path) -> None:
    assert UNMERGED.findall(page.read_text()) == []
