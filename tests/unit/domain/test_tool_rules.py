"""Which tool rules are taken, and that no entry can become two rules for the CLI."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroomd.domain.rules.config.tool_rules import (
    MAX_RULE_LENGTH,
    MAX_RULES,
    tool_rule_problem,
    tool_violations,
)


def split_as_the_cli_does(flag: str) -> list[str]:
    """Read a value of --allowedTools as the CLI (2.1.330) does: split at blanks and commas outside parentheses."""
    rules, inside = [""], False
    for character in flag:
        inside = character == "(" or (inside and character != ")")
        if character in " ," and not inside:
            rules.append("")
        else:
            rules[-1] += character
    return [rule for rule in rules if rule]


@pytest.mark.parametrize(
    "rule",
    [
        "Read",
        "Bash(git *)",
        "Bash(npm run test:*)",
        "Bash(echo (literal))",
        "Bash(x)-(y z)",
        "Edit(/src/**/*.py)",
        "WebFetch(domain:example.com)",
        "Task(Explore)",
        "mcp__server",
        "mcp__my_server",
        "mcp__my-server__tool_name",
        "mcp__server__*",
        "mcp__server__get_*",
        "exit_plan_mode",
        "R" * MAX_RULE_LENGTH,
    ],
)
def test_a_rule_of_the_clis_grammar_is_good(rule: str) -> None:
    assert tool_rule_problem(rule, allows=True) is None
    assert tool_rule_problem(rule, allows=False) is None


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("", "must be Tool"),
        (" Read", "must be Tool"),
        ("Read Write", "must be Tool"),
        ("Read,Write", "must be Tool"),
        ("Bash(git *", "must be Tool"),
        ("Bash)", "must be Tool"),
        ("Bash(git *) ", "must be Tool"),
        ("(git *)", "must be Tool"),
        ("--help()", "between the parentheses"),
        ("Bash()", "between the parentheses"),
        ("Bash( )", "between the parentheses"),
        ("Bash(a\0b)", "NUL"),
        ("bash", "capital letter"),
        ("bash(git *)", "capital letter"),
        ("mcp__", "name a server"),
        ("mcp____tool", "name a server"),
        ("mcp__server__", "name a server"),
        ("mcp__server__tool(x)", "no patterns for MCP tools"),
        ("Bash(ls) Write(/etc/*)", "two rules"),
        ("Bash(ls),Write(/etc/*)", "two rules"),
        ("Bash((ls)-x Write)", "two rules"),
        ("R" * (MAX_RULE_LENGTH + 1), "at most 512 characters"),
    ],
)
def test_any_other_rule_is_refused_with_the_reason(rule: str, says: str) -> None:
    for allows in (True, False):
        assert says in (tool_rule_problem(rule, allows=allows) or "")


@pytest.mark.parametrize("rule", ["*", "Web*", "mcp__*", "mcp__*__get"])
def test_a_wildcard_may_deny_what_it_may_not_allow(rule: str) -> None:
    assert tool_rule_problem(rule, allows=False) is None
    assert "only after mcp__server__" in (tool_rule_problem(rule, allows=True) or "")


@given(st.from_regex(r"\A(Bash|Read|mcp__a__b)?[(), a*\\]{0,12}\Z"))
def test_a_good_rule_stays_one_rule_on_the_command_line(rule: str) -> None:
    if tool_rule_problem(rule, allows=True) is None:
        assert split_as_the_cli_does(rule) == [rule]
        assert split_as_the_cli_does(f"Read,{rule},Edit") == ["Read", rule, "Edit"]


def test_paths_name_list_and_place() -> None:
    found = tool_violations(["Read", "bash"], ["Write", "Edit", "web"])
    assert [violation.field for violation in found] == [
        "config.allowed_tools[1]",
        "config.disallowed_tools[2]",
    ]


def test_no_rule_is_in_both_lists_or_twice_in_one() -> None:
    found = tool_violations(["Read", "Bash", "Read"], ["Edit", "Bash", "Edit", "Edit"])
    assert [(violation.field, violation.description) for violation in found] == [
        ("config.allowed_tools[2]", "must not repeat a rule: it is the same as [0]"),
        ("config.disallowed_tools[2]", "must not repeat a rule: it is the same as [0]"),
        ("config.disallowed_tools[3]", "must not repeat a rule: it is the same as [0]"),
        ("config.disallowed_tools[1]", "must not be in both lists: it is allowed_tools[1] too"),
    ]


def test_a_bad_rule_is_told_for_what_it_is_each_time() -> None:
    assert ["capital" in violation.description for violation in tool_violations(["bash", "bash"], [])] == [
        True,
        True,
    ]


def test_the_number_of_rules_is_capped_and_the_rest_is_not_judged() -> None:
    full = [f"Tool{number}" for number in range(MAX_RULES)]
    assert tool_violations(full, []) == []
    [over] = tool_violations([*full, "bash"], [])
    assert (over.field, over.description) == ("config.allowed_tools", "must have at most 128 rules, has 129")
