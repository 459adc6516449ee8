"""Error output is shown in whole lines, without secrets, and not without bound."""

from hypothesis import given
from hypothesis import strategies as st

from greenroomd.processes.host.redaction import Redactor
from greenroomd.processes.host.stderr_lines import LONGEST_LINE, MOST_PER_SECOND, StderrLines

SECRET = "correct-horse-battery-staple"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.sampled_from(["plain", f"the key is {SECRET}", "grün"]), max_size=6), st.data())
def test_lines_are_whole_however_they_come(lines: list[str], data: st.DataObject) -> None:
    written = "".join(f"{line}\n" for line in lines).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(written)), max_size=8)))
    pieces = [written[a:b] for a, b in zip([0, *cuts], [*cuts, len(written)], strict=True)]
    shown = StderrLines(Redactor([SECRET]))
    text = "".join(shown.feed(piece) for piece in pieces) + shown.close()
    assert text == written.decode().replace(SECRET, "[redacted]")


def test_a_last_line_without_an_end_is_shown_at_the_close() -> None:
    shown = StderrLines(Redactor())
    assert shown.feed(b"one\ntwo") == "one\n"
    assert shown.close() == "two\n"
    assert shown.close() == ""


def test_a_long_line_is_cut_and_no_secret_at_the_cut_is_shown() -> None:
    shown = StderrLines(Redactor([SECRET]))
    line = "x" * (LONGEST_LINE - 5) + SECRET + "y" * 10_000_000
    text = shown.feed(line.encode()) + shown.feed(b"\nnext\n")
    first, second, _ = text.split("\n")
    assert second == "next"
    assert first.endswith("[cut]")
    assert len(first) < LONGEST_LINE + 20
    assert "correct" not in first
    assert "y" not in first


def test_more_than_is_shown_in_a_second_is_only_counted() -> None:
    clock = Clock()
    shown = StderrLines(Redactor(), clock)
    line = b"z" * 1024 + b"\n"
    text = shown.feed(line * 1000)
    assert MOST_PER_SECOND - 2048 < len(text) <= MOST_PER_SECOND + 1024
    assert shown.feed(b"unheard\n") == ""
    clock.now += 1
    left_out = 1001 - text.count("\n")
    assert shown.feed(b"again\n") == f"[{left_out} lines left out: too many in a second]\nagain\n"
