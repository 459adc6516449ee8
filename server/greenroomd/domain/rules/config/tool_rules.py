"""Validates tool rules: `Tool`, `Tool(content)`, `mcp__server` or `mcp__server__tool`.

The grammar is the CLI's own (2.1.330): a rule ends at its last `)`, and parentheses inside the content are literal. Two
things are stricter here. A rule that the CLI would accept but never match (`bash`, `Bash()`, a pattern on an MCP tool)
is an error, since nobody would notice otherwise. An entry that the flag's parser would split into two rules is refused,
so that one entry of the list is one rule for the CLI too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from greenroomd.domain.errors import Violation
from greenroomd.domain.rules.checks import shown

MAX_RULES = 128
MAX_RULE_LENGTH = 512  # 128 of them, joined, still fit into one argument of a Linux process (128 KiB)

_FORM = re.compile(r"([A-Za-z0-9_*-]+)(?:\((.*)\))?", re.DOTALL)
_SCOPED_WILDCARD = re.compile(r"mcp__[^*]+__[^*]*\*[^*]*")
# The flag's parser takes every `)` as the end of the content, until the next `(`.
_SPLIT = re.compile(r"\)[^(]*[ ,]")


def tool_rule_problem(rule: str, *, allows: bool) -> str | None:
    """Return what is wrong with one rule, or None; `allows`: whether it is in `allowed_tools`."""
    if len(rule) > MAX_RULE_LENGTH:
        return f"must be at most {MAX_RULE_LENGTH} characters, is {len(rule)}"
    if "\0" in rule:
        return "must not hold the NUL character"
    form = _FORM.fullmatch(rule)
    if form is None:
        return f"must be Tool, Tool(content), mcp__server or mcp__server__tool, is {shown(rule)}"
    name, content = form.groups()
    return _name_problem(name, allows=allows) or _content_problem(name, content)


def _name_problem(name: str, *, allows: bool) -> str | None:
    if name.startswith("mcp__") and not all(name.split("__")):
        return f"must name a server, as in mcp__server or mcp__server__tool, is {shown(name)}"
    if "*" in name and allows and not _SCOPED_WILDCARD.fullmatch(name):
        return f"may use * in an allowed tool's name only after mcp__server__, is {shown(name)}"
    if "_" not in name and name[0].islower():
        return f"must begin with a capital letter, as the CLI's tools do, is {shown(name)}"
    return None


def _content_problem(name: str, content: str | None) -> str | None:
    if content is None:
        return None
    if name.startswith("mcp__"):
        return f"must not have parentheses: the CLI knows no patterns for MCP tools, is {shown(name)}(…)"
    if not content.strip():
        return f"must have something between the parentheses; write {name} for every use of the tool"
    if _SPLIT.search(content):
        return "must not have a blank or comma behind an inner ')': the CLI would read two rules"
    return None


def tool_violations(
    allowed: Sequence[str], disallowed: Sequence[str], *, prefix: str = "config"
) -> list[Violation]:
    """Return every invalid entry of both lists; entries beyond MAX_RULES are only counted."""
    found = [
        *rule_list_violations(allowed, f"{prefix}.allowed_tools", allows=True),
        *rule_list_violations(disallowed, f"{prefix}.disallowed_tools", allows=False),
    ]
    places = {rule: index for index, rule in reversed(list(enumerate(allowed)))}
    for index, rule in enumerate(disallowed[:MAX_RULES]):
        if rule in places:
            problem = f"must not be in both lists: it is allowed_tools[{places[rule]}] too"
            found.append(Violation(f"{prefix}.disallowed_tools[{index}]", problem))
    return found


def rule_list_violations(rules: Sequence[str], path: str, *, allows: bool) -> list[Violation]:
    """Return every invalid entry of one list; entries beyond MAX_RULES are only counted."""
    found = []
    if len(rules) > MAX_RULES:
        found.append(Violation(path, f"must have at most {MAX_RULES} rules, has {len(rules)}"))
    first: dict[str, int] = {}
    for index, rule in enumerate(rules[:MAX_RULES]):
        problem = tool_rule_problem(rule, allows=allows)
        if problem is None and first.setdefault(rule, index) != index:
            problem = f"must not repeat a rule: it is the same as [{first[rule]}]"
        if problem is not None:
            found.append(Violation(f"{path}[{index}]", problem))
    return found
