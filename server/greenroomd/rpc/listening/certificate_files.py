"""Reads certificate, key and client authorities from files, and says in words what is wrong with them.

Everything is checked here, before gRPC gets it: gRPC says of a key that does not fit its certificate only that it
cannot bind, and of a kind of key that it does not support nothing at all until each client is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from greenroomd.rpc.listening.tls_files import CertificateUnusable, TlsFiles

_CURVES = (ec.SECP256R1, ec.SECP384R1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """What the files held at one moment; certificate and key belong together."""

    chain: bytes
    """The certificates of the server, as PEM."""
    key: bytes
    """The private key, as PEM; kept out of `repr`."""
    client_ca: bytes | None
    """The authorities of client certificates, as PEM; None if clients need no certificate."""
    expires: datetime
    """When the server's own certificate expires."""

    def __repr__(self) -> str:
        return f"Certificates(expires={self.expires.isoformat()})"

    def for_grpc(self) -> grpc.ServerCertificateConfiguration:
        """Return them as gRPC wants them."""
        return grpc.ssl_server_certificate_configuration([(self.key, self.chain)], self.client_ca)


def read_certificates(files: TlsFiles) -> Certificates:
    """Read the files; raises CertificateUnusable if they do not belong together or clients would refuse them."""
    chain, key = _read(files.certificate), _read(files.key)
    client_ca = None if files.client_ca is None else _read(files.client_ca)
    leaf = _certificates(files.certificate, chain)[0]
    _check_key(files, key, leaf)
    if files.client_ca is not None and client_ca is not None:
        _certificates(files.client_ca, client_ca)
    return Certificates(chain=chain, key=key, client_ca=client_ca, expires=leaf.not_valid_after_utc)


def has_expired(certificates: Certificates) -> bool:
    """Whether the server's certificate is no longer valid."""
    return certificates.expires <= datetime.now(UTC)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CertificateUnusable(f"{path} cannot be read: {error.strerror}") from error


def _certificates(path: Path, pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise CertificateUnusable(
            f"{path} holds no certificate, or a broken one (it should be PEM)"
        ) from None


def _check_key(files: TlsFiles, pem: bytes, leaf: x509.Certificate) -> None:
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise CertificateUnusable(f"{files.key} is encrypted with a password: store it without one") from None
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateUnusable(
            f"{files.key} holds no private key, or a broken one (it should be PEM)"
        ) from None
    supported = isinstance(key, rsa.RSAPrivateKey) or (
        isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, _CURVES)
    )
    if not supported:  # gRPC's clients have no signature algorithm for Ed25519 and P-521
        raise CertificateUnusable(f"{files.key} should be an RSA, P-256 or P-384 key: gRPC knows no others")
    whole = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if key.public_key().public_bytes(*whole) != leaf.public_key().public_bytes(*whole):
        raise CertificateUnusable(
            f"{files.key} is not the key of the first certificate in {files.certificate}"
        )
