"""The Python client over TLS: it trusts the authority it is given and no other, and the token goes along."""

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import grpc
import grpc.aio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from greenroom import Client, Unavailable
from greenroom.v1.session_service_pb2 import GetSessionRequest, GetSessionResponse

Context = grpc.aio.ServicerContext[GetSessionRequest, GetSessionResponse]


def self_signed() -> tuple[bytes, bytes]:
    """Return a key, and a certificate of it for 127.0.0.1, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "greenroom test")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, encryption_algorithm=serialization.NoEncryption()
    )
    return private, certificate.public_bytes(pem)


@asynccontextmanager
async def serving(authorizations: list[object], key: bytes, certificate: bytes) -> AsyncIterator[str]:
    """Answer GetSession over TLS and note who called; give the address."""

    async def get_session(_: GetSessionRequest, context: Context) -> GetSessionResponse:
        authorizations.append(dict(context.invocation_metadata() or ()).get("authorization"))
        return GetSessionResponse()

    handler = grpc.unary_unary_rpc_method_handler(
        get_session,
        request_deserializer=GetSessionRequest.FromString,
        response_serializer=GetSessionResponse.SerializeToString,
    )
    service = grpc.method_handlers_generic_handler("greenroom.v1.SessionService", {"GetSession": handler})
    server = grpc.aio.server(handlers=[service])
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, certificate)]))
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


async def test_it_trusts_what_it_is_given_and_nothing_else() -> None:
    authorizations: list[object] = []
    key, certificate = self_signed()
    _, stranger = self_signed()
    async with serving(authorizations, key, certificate) as address:
        async with Client(address, tls=certificate, token="secret") as client:
            await client.sessions.GetSession(GetSessionRequest(session_id="a"))
        async with Client(address, tls=stranger, patience=timedelta()) as client:
            with pytest.raises(Unavailable):
                await anext(client.watch())
    assert authorizations == ["Bearer secret"]
