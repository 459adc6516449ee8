"""Converts times and durations: microseconds here, nanoseconds on the wire. Finer digits are cut off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from greenroomd.domain.errors import Violation
from greenroomd.domain.memo import IdentityMemo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_SECOND = -62_135_596_800  # 0001-01-01T00:00:00Z, the limits that timestamp.proto sets
_LAST_SECOND = 253_402_300_799
_MAX_SPAN_SECONDS = 315_576_000_000  # 10,000 years, as duration.proto sets
_NANOS = 1_000_000_000
_DAY = 86_400


def timestamp(at: datetime) -> Timestamp:
    """Return a time as a Timestamp."""
    since = at - _EPOCH
    return Timestamp(seconds=since.days * _DAY + since.seconds, nanos=since.microseconds * 1000)


shared_timestamp = IdentityMemo(timestamp)
"""Like `timestamp`, but the result is cached and shared: copy it into another message, never change it."""


def maybe_timestamp(at: datetime | None) -> Timestamp | None:
    """Like `timestamp`, but returns None for None."""
    return None if at is None else timestamp(at)


def duration(span: timedelta) -> Duration:
    """Return a duration; seconds and nanos have the same sign."""
    seconds, rest = divmod(abs(span), timedelta(seconds=1))
    sign = -1 if span < timedelta() else 1
    return Duration(seconds=sign * seconds, nanos=sign * rest.microseconds * 1000)


def maybe_duration(span: timedelta | None) -> Duration | None:
    """Like `duration`, but returns None for None."""
    return None if span is None else duration(span)


def datetime_of(message: Timestamp, field: str, problems: list[Violation]) -> datetime | None:
    """Return the time of a message; one outside the years 1 to 9999 becomes a problem of `field`."""
    if not (_FIRST_SECOND <= message.seconds <= _LAST_SECOND and 0 <= message.nanos < _NANOS):
        problems.append(Violation(field, "must lie in the years 1 to 9999, with nanos from 0 to 999999999"))
        return None
    return _EPOCH + timedelta(seconds=message.seconds, microseconds=message.nanos // 1000)


def timedelta_of(message: Duration, field: str, problems: list[Violation]) -> timedelta | None:
    """Return the duration of a message; one that is out of range or has two signs becomes a problem of `field`."""
    seconds, nanos = message.seconds, message.nanos
    if abs(seconds) > _MAX_SPAN_SECONDS or abs(nanos) >= _NANOS or seconds * nanos < 0:
        problems.append(Violation(field, "must be within 10,000 years, with seconds and nanos of one sign"))
        return None
    micros = nanos // 1000 if nanos >= 0 else -(-nanos // 1000)
    if seconds == 0 and nanos and not micros:  # a nanosecond is not zero
        micros = 1 if nanos > 0 else -1
    return timedelta(seconds=seconds, microseconds=micros)


def optional_timedelta(message: Message, name: str, path: str, problems: list[Violation]) -> timedelta | None:
    """Return the duration in the field `name` of the message at `path`, None if it is not set."""
    if not message.HasField(name):
        return None
    return timedelta_of(getattr(message, name), f"{path}.{name}" if path else name, problems)


def optional_datetime(message: Message, name: str, path: str, problems: list[Violation]) -> datetime | None:
    """Return the time in the field `name` of the message at `path`, None if it is not set."""
    if not message.HasField(name):
        return None
    return datetime_of(getattr(message, name), f"{path}.{name}" if path else name, problems)


def microseconds(at: datetime) -> int:
    """Return a time as microseconds since the epoch, a number that sorts like it."""
    return (at - _EPOCH) // timedelta(microseconds=1)
