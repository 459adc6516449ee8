"""Signs deliveries as Standard Webhooks does, which proves their origin, integrity and age to a receiver.

See https://github.com/standard-webhooks/standard-webhooks. Most languages have a library for receivers.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

_PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """Return the key of a secret: the decoded base64 after `whsec_`, otherwise the text's own bytes.

    Raises ValueError if the part after `whsec_` is not base64.
    """
    if secret.startswith(_PREFIX):
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    return secret.encode()


def headers(key: bytes, *, message_id: str, seconds: int, body: bytes) -> Mapping[str, str]:
    """Return the headers of a delivery; `seconds` is its time since the epoch."""
    signed = b".".join((message_id.encode(), str(seconds).encode(), body))
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{signature}",
    }
