"""Recognizes JSON Web Tokens of one issuer. What was proven once is kept until it runs out or the keys change."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import jwt
import structlog

from greenroomd.domain.principal import MAX_SUBJECT_LENGTH, InvalidGrant, Principal, PrincipalKind
from greenroomd.identity.claimed_grants import ClaimedGrants
from greenroomd.identity.refusals import expired, invalid
from greenroomd.identity.signing_keys import SigningKeys

log = structlog.get_logger(__name__)

LEEWAY: Final = timedelta(seconds=30)
"""By how much the clocks of issuer and server may differ."""
MOST_BYTES: Final = 16 * 1024
"""The size of the largest token that is looked at."""
MOST_PROVEN: Final = 10_000
"""How many tokens are kept as proven."""

_REQUIRED: Final = ["iss", "aud", "exp", "nbf", "sub"]


class _Proven(NamedTuple):
    """A token whose signature and claims have been checked."""

    principal: Principal
    generation: int
    """That of the keys which proved it."""


class JwtBearers:
    """The bearers of tokens that `issuer` has made for `audience`."""

    def __init__(
        self,
        keys: SigningKeys,
        *,
        issuer: str,
        audience: str,
        grants: ClaimedGrants,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._grants = grants
        self._now = now
        self._proven: OrderedDict[bytes, _Proven] = OrderedDict()

    async def principal(self, token: str) -> Principal:
        """Return who bears a token; raises Unauthenticated."""
        if len(token) > MOST_BYTES or not token.isascii():
            raise invalid()
        digest = hashlib.sha256(token.encode()).digest()
        proven = self._proven.get(digest)
        if proven is None or proven.generation != self._keys.generation:
            self._proven.pop(digest, None)
            principal = await self._prove(token)
            self._proven[digest] = proven = _Proven(principal, self._keys.generation)
            if len(self._proven) > MOST_PROVEN:
                self._proven.popitem(last=False)
        until = proven.principal.expire_time
        if until is None or until <= self._now():
            self._proven.pop(digest, None)
            raise expired()
        return proven.principal

    async def _prove(self, token: str) -> Principal:
        """Check the signature with a key of the issuer alone, whatever the token says of keys, then the claims."""
        try:
            header = jwt.get_unverified_header(token)
            kid, algorithm = header.get("kid"), header.get("alg")
            key = await self._keys.find(kid) if isinstance(kid, str) else None
            if key is None or algorithm not in key.algorithms:
                raise invalid()
            claims = jwt.decode(
                token,
                key.public,
                algorithms=[str(algorithm)],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY,
                options={"require": _REQUIRED},
            )
        except jwt.ExpiredSignatureError:  # its signature is good
            raise expired() from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise invalid() from None
        return self._principal(claims)

    def _principal(self, claims: dict[str, Any]) -> Principal:
        subject = claims["sub"]
        if (
            not isinstance(subject, str)
            or not 0 < len(subject) <= MAX_SUBJECT_LENGTH
            or not subject.isprintable()
        ):
            raise invalid()
        try:
            grants = self._grants.of(claims)
        except InvalidGrant as error:
            log.warning("jwt_grants_unusable", subject=subject, error=str(error))
            raise invalid() from None
        try:
            until = datetime.fromtimestamp(float(claims["exp"]), UTC) + LEEWAY
        except (ValueError, OverflowError, OSError):
            raise invalid() from None
        return Principal(kind=PrincipalKind.JWT, subject=subject, grants=grants, expire_time=until)
