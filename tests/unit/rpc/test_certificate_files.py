"""Certificate files: what is wrong with them is said in words, before gRPC gets them."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from certificates import Authority, key_pem
from greenroomd.rpc.listening.certificate_files import (
    has_expired,
    read_certificates,
)
from greenroomd.rpc.listening.tls_files import CertificateUnusable, TlsFiles

AUTHORITY = Authority()
PAIR = AUTHORITY.issue("127.0.0.1")


def files(directory: Path, certificate: bytes, key: bytes, client_ca: bytes | None = None) -> TlsFiles:
    (directory / "crt").write_bytes(certificate)
    (directory / "key").write_bytes(key)
    if client_ca is None:
        return TlsFiles(certificate=directory / "crt", key=directory / "key")
    (directory / "ca").write_bytes(client_ca)
    return TlsFiles(certificate=directory / "crt", key=directory / "key", client_ca=directory / "ca")


@pytest.mark.parametrize(
    "key",
    [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())],
    ids=["rsa", "p384"],
)
def test_the_keys_that_grpc_knows_are_taken(
    tmp_path: Path, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
) -> None:
    pair = AUTHORITY.issue("127.0.0.1", key=key)
    found = read_certificates(files(tmp_path, pair.certificate + AUTHORITY.pem, pair.key, AUTHORITY.pem))
    assert (found.chain, found.key, found.client_ca) == (
        pair.certificate + AUTHORITY.pem,
        pair.key,
        AUTHORITY.pem,
    )
    assert not has_expired(found)
    assert "PRIVATE" not in repr(found)


@pytest.mark.parametrize(
    "key",
    [ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP521R1())],
    ids=["ed25519", "p521"],
)
def test_a_kind_of_key_that_every_client_of_grpc_refuses_is_refused_here(
    tmp_path: Path, key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
) -> None:
    pair = AUTHORITY.issue("127.0.0.1", key=key)
    with pytest.raises(CertificateUnusable, match="key should be an RSA, P-256 or P-384 key"):
        read_certificates(files(tmp_path, pair.certificate, pair.key))


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    other = AUTHORITY.issue("127.0.0.1")
    with pytest.raises(CertificateUnusable, match=r"key is not the key of the first certificate in .*crt"):
        read_certificates(files(tmp_path, PAIR.certificate, other.key))
    with pytest.raises(CertificateUnusable, match="is not the key of the first"):
        read_certificates(files(tmp_path, AUTHORITY.pem + PAIR.certificate, PAIR.key))


def test_a_key_with_a_password_is_refused(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    with pytest.raises(CertificateUnusable, match="key is encrypted with a password"):
        read_certificates(files(tmp_path, AUTHORITY.issue("a", key=key).certificate, locked))
    read_certificates(files(tmp_path, AUTHORITY.issue("a", key=key).certificate, key_pem(key)))


def test_what_is_cut_off_or_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CertificateUnusable, match="crt holds no certificate"):
        read_certificates(files(tmp_path, PAIR.certificate[:-40], PAIR.key))
    with pytest.raises(CertificateUnusable, match="key holds no private key"):
        read_certificates(files(tmp_path, PAIR.certificate, PAIR.key[:-40]))
    with pytest.raises(CertificateUnusable, match="ca holds no certificate"):
        read_certificates(files(tmp_path, PAIR.certificate, PAIR.key, b""))
    (tmp_path / "key").unlink()
    with pytest.raises(CertificateUnusable, match="key cannot be read: No such file"):
        read_certificates(TlsFiles(certificate=tmp_path / "crt", key=tmp_path / "key"))


def test_an_expired_one_is_known(tmp_path: Path) -> None:
    expired = AUTHORITY.issue("127.0.0.1", lasts=timedelta(minutes=-1))
    assert has_expired(read_certificates(files(tmp_path, expired.certificate, expired.key)))
