"""Authorities that issue certificates, and directories that hold them as Kubernetes does."""

from __future__ import annotations

import ipaddress
import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

_PEM = Encoding.PEM
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """Issues certificates."""

    def __init__(self, name: str = "greenroom test authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        unsigned = _unsigned(self._name, self._name, self._key, _HOUR).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.pem = unsigned.sign(self._key, hashes.SHA256()).public_bytes(_PEM)
        """The authority's own certificate."""

    def issue(self, *names: str, key: Key | None = None, lasts: timedelta = _HOUR) -> Pair:
        """Return a certificate for host names, addresses and URIs; the first is its common name too."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        known_as = x509.SubjectAlternativeName([_general_name(name) for name in names])
        unsigned = _unsigned(subject, self._name, key, lasts).add_extension(known_as, critical=False)
        return Pair(unsigned.sign(self._key, hashes.SHA256()).public_bytes(_PEM), key_pem(key))


def key_pem(key: Key) -> bytes:
    """Return a private key as PEM, without a password."""
    return key.private_bytes(_PEM, PrivateFormat.PKCS8, NoEncryption())


def _unsigned(subject: x509.Name, issuer: x509.Name, key: Key, lasts: timedelta) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * _HOUR)
        .not_valid_after(now + lasts)
    )


def _general_name(name: str) -> x509.GeneralName:
    if "://" in name:
        return x509.UniformResourceIdentifier(name)
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class MountedSecret:
    """A directory of files that all change at one moment, as Kubernetes mounts a secret: links through a link."""

    def __init__(self, directory: Path, **files: bytes) -> None:
        self._directory = directory
        self._numbers = itertools.count(1)
        directory.mkdir()
        self.replace(**files)
        for name in files:
            (directory / name).symlink_to(Path("..data", name))

    def path(self, name: str) -> Path:
        """Return the path of a file, which stays the same."""
        return self._directory / name

    def replace(self, **files: bytes) -> None:
        """Replace all files at one moment."""
        fresh = self._directory / f"..{next(self._numbers)}"
        fresh.mkdir()
        for name, content in files.items():
            (fresh / name).write_bytes(content)
        link = self._directory / "..data_tmp"
        link.symlink_to(fresh.name)
        link.rename(self._directory / "..data")
