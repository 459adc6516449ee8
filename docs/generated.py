"""Write the parts of the documents that the code already says; with --check, only tell whether they are fresh.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->` in any Markdown file of this directory. A new part
is one more function in PARTS.
"""

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from greenroomd.settings import CONFIG, PREFIX, Settings

DOCS = Path(__file__).resolve().parent
PART = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def settings_table() -> str:
    """Every setting in the order of the code, with its default where that is the same everywhere."""
    defaults = Settings().redacted()
    lines = ["| Variable | Default | Meaning |", "| --- | --- | --- |"]
    for key, setting in Settings.model_fields.items():
        default = "" if setting.default_factory else defaults[key]
        shown = f"`{default}`" if default else "-"
        lines.append(f"| `{PREFIX}{key.upper()}` | {shown} | {setting.description} |")
    lines.append(f"| `{CONFIG}` | - | A TOML file with any of the settings above |")
    return "\n".join(lines)


PARTS: Mapping[str, Callable[[], str]] = {"settings": settings_table}


def refreshed(text: str) -> str:
    """Return a document with its generated parts as they must be; KeyError for a part that nobody writes."""
    return PART.sub(lambda found: f"{found[1]}{PARTS[found[2]]()}\n{found[3]}", text)


def main() -> None:
    """Refresh every document; with --check, exit 1 naming those that are stale and leave them alone."""
    stale = []
    for document in sorted(DOCS.rglob("*.md")):
        text = document.read_text(encoding="utf-8")
        fresh = refreshed(text)
        if fresh != text and "--check" in sys.argv[1:]:
            stale.append(str(document.relative_to(DOCS.parent)))
        elif fresh != text:
            document.write_text(fresh, encoding="utf-8")
    if stale:
        sys.exit(f"stale, renew with `make generate`: {', '.join(stale)}")


if __name__ == "__main__":
    main()
