"""Why a caller is not known, in the same words whatever it presents: nothing in them helps to guess."""

from __future__ import annotations

from greenroomd.domain.errors import Unauthenticated


def invalid() -> Unauthenticated:
    """Return the refusal of credentials that are not valid, whatever is wrong with them."""
    return Unauthenticated("the credentials are not valid")


def expired() -> Unauthenticated:
    """Return the refusal of credentials that were valid."""
    return Unauthenticated("the credentials have expired", problem="expired")


def missing(wanted: str) -> Unauthenticated:
    """Return the refusal of a call without credentials; `wanted` says what to send."""
    return Unauthenticated(f"the call carries no credentials: {wanted}", problem="missing")
