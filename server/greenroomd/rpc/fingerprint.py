"""Compares requests by every field except those that only transport the request."""

from __future__ import annotations

import hashlib

from google.protobuf.message import Message


def fingerprint(request: Message, *without: str) -> bytes:
    """Return a 16-byte digest of a request's type and fields, ignoring the fields `without`."""
    bare = type(request)()
    bare.CopyFrom(request)
    for name in without:
        bare.ClearField(name)
    digest = hashlib.blake2b(request.DESCRIPTOR.full_name.encode(), digest_size=16)
    digest.update(bare.SerializeToString(deterministic=True))
    return digest.digest()
