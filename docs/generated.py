"""Write the parts of the documents that the code already says; with --check, only tell whether they are fresh.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->` in any Markdown file of this directory. A new part
is one more function in PARTS.
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from google.rpc.code_pb2 import Code

from greenroomd.domain.rules.config.environment_rules import RESERVED
from greenroomd.domain.rules.config.settings_rules import ACCEPTED, REFUSED
from greenroomd.domain.states import TRANSITIONS, Signal, State
from greenroomd.rpc.access.access_table import ACCESS
from greenroomd.rpc.convert.problems import PROBLEMS
from greenroomd.rpc.error_advice import ADVICE
from greenroomd.rpc.error_metadata import METADATA
from greenroomd.rpc.status import STATUS, detail_kinds
from greenroomd.settings.load import CONFIG, PREFIX
from greenroomd.settings.record import Settings

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


def states_table() -> str:
    """Every state against every signal; a cell is the state after it, empty where the signal is refused."""
    lines = ["| " + " | ".join(["State", *(f"`{signal}`" for signal in Signal)]) + " |"]
    lines.append("|" + " --- |" * (len(Signal) + 1))
    for state, row in TRANSITIONS.items():
        targets = [row[signal].name if signal in row else "" for signal in Signal]
        lines.append("| " + " | ".join([f"**{state.name}**", *targets]) + " |")
    return "\n".join(lines)


def states_diagram() -> str:
    """The same as a diagram; signals that lead from one state to the same other share an arrow."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for state, row in TRANSITIONS.items():
        for signal, target in row.items():
            arrows.setdefault((state, target), []).append(signal)
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {next(iter(TRANSITIONS)).name}"]
    lines += [f"    {a.name} --> {b.name}: {' / '.join(signals)}" for (a, b), signals in arrows.items()]
    lines += [f"    {state.name} --> [*]" for state, row in TRANSITIONS.items() if not row]
    return "\n".join([*lines, "```"])


def reserved_table() -> str:
    """Every reserved variable, those with the same reason together."""
    return _by_reason("Reserved", RESERVED)


def _by_reason(heading: str, reasons: Mapping[str, str]) -> str:
    names: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names.setdefault(reason, []).append(f"`{name}`")
    lines = [f"| {heading} | Because |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {', '.join(same)} | {reason} |" for reason, same in names.items())])


def accepted_settings_table() -> str:
    """Every setting of the CLI that a session may give, but for the objects with rules of their own."""
    lines = ["| Accepted in `settings` | What it does |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| `{name}` | {effect} |" for name, (_, effect) in ACCEPTED.items())])


def refused_settings_table() -> str:
    """Every setting that is refused with a reason of its own, those with the same reason together."""
    return _by_reason("Refused in `settings`", REFUSED)


def call_errors_table() -> str:
    """Every error with which a call can fail, by its reason."""
    rows: dict[str, tuple[str, Iterable[str], Iterable[str]]] = {
        reason: (code.name, METADATA.get(kind, {}), [each.DESCRIPTOR.name for each in detail_kinds(kind)])
        for kind, (code, reason) in STATUS.items()
    }
    rows["INTERNAL"] = ("INTERNAL", ["correlation_id"], [])
    return _errors_table(rows)


def background_errors_table() -> str:
    """Every error that a session or a turn can have, by its reason."""
    return _errors_table(
        {
            reason: (Code.Name(kind.code), kind.metadata, ["RetryInfo"] if kind.delays else [])
            for reason, kind in PROBLEMS.items()
        }
    )


def _errors_table(rows: Mapping[str, tuple[str, Iterable[str], Iterable[str]]]) -> str:
    lines = ["| Reason | Code | Metadata | Details | Repeat? | What to do |", "|" + " --- |" * 6]
    for reason, (code, keys, kinds) in rows.items():
        repeat, action = ADVICE[reason]
        told = ", ".join(f"`{key}`" for key in keys)
        lines.append(f"| `{reason}` | {code} | {told} | {', '.join(kinds)} | {repeat} | {action} |")
    return "\n".join(lines)


def access_table() -> str:
    """Every RPC with the role that it needs, and what in the request tells where."""
    lines = ["| RPC | Role | Where |", "| --- | --- | --- |"]
    for name, rule in ACCESS.items():
        role = "any caller" if rule.role is None else f"`{rule.role.name.lower()}`"
        where = rule.names.__name__.strip("_").replace("_", " ")
        lines.append(f"| {name.partition('/')[2]} | {role} | {'' if where == 'nothing' else where} |")
    return "\n".join(lines)


PARTS: Mapping[str, Callable[[], str]] = {
    "settings": settings_table,
    "states": states_table,
    "states-diagram": states_diagram,
    "reserved-variables": reserved_table,
    "accepted-settings": accepted_settings_table,
    "refused-settings": refused_settings_table,
    "access": access_table,
    "errors-of-calls": call_errors_table,
    "errors-in-the-background": background_errors_table,
}


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
