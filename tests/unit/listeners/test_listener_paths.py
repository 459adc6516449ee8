"""A listener is found by its import path, or the operator is told why not."""

from pathlib import Path

import pytest

from greenroomd.app.watch.listener_paths import ListenerUnusable, load


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("", "no attribute"),
        ("listener = 7", "no subscription"),
        ("def listener(): raise OSError('no disk')", "no disk"),
        ("import nowhere", "nowhere"),
    ],
)
def test_a_path_to_something_else_is_an_error_that_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, why: str
) -> None:
    name = f"unusable_{abs(hash(source))}"
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ListenerUnusable, match=why):
        load(f"{name}:listener")
