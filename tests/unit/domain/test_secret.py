"""A secret is shown by nothing but `reveal`."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from dataclasses import asdict, dataclass

import pytest

from greenroomd.domain.config import Secret, SessionConfig
from greenroomd.domain.rules.config.config_rules import violations

VALUE = "sk-ant-oat01-hunter2"


@dataclass(frozen=True, slots=True)
class Holder:
    token: Secret


def test_reveal_is_the_way_to_it() -> None:
    assert Secret(VALUE).reveal() == VALUE


@pytest.mark.parametrize(
    "shown",
    [
        repr(Secret(VALUE)),
        str(Secret(VALUE)),
        f"{Secret(VALUE)}",
        f"{Secret(VALUE)!r:>40}",
        "%s %r" % (Secret(VALUE), Secret(VALUE)),  # noqa: UP031  the old way is what logging uses
        repr(Holder(Secret(VALUE))),
        repr({"token": [Secret(VALUE)]}),
        repr(ValueError(Secret(VALUE))),
    ],
)
def test_no_way_of_writing_shows_it(shown: str) -> None:
    assert "hunter2" not in shown
    assert "Secret(…)" in shown


def test_a_traceback_with_local_variables_does_not_show_it() -> None:
    def fails(token: Secret) -> None:
        raise RuntimeError(f"cannot log in with {token}")

    with pytest.raises(RuntimeError) as raised:
        fails(Secret(VALUE))
    report = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    text = "".join(report.format())
    assert "token = Secret(…)" in text
    assert "hunter2" not in text.replace(f"VALUE = {VALUE!r}", "")


def test_a_log_record_does_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("token %s", Secret(VALUE))
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_cannot_be_pickled(protocol: int) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Holder(Secret(VALUE)), protocol)


def test_it_cannot_be_copied_out_of_a_record() -> None:
    with pytest.raises(TypeError):
        copy.deepcopy(Secret(VALUE))
    with pytest.raises(TypeError):
        asdict(Holder(Secret(VALUE)))
    with pytest.raises(TypeError):
        json.dumps({"token": Secret(VALUE)})


def test_it_has_no_dictionary_to_look_into() -> None:
    with pytest.raises(TypeError):
        vars(Secret(VALUE))


def test_equal_secrets_are_equal_and_nothing_else_is() -> None:
    assert Secret(VALUE) == Secret(VALUE)
    assert hash(Secret(VALUE)) == hash(Secret(VALUE))
    assert Secret(VALUE) != Secret("another")
    assert Secret(VALUE) != VALUE


@pytest.mark.parametrize("value", ["hunter2 hunter2", "hunter2\n", "hunter2\0", "hunter2é", "hunter2" * 2000])
def test_a_violation_does_not_show_it(value: str) -> None:
    [violation] = violations(SessionConfig(working_dir="/srv"), oauth_token=Secret(value))
    assert violation.field == "config.oauth_token"
    assert "hunter2" not in violation.description
