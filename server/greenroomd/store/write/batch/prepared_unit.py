"""Encodes a unit before it is batched: everything except its numbers, which only the commit can give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from greenroomd.app.ports.committer import Request, Unit
from greenroomd.app.ports.event_log import EncodedEvent, EventCodec
from greenroomd.domain.events import Event
from greenroomd.domain.fast_replace import evolve
from greenroomd.domain.memo import IdentityMemo
from greenroomd.store.schema.documents import config_text
from greenroomd.store.schema.rows import Row
from greenroomd.store.schema.session_rows import session_row
from greenroomd.store.secrets import Keyring

_config_text = IdentityMemo(config_text)  # many sessions share few configs


@dataclass(frozen=True, slots=True)
class Prepared:
    """A unit, encoded except for its revision and sequence."""

    unit: Unit
    """The unit itself."""
    row: tuple[Any, ...]
    """The row of `sessions`, without its number."""
    events: Sequence[EncodedEvent]
    """Its durable events, in order."""
    ephemeral: Sequence[EncodedEvent]
    """Its ephemeral events, in order."""
    config: str
    """The config as JSON; "" if it is not to be stored."""
    secret: Row | None
    """The sealed token, without the session's number; None if there is none to store."""

    @property
    def size(self) -> int:
        """The approximate number of bytes that it will write."""
        return 1024 + sum(len(event.body) + len(event.whole or b"") for event in self.events)


def prepare(unit: Unit, codec: EventCodec, keyring: Keyring) -> Prepared:
    """Encode a unit. Raises what the codec raises, before the unit is batched with others."""
    session = unit.session
    if session.revision == 0 and not unit.events:
        raise ValueError("a session's first commit needs an event: it has no revision otherwise")
    return Prepared(
        unit,
        session_row(session),
        [codec.encode(_asked_for(event, unit.request), session) for event in unit.events],
        [codec.encode(placed.event, session) for placed in unit.ephemeral],
        _config_text(session.config) if unit.configures else "",
        None if unit.oauth_token is None else keyring.seal(session.session_id, unit.oauth_token),
    )


def _asked_for(event: Event, request: Request | None) -> Event:
    """Return the event with the request_id of the call that caused it."""
    return event if request is None else evolve(event, request_id=request.request_id)
