"""The Python clients over TLS: whom they trust, what they show of themselves, and where a token may go."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import grpc
import grpc.aio
import pytest

from certificates import Authority, Pair
from greenroom import Client, SyncClient, Tls, TokenFile, Unavailable
from greenroom.connection import stays_here
from greenroom.v1.session_service_pb2 import GetSessionRequest, GetSessionResponse

Context = grpc.aio.ServicerContext[GetSessionRequest, GetSessionResponse]


AUTHORITY, CLIENTS, STRANGER = Authority(), Authority("clients"), Authority("stranger")
REQUEST = GetSessionRequest(session_id="a")


@asynccontextmanager
async def serving(
    authorizations: list[object], name: str, clients: bytes | None = None
) -> AsyncIterator[str]:
    """Answer GetSession over TLS as `name` and note who called; give the address."""

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
    own = AUTHORITY.issue(name)
    credentials = grpc.ssl_server_credentials([(own.key, own.certificate)], clients, clients is not None)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


def shown(pair: Pair, server_name: str = "") -> Tls:
    return Tls(ca=AUTHORITY.pem, certificate=pair.certificate, key=pair.key, server_name=server_name)


async def test_it_trusts_what_it_is_given_and_nothing_else() -> None:
    authorizations: list[object] = []
    async with serving(authorizations, "127.0.0.1") as address:
        async with Client(address, tls=AUTHORITY.pem, token="secret") as client:
            await client.sessions.GetSession(REQUEST)
        async with Client(address, tls=STRANGER.pem, patience=timedelta()) as client:
            with pytest.raises(Unavailable):
                await anext(client.watch())
    assert authorizations == ["Bearer secret"]


async def test_it_shows_its_certificate_and_knows_the_server_by_another_name() -> None:
    authorizations: list[object] = []
    async with serving(authorizations, "greenroom.test", CLIENTS.pem) as address:
        tls = shown(CLIENTS.issue("me"), "greenroom.test")
        async with Client(address, tls=tls) as client:
            await client.sessions.GetSession(REQUEST)
        await asyncio.to_thread(call_synchronously, address, tls)
        for wrong in (shown(STRANGER.issue("me"), "greenroom.test"), shown(CLIENTS.issue("me"))):
            async with Client(address, tls=wrong, patience=timedelta()) as client:
                with pytest.raises(Unavailable):
                    await anext(client.watch())
    assert authorizations == [None, None]


def call_synchronously(address: str, tls: Tls) -> None:
    with SyncClient(address, tls=tls) as client:
        client.sessions.GetSession(REQUEST)


async def test_a_token_in_a_file_is_read_with_each_call(tmp_path: Path) -> None:
    authorizations: list[object] = []
    file = tmp_path / "token"
    async with (
        serving(authorizations, "127.0.0.1") as address,
        Client(address, tls=AUTHORITY.pem, token=TokenFile(file)) as client,
    ):
        with pytest.raises(OSError, match="token"):
            await client.sessions.GetSession(REQUEST)
        for content in ("one\n", "two", "", None):
            file.unlink(missing_ok=True)
            if content is not None:
                file.write_text(content)
            await client.sessions.GetSession(REQUEST)
    assert authorizations == ["Bearer one", "Bearer two", "Bearer two", "Bearer two"]


@pytest.mark.parametrize("make", [Client, SyncClient])
def test_a_token_does_not_leave_this_machine_in_the_clear(make: type[SyncClient]) -> None:
    with pytest.raises(ValueError, match="could be read on its way: use tls"):
        make("greenroom.example:443", token="secret")
    with pytest.raises(ValueError, match="belong together"):
        Tls(certificate=b"")
    assert "secret" not in repr(Tls(certificate=b"", key=b"secret"))


@pytest.mark.parametrize(
    ("target", "here"),
    [
        ("127.0.0.1:50051", True),
        ("[::1]:50051", True),
        ("localhost", True),
        ("unix:/run/greenroom.sock", True),
        ("dns:///localhost:50051", True),
        ("ipv4:127.0.0.1:50051", True),
        ("ipv4:127.0.0.1:1,10.0.0.1:1", False),
        ("dns://10.0.0.1/localhost:50051", False),
        ("10.0.0.1:50051", False),
        ("localhost.example:50051", False),
        ("127.0.0.1@example:50051", False),
        ("[2001:db8::1]:50051", False),
    ],
)
def test_what_stays_on_this_machine_is_known(target: str, here: bool) -> None:
    assert stays_here(target) is here
