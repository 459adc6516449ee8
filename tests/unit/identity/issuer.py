"""An issuer of JSON Web Tokens: its keys, and tokens signed with them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

ISSUER = "https://issuer.example.org"
AUDIENCE = "greenroom"


@cache
def private_key(kind: str) -> Any:
    """Return a private key: RSA by its bits, EC by its curve, or Ed25519; the same each time."""
    curves = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind in curves:
        return ec.generate_private_key(curves[kind])
    return rsa.generate_private_key(public_exponent=65537, key_size=int(kind.partition("-")[0]))


def public_jwk(kind: str, kid: str | None = None, **more: Any) -> dict[str, Any]:
    """Return the public half as a JSON Web Key."""
    name = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}.get(kind, "RS256")
    jwk = json.loads(get_default_algorithms()[name].to_jwk(private_key(kind).public_key()))
    jwk.pop("key_ops", None)
    return {**jwk, "kid": kid or kind, **more}


def key_set(*jwks: Any) -> bytes:
    return json.dumps({"keys": jwks}).encode()


def claims(**changed: Any) -> dict[str, Any]:
    """Return claims that are in order, but for what is changed; None leaves one out."""
    now = datetime.now(UTC)
    usual: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ann",
        "nbf": now,
        "exp": now + timedelta(hours=1),
        "greenroom_grants": ["lab=operator"],
    }
    return {name: value for name, value in {**usual, **changed}.items() if value is not None}


def token(
    kind: str = "P-256", algorithm: str = "ES256", headers: dict[str, Any] | None = None, **changed: Any
) -> str:
    """Return a signed token."""
    return jwt.encode(
        claims(**changed), private_key(kind), algorithm=algorithm, headers={"kid": kind, **(headers or {})}
    )
