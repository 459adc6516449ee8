"""Finds the credentials of a call: what its metadata and its connection carry."""

from __future__ import annotations

from greenroomd.app.ports.authentication import Credentials
from greenroomd.rpc.rpc_context import Context

_HEADER = "authorization"
_CERTIFICATE = "x509_pem_cert"


def credentials_of(context: Context, *, certificates: bool) -> Credentials:
    """Return what a call presents; `certificates` says whether to look for that of the client."""
    bearer: str | None = None
    for key, value in context.invocation_metadata() or ():
        if key == _HEADER:
            # Of two headers neither counts: a proxy in front may have looked at the other one.
            bearer = _bearer(value) if bearer is None else ""
    if not certificates:
        return Credentials(bearer)
    presented = context.auth_context().get(_CERTIFICATE, ())
    return Credentials(bearer, bytes(next(iter(presented), b"")))


def _bearer(value: str | bytes) -> str:
    scheme, _, token = value.partition(" ") if isinstance(value, str) else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" else ""
