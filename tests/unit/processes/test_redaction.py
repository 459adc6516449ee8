import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroomd.processes.host.redaction import OutputTail, Redactor, secret_values


def test_known_secrets_are_hidden_whatever_they_look_like() -> None:
    redactor = Redactor(["correct horse battery", "battery staple"])
    assert (
        redactor.text("it was correct horse battery, or battery staple") == "it was [redacted], or [redacted]"
    )


@pytest.mark.parametrize(
    "text",
    [
        "key sk-ant-api03-abcdefghijklmnop",
        "Authorization: Bearer abc.def-ghi",
        "remote: ghp_abcdefghijklmnopqrstuvwxyz",
        "AKIAIOSFODNN7EXAMPLE",
        "jwt eyJhbGciOiJIUzI1.eyJzdWIiOiIx.c2ln",
        "DB_PASSWORD=hunter2hunter2",
        '{"api_key": "abcdefgh12345678"}',
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    assert "[redacted]" in Redactor().text(text)


def test_ordinary_text_stays() -> None:
    text = "Error: no such file or directory, open '/home/x/token.txt' (see the secret garden)"
    assert Redactor(["short"]).text(text) == text


def test_a_line_of_json_loses_only_the_servers_secrets() -> None:
    redactor = Redactor(['quo"ted secret'])
    line = rb'{"a":"quo\"ted secret","b":"sk-ant-api03-abcdefghijklmnop"}'
    assert redactor.json_line(line) == b'{"a":"[redacted]","b":"sk-ant-api03-abcdefghijklmnop"}'


@pytest.mark.parametrize("ensure_ascii", [True, False], ids=["escaped", "as JavaScript does"])
def test_a_secret_beyond_ascii_is_found_however_it_is_written(ensure_ascii: bool) -> None:
    line = json.dumps(["grüne-Wiese"], ensure_ascii=ensure_ascii).encode()
    assert Redactor(["grüne-Wiese"]).json_line(line) == b'["[redacted]"]'


def test_secrets_of_an_environment() -> None:
    environment = {
        "ANTHROPIC_API_KEY": "k",
        "HTTPS_PROXY": "p",
        "DbPassword": "d",
        "ANTHROPIC_CUSTOM_HEADERS": "h",
    }
    assert secret_values(environment) == ["k", "d", "h"]


def test_secrets_inside_json() -> None:
    config = {
        "mcpServers": {"x": {"url": "u", "headers": {"Authorization": "a"}, "args": ["--token", "t"], "n": 1}}
    }
    assert secret_values([config, None]) == ["a"]
    assert secret_values({"tokens": ["one", "two"]}) == ["one", "two"]


def test_a_sessions_own_secrets_are_hidden_in_free_text_only() -> None:
    redactor = Redactor(server=["the-servers"], session=["the-sessions"])
    assert redactor.text("the-servers the-sessions") == "[redacted] [redacted]"
    assert redactor.json_line(b'["the-servers","the-sessions"]') == b'["[redacted]","the-sessions"]'


@given(st.integers(0, 60), st.integers(1, 30))
def test_a_secret_across_the_edge_of_the_tail_does_not_show(after: int, piece: int) -> None:
    secret = "0123456789abcdefghij"
    said = ("." * 5000 + secret + "." * after).encode()
    tail = OutputTail(Redactor([secret]), limit=40)
    for start in range(0, len(said), piece):
        tail.append(said[start : start + piece])
    shown = tail.text()
    assert not any(secret[i : i + 4] in shown for i in range(len(secret) - 3))


def test_the_tail_is_the_end_and_bounded() -> None:
    tail = OutputTail(Redactor(), limit=100)
    tracemalloc.start()
    for number in range(10_000):
        tail.append(f"line {number}\n".encode())
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert tail.text().endswith("line 9998\nline 9999")
    assert len(tail.text()) <= 100
    assert held < 20_000, "of 98,890 bytes"
