"""Which errors of the driver mean that the database does not answer, and what callers are told then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from greenroomd.domain.retryable_errors import StoreUnavailable

_MISTAKES = (DataError, IntegrityError, ProgrammingError, NotSupportedError)


def is_outage(error: BaseException) -> bool:
    """Whether an error is the database's fault and not ours: locked, full, gone, broken."""
    if isinstance(error, PoolTimeout | InterfaceError):
        return True
    return isinstance(error, DatabaseError) and not isinstance(error, _MISTAKES)


def unavailable(error: BaseException) -> StoreUnavailable:
    """Return the error for a caller: the first line of the driver's message, never a parameter."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return StoreUnavailable(f"the database does not answer: {str(cause).partition(chr(10))[0]}")


@contextmanager
def answering() -> Iterator[None]:
    """Raise StoreUnavailable for an outage inside the block."""
    try:
        yield
    except Exception as error:
        if is_outage(error):
            raise unavailable(error) from error
        raise
