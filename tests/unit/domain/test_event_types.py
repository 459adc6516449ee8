"""Every event type of the contract is made somewhere."""

import re
from pathlib import Path

import pytest

import greenroomd
from greenroom.v1 import event_pb2
from greenroomd.domain.events import EPHEMERAL, EventType

SERVER = Path(greenroomd.__file__).parent
MAKERS = [
    path.read_text(encoding="utf-8")
    for room in ("domain/lifecycle", "domain/decision", "app")
    for path in (SERVER / room).rglob("*.py")
]
"""The code that makes events; what converts, stores or selects them does not count."""


def test_the_contract_has_the_same_types() -> None:
    values = event_pb2.EventType.items()
    assert {name.removeprefix("EVENT_TYPE_") for name, number in values if number} == set(
        EventType.__members__
    )
    assert {number > 70 for name, number in values if number and EventType[name[11:]] in EPHEMERAL} == {True}
    assert not [name for name, number in values if number > 70 and EventType[name[11:]] not in EPHEMERAL]


@pytest.mark.parametrize("type", EventType)
def test_every_type_is_made(type: EventType) -> None:
    assert any(re.search(rf"\bEventType\.{type.name}\b", text) for text in MAKERS)
