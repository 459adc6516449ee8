"""Asks the ways of authentication that the operator has turned on; implements `app.ports.authentication`."""

from __future__ import annotations

from typing import Protocol

from greenroomd.app.ports.authentication import Credentials
from greenroomd.domain.principal import Principal
from greenroomd.identity.api_token import PREFIX
from greenroomd.identity.refusals import invalid, missing


class Bearers(Protocol):
    """Knows the bearers of tokens of one kind."""

    async def principal(self, token: str) -> Principal:
        """Return who bears a token; raises Unauthenticated, StoreUnavailable."""
        ...


class CertificateHolders(Protocol):
    """Knows the holders of client certificates."""

    def principal(self, certificate: bytes) -> Principal:
        """Return the holder of a verified certificate (PEM); raises Unauthenticated."""
        ...


class KnownCallers:
    """Every caller that the server knows; a way that is turned off is None.

    A token decides alone: a call with a wrong one is refused, whatever its certificate.
    """

    def __init__(
        self,
        *,
        api_tokens: Bearers | None = None,
        jwts: Bearers | None = None,
        certificates: CertificateHolders | None = None,
    ) -> None:
        self._api_tokens = api_tokens
        self._jwts = jwts
        self._certificates = certificates
        wanted = []
        if api_tokens is not None or jwts is not None:
            wanted.append("send a token as `authorization: Bearer …`")
        if certificates is not None:
            wanted.append("present a client certificate")
        self._wanted = ", or ".join(wanted)

    async def principal(self, credentials: Credentials) -> Principal:
        """Return who presents the credentials."""
        bearer = credentials.bearer
        if bearer is not None:
            bearers = self._api_tokens if bearer.startswith(PREFIX) else self._jwts
            if not bearer or bearers is None:
                raise invalid()
            return await bearers.principal(bearer)
        if self._certificates is not None and credentials.certificate:
            return self._certificates.principal(credentials.certificate)
        raise missing(self._wanted)
