"""What proves to a receiver that a delivery is ours, whole and recent: the signature of Standard Webhooks.

See https://github.com/standard-webhooks/standard-webhooks; libraries for receivers exist in most languages.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

_PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """Return the key that a secret stands for: base64 after `whsec_`, otherwise the text's own bytes.

    Raises ValueError if what follows `whsec_` is no base64.
    """
    if secret.startswith(_PREFIX):
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    return secret.encode()


def headers(key: bytes, *, message_id: str, seconds: int, body: bytes) -> Mapping[str, str]:
    """Return the headers of a delivery made at a time in seconds since the epoch."""
    signed = b".".join((message_id.encode(), str(seconds).encode(), body))
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{signature}",
    }
