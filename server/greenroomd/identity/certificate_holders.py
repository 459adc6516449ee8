"""Recognizes the holders of client certificates by the names in them. TLS has verified the certificates before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from greenroomd.domain.principal import MAX_SUBJECT_LENGTH, Grants, Principal, PrincipalKind
from greenroomd.identity.refusals import expired, invalid

MOST_READ: Final = 10_000
"""How many certificates are kept as they were read."""

_SPIFFE: Final = "spiffe://"


class NamedHolders:
    """The holders of certificates; `grants` has what each may do, by name. Others are known, but may do nothing."""

    def __init__(self, grants: Mapping[str, Sequence[str]]) -> None:
        self._grants = {name: Grants.of(texts) for name, texts in grants.items()}
        self._read: OrderedDict[bytes, Principal] = OrderedDict()

    def principal(self, certificate: bytes) -> Principal:
        """Return the holder of a certificate (PEM); raises Unauthenticated."""
        found = self._read.get(certificate)
        if found is None:
            found = self._read[certificate] = self._holder(certificate)
            if len(self._read) > MOST_READ:
                self._read.popitem(last=False)
        # A connection outlives its certificate.
        if found.expire_time is None or found.expire_time <= datetime.now(UTC):
            raise expired()
        return found

    def _holder(self, certificate: bytes) -> Principal:
        try:
            read = x509.load_pem_x509_certificate(certificate)
            subject = next(_names(read), "")
        except ValueError:
            raise invalid() from None
        if not 0 < len(subject) <= MAX_SUBJECT_LENGTH or not subject.isprintable():
            raise invalid()
        return Principal(
            kind=PrincipalKind.MTLS,
            subject=subject,
            grants=self._grants.get(subject, Grants({})),
            expire_time=read.not_valid_after_utc,
        )


def _names(certificate: x509.Certificate) -> Iterator[str]:
    """Yield the names in a certificate, the one that counts first: SPIFFE ID, DNS name, e-mail address, common name."""
    try:
        others = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        others = None
    if others is not None:
        spiffe = [
            uri for uri in others.get_values_for_type(x509.UniformResourceIdentifier) if _is_spiffe(uri)
        ]
        if len(spiffe) > 1:
            raise ValueError("a certificate has one SPIFFE ID")
        yield from spiffe
        yield from others.get_values_for_type(x509.DNSName)
        yield from others.get_values_for_type(x509.RFC822Name)
    for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
        yield str(attribute.value)


def _is_spiffe(uri: str) -> bool:
    return uri.lower().startswith(_SPIFFE)
