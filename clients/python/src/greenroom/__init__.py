"""The Greenroom API for Python: clients here, messages and stubs in `greenroom.v1`."""

from greenroom.client import Client
from greenroom.errors import (
    CursorBelowFloor,
    Error,
    EtagMismatch,
    FieldViolation,
    InvalidRequest,
    NotFound,
    Unavailable,
    error_of,
)
from greenroom.sync_client import SyncClient

__version__ = "0.1.0"

__all__ = [
    "Client",
    "CursorBelowFloor",
    "Error",
    "EtagMismatch",
    "FieldViolation",
    "InvalidRequest",
    "NotFound",
    "SyncClient",
    "Unavailable",
    "error_of",
]
