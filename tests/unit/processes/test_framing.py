import itertools
import time
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from greenroomd.processes.claude.parsing.framing import KEPT_OF_OVERLONG, Framer, Overlong

Lines = list[bytes | Overlong]
STREAMS = st.lists(st.sampled_from([b"\n", b"a", b"bc", b'{"x":"\xc3\xa9"}', b"0123456789" * 3])).map(
    b"".join
)


def framed(pieces: list[bytes], max_line_bytes: int = 20) -> Lines:
    framer = Framer(max_line_bytes)
    lines = [line for piece in pieces for line in framer.feed(piece)]
    last = framer.close()
    return lines if last is None else [*lines, last]


@given(STREAMS, st.lists(st.integers(0, 200)))
def test_any_split_of_the_stream_gives_the_same_lines(stream: bytes, cuts: list[int]) -> None:
    bounds = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[start:end] for start, end in itertools.pairwise(bounds)]
    assert framed(pieces) == framed([stream])


@given(STREAMS)
def test_lines_are_those_of_the_stream(stream: bytes) -> None:
    expected: Lines = [line if len(line) <= 20 else Overlong(line) for line in stream.split(b"\n") if line]
    assert framed([stream]) == expected


def test_an_overlong_line_keeps_its_beginning_and_harms_no_other() -> None:
    line = bytes(range(32, 127)) * 10_000
    framer = Framer(max_line_bytes=100_000)
    lines: Lines = []
    for start in range(0, len(line), 1000):
        lines += framer.feed(line[start : start + 1000])
    lines += framer.feed(b"\nnext\n")
    assert lines == [Overlong(line[:KEPT_OF_OVERLONG]), b"next"]


def test_an_overlong_line_takes_no_more_memory_than_its_beginning() -> None:
    framer = Framer(max_line_bytes=100_000)
    tracemalloc.start()
    for _ in range(100):
        framer.feed(b"x" * 50_000)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 200_000, "of 5,000,000 bytes"


def test_time_grows_with_the_length_and_not_with_its_square() -> None:
    def seconds(megabytes: int) -> float:
        framer, piece = Framer(), b"x" * 2**12
        started = time.process_time()
        for _ in range(megabytes * 2**8):
            framer.feed(piece)
        (line,) = framer.feed(b"\n")
        assert isinstance(line, bytes)
        assert len(line) == megabytes * 2**20
        return time.process_time() - started

    assert seconds(32) < 40 * max(seconds(2), 0.002)
