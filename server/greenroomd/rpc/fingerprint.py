"""What makes two requests the same: every field but those that only carry the request."""

from __future__ import annotations

import hashlib

from google.protobuf.message import Message


def fingerprint(request: Message, *without: str) -> bytes:
    """Return 16 bytes that are the same for requests of one type that differ at most in the fields `without`."""
    bare = type(request)()
    bare.CopyFrom(request)
    for name in without:
        bare.ClearField(name)
    digest = hashlib.blake2b(request.DESCRIPTOR.full_name.encode(), digest_size=16)
    digest.update(bare.SerializeToString(deterministic=True))
    return digest.digest()
