"""Connections that do nothing are closed: in the middle of a handshake, or after it without a call."""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path

from certificates import Authority
from greenroomd.rpc.server import ServerTimeouts
from greenroomd.settings.record import Settings
from unit.rpc.conftest import running_edge

HERE = "127.0.0.1"
CLIENT_HELLO = bytes.fromhex("16030102000100")  # the beginning of one
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex(
    "000000040000000000"
)  # and no settings of our own
SOON = timedelta(seconds=1)  # longer than a handshake of our own takes on a busy machine
AUTHORITY = Authority()


def secured(directory: Path) -> Settings:
    own = AUTHORITY.issue(HERE)
    (directory / "crt").write_bytes(own.certificate)
    (directory / "key").write_bytes(own.key)
    return Settings(tls_cert_file=directory / "crt", tls_key_file=directory / "key")


async def is_closed_after(first: bytes, address: str, encrypted: ssl.SSLContext | None) -> bool:
    """Connect, send these bytes and nothing else; return True once the server closes the connection."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=encrypted)
    try:
        writer.write(first)
        async with asyncio.timeout(8):  # the default is 10 s
            while await reader.read(65536):
                pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    finally:
        writer.transport.abort()
    return True


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=AUTHORITY.pem.decode())
    context.set_alpn_protocols(["h2"])
    return context


async def test_one_in_the_middle_of_a_handshake(tmp_path: Path) -> None:
    times = ServerTimeouts(stop=SOON, handshake=SOON)
    settings = secured(tmp_path)
    async with running_edge(tmp_path, listen=f"{HERE}:0", timeouts=times, settings=settings) as edge:
        assert await is_closed_after(b"", edge.address, None)
        assert await is_closed_after(CLIENT_HELLO, edge.address, None)
        assert await is_closed_after(b"", edge.address, trusting()), "TLS without HTTP/2"


async def test_one_without_a_call(tmp_path: Path) -> None:
    times = ServerTimeouts(stop=SOON, connection_idle=SOON)
    settings = secured(tmp_path)
    async with running_edge(tmp_path, listen=f"{HERE}:0", timeouts=times, settings=settings) as edge:
        assert await is_closed_after(PREFACE, edge.address, trusting())
