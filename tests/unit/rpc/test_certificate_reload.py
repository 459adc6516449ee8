"""Certificates are replaced while the server runs: new connections see the new ones, open streams see nothing."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from certificates import Authority, MountedSecret, Pair
from greenroomd.app.background import background_tasks
from greenroomd.rpc.listening.certificate_reload import ReloadedCertificates, Tls
from greenroomd.rpc.listening.listen import bind
from greenroomd.rpc.listening.tls_files import CertificateUnusable, TlsFiles

HERE = "127.0.0.1"
METHOD = "/test.Counting/Count"
OLD, NEW, CLIENTS = Authority("old"), Authority("new"), Authority("clients")

Context = grpc.aio.ServicerContext[bytes, bytes]


class Told:
    """What the observer was told last, and a way to wait for it."""

    def __init__(self) -> None:
        self.expires: list[datetime] = []
        self.usable: bool | None = None
        self._news = asyncio.Event()

    def tls_certificate(self, expires: datetime) -> None:
        self.expires.append(expires)
        self._news.set()

    def tls_files_usable(self, usable: bool) -> None:
        self.usable = usable
        self._news.set()

    async def of_certificates(self, count: int) -> None:
        while len(self.expires) < count:
            await self._next()

    async def of_files(self, *, usable: bool) -> None:
        while self.usable is not usable:
            await self._next()

    async def _next(self) -> None:
        self._news.clear()
        async with asyncio.timeout(30):
            await self._news.wait()


async def count(messages: AsyncIterator[bytes], context: Context) -> None:
    """Answer each message of the stream."""
    async for message in messages:
        await context.write(message)


@asynccontextmanager
async def serving(files: TlsFiles, told: Told) -> AsyncIterator[str]:
    """A server that answers each message of a stream, and follows the files."""
    counting: Any = grpc.stream_stream_rpc_method_handler(count)  # the stubs know no asynchronous one
    service = grpc.method_handlers_generic_handler("test.Counting", {"Count": counting})
    server = grpc.aio.server(handlers=[service])
    certificates = ReloadedCertificates(
        Tls(files=files, observer=told, reload_interval=timedelta(milliseconds=10))
    )
    address = await bind(server, f"{HERE}:0", certificates.credentials())
    await server.start()
    try:
        async with background_tasks(certificates.follow()):
            yield address
    finally:
        await server.stop(0)


@asynccontextmanager
async def streaming(
    address: str, authority: Authority, client: Pair | None = None
) -> AsyncIterator[grpc.aio.StreamStreamCall[bytes, bytes]]:
    """An open stream on a connection of its own."""
    own = (None, None) if client is None else (client.key, client.certificate)
    credentials = grpc.ssl_channel_credentials(authority.pem, *own)
    alone = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.secure_channel(address, credentials, alone) as channel:
        call: grpc.aio.StreamStreamCall[bytes, bytes] = channel.stream_stream(METHOD)(timeout=60)
        yield call
        call.cancel()


async def is_answered(call: grpc.aio.StreamStreamCall[bytes, bytes]) -> bool:
    try:
        await call.write(b"x")
        return await call.read() == b"x"
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
        # INTERNAL: what Python makes of a connection that ends while it writes.
        assert await call.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL)
        return False


async def reaches(address: str, authority: Authority, client: Pair | None = None) -> bool:
    """Whether a new connection that trusts this authority is answered."""
    async with streaming(address, authority, client) as call:
        return await is_answered(call)


def secret(directory: Path, pair: Pair, **files: bytes) -> tuple[MountedSecret, TlsFiles]:
    mounted = MountedSecret(directory / "tls", crt=pair.certificate, key=pair.key, **files)
    client_ca = mounted.path("ca") if files else None
    return mounted, TlsFiles(certificate=mounted.path("crt"), key=mounted.path("key"), client_ca=client_ca)


async def test_a_replaced_secret_is_used_for_new_connections_and_cuts_no_stream(tmp_path: Path) -> None:
    mounted, files = secret(tmp_path, OLD.issue(HERE))
    told = Told()
    async with serving(files, told) as address, streaming(address, OLD) as stream:
        assert await is_answered(stream)
        fresh = NEW.issue(HERE)
        mounted.replace(crt=fresh.certificate, key=fresh.key)
        await told.of_certificates(2)
        assert await reaches(address, NEW)
        assert not await reaches(address, OLD)
        assert await is_answered(stream), "the change cut a stream"


async def test_half_of_a_pair_is_told_and_not_used(tmp_path: Path) -> None:
    before, after = OLD.issue(HERE), NEW.issue(HERE)
    mounted, files = secret(tmp_path, before)
    told = Told()
    async with serving(files, told) as address, streaming(address, OLD) as stream:
        assert await is_answered(stream)
        mounted.replace(crt=after.certificate, key=before.key)
        await told.of_files(usable=False)
        assert await reaches(address, OLD)
        assert not await reaches(address, NEW)
        mounted.replace(crt=after.certificate, key=after.key)
        await told.of_files(usable=True)
        assert await reaches(address, NEW)
        assert await is_answered(stream)
    assert len(told.expires) == 2


async def test_files_that_are_as_before_again_are_told_as_usable(tmp_path: Path) -> None:
    pair = OLD.issue(HERE)
    mounted, files = secret(tmp_path, pair)
    told = Told()
    async with serving(files, told) as address:
        files.key.resolve().unlink()
        await told.of_files(usable=False)
        assert await reaches(address, OLD)
        mounted.replace(crt=pair.certificate, key=pair.key)
        await told.of_files(usable=True)
    assert len(told.expires) == 1


async def test_only_clients_with_a_certificate_of_the_authority_of_the_day_get_in(tmp_path: Path) -> None:
    pair, client, stranger = OLD.issue(HERE), CLIENTS.issue("client"), NEW.issue("client")
    mounted, files = secret(tmp_path, pair, ca=CLIENTS.pem)
    told = Told()
    async with serving(files, told) as address, streaming(address, OLD, client) as stream:
        assert await is_answered(stream)
        assert not await reaches(address, OLD)
        assert not await reaches(address, OLD, stranger)
        mounted.replace(crt=pair.certificate, key=pair.key, ca=NEW.pem)
        await told.of_certificates(2)
        assert await reaches(address, OLD, stranger)
        assert not await reaches(address, OLD, client)
        assert await is_answered(stream), "its connection was accepted before"


@pytest.mark.parametrize(
    ("version", "accepted"),
    [
        (ssl.TLSVersion.TLSv1, False),
        (ssl.TLSVersion.TLSv1_1, False),
        (ssl.TLSVersion.TLSv1_2, True),
        (ssl.TLSVersion.TLSv1_3, True),
    ],
)
async def test_tls_is_1_2_or_later_and_speaks_http_2(
    tmp_path: Path, version: ssl.TLSVersion, accepted: bool
) -> None:
    _, files = secret(tmp_path, OLD.issue(HERE))
    context = ssl.create_default_context(cadata=OLD.pem.decode())
    context.set_ciphers("ALL:@SECLEVEL=0")  # the client would refuse old versions itself
    context.set_alpn_protocols(["h2"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    async with serving(files, Told()) as address:
        host, _, port = address.rpartition(":")
        try:
            _, writer = await asyncio.open_connection(host, int(port), ssl=context)
        except (ssl.SSLError, ConnectionError):
            assert not accepted
            return
        assert accepted
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        writer.transport.abort()


def test_a_pair_that_does_not_fit_is_refused_at_the_start(tmp_path: Path) -> None:
    _, files = secret(tmp_path, Pair(OLD.issue(HERE).certificate, OLD.issue(HERE).key))
    with pytest.raises(CertificateUnusable, match="is not the key"):
        ReloadedCertificates(Tls(files=files, observer=Told()))
