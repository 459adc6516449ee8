"""Requests that are safe to repeat: a change that carries no request_id gets one."""

from __future__ import annotations

import uuid
from typing import Any, TypeVar, cast

from google.protobuf.message import Message

Request = TypeVar("Request")


def repeatable(request: Request) -> Request:
    """Return the request, copied and with a request_id of its own if it has that field and nothing in it."""
    if not isinstance(request, Message) or "request_id" not in request.DESCRIPTOR.fields_by_name:
        return request
    copy: Any = type(request)()
    copy.CopyFrom(request)
    copy.request_id = copy.request_id or str(uuid.uuid4())
    return cast(Request, copy)
