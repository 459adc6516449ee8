"""Client certificates: which of their names counts, and what becomes of those that are odd or old."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from greenroomd.domain.errors import Unauthenticated
from greenroomd.domain.principal import Grants
from greenroomd.identity.certificate_holders import NamedHolders

HOUR = timedelta(hours=1)
KEY = ec.generate_private_key(ec.SECP256R1())
SPIFFE = x509.UniformResourceIdentifier("spiffe://example.org/ci")
URL = x509.UniformResourceIdentifier("https://example.org/")
DNS = x509.DNSName("ci.example.org")
MAIL = x509.RFC822Name("ci@example.org")


def certificate(*names: x509.GeneralName, common: str = "", valid: timedelta = HOUR) -> bytes:
    """Return a certificate with these names, as TLS gives it."""
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)] if common else [])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * HOUR)
        .not_valid_after(now + valid)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    ("names", "common", "subject"),
    [
        ((MAIL, DNS, URL, SPIFFE), "CI", "spiffe://example.org/ci"),
        ((MAIL, DNS, URL), "CI", "ci.example.org"),
        ((MAIL,), "CI", "ci@example.org"),
        ((URL,), "CI", "CI"),
        ((), "CI", "CI"),
    ],
)
def test_the_first_name_counts(names: tuple[x509.GeneralName, ...], common: str, subject: str) -> None:
    principal = NamedHolders({}).principal(certificate(*names, common=common))
    assert (principal.name, principal.grants) == (f"mtls:{subject}", Grants({}))
    assert principal.expire_time is not None


def test_a_holder_has_the_grants_of_its_name_alone() -> None:
    holders = NamedHolders({"ci.example.org": ["lab=operator"], "CI": ["*=admin"]})
    assert holders.principal(certificate(DNS, common="CI")).grants == Grants.of(["lab=operator"])
    assert holders.principal(certificate(MAIL, common="CI")).grants == Grants({})


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        certificate(),
        certificate(common="a\nb"),
        certificate(SPIFFE, x509.UniformResourceIdentifier("spiffe://example.org/other")),
        certificate(x509.DNSName("x" * 300)),
    ],
)
def test_a_certificate_without_a_name_that_can_be_shown_is_refused(odd: bytes) -> None:
    with pytest.raises(Unauthenticated) as refused:
        NamedHolders({}).principal(odd)
    assert refused.value.problem == "invalid"


def test_a_connection_outlives_no_certificate() -> None:
    with pytest.raises(Unauthenticated) as refused:
        NamedHolders({}).principal(certificate(DNS, valid=-HOUR))
    assert refused.value.problem == "expired"
