"""The Greenroom API for Python: clients here, messages and stubs in `greenroom.v1`.

The clients are imported when they are first asked for: whoever needs only the messages does not wait for them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from greenroom.answer import Answer
    from greenroom.client import Client
    from greenroom.connection import Tls
    from greenroom.errors import (
        CursorBelowFloor,
        Error,
        EtagMismatch,
        FieldViolation,
        InvalidRequest,
        NotFound,
        Unavailable,
        error_in,
        error_of,
    )
    from greenroom.sync_client import SyncClient
    from greenroom.token_file import TokenFile

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Client",
    "CursorBelowFloor",
    "Error",
    "EtagMismatch",
    "FieldViolation",
    "InvalidRequest",
    "NotFound",
    "SyncClient",
    "Tls",
    "TokenFile",
    "Unavailable",
    "error_in",
    "error_of",
]

_DEFINED_IN = dict.fromkeys(__all__, "greenroom.errors") | {
    "Answer": "greenroom.answer",
    "Client": "greenroom.client",
    "SyncClient": "greenroom.sync_client",
    "Tls": "greenroom.connection",
    "TokenFile": "greenroom.token_file",
}


def __getattr__(name: str) -> object:
    if name not in _DEFINED_IN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(_DEFINED_IN[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
