"""The server with certificates from its settings: what it accepts, and how it follows their files."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import grpc.aio
import pytest

from certificates import Authority, MountedSecret, Pair
from deploy.programs import program
from fake_cli.installed import install
from greenroom.v1.event_service_pb2 import WatchEventsRequest
from greenroom.v1.node_service_pb2 import GetServerInfoRequest
from greenroom.v1.node_service_pb2_grpc import NodeServiceStub
from greenroom.v1.session_service_pb2 import START_MODE_MANUAL, CloseSessionRequest
from greenroom_server import PATIENCE, GreenroomServer
from greenroomd.settings.load import load_settings
from greenroomd.wiring.start import StartFailed, serving
from story import create, names

if TYPE_CHECKING:  # the typed asynchronous stubs exist for type checkers only
    from greenroom.v1.node_service_pb2_grpc import NodeServiceAsyncStub

HERE = "127.0.0.1"
SECURITY = Path(__file__).parents[2] / "docs" / "security.md"


def mount(directory: Path, server: Pair, clients: Authority) -> MountedSecret:
    return MountedSecret(
        directory / "tls", **{"tls.crt": server.certificate, "tls.key": server.key, "ca.crt": clients.pem}
    )


def secured(directory: Path, mounted: MountedSecret, **settings: str) -> GreenroomServer:
    """A server, not yet started, that takes its certificates from there."""
    return GreenroomServer(
        directory,
        {},
        claude_path=str(install(directory)),
        tls_cert_file=str(mounted.path("tls.crt")),
        tls_key_file=str(mounted.path("tls.key")),
        tls_client_ca_file=str(mounted.path("ca.crt")),
        tls_reload_interval="20ms",
        **settings,
    )


def credentials(authority: Authority, client: Pair) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(authority.pem, client.key, client.certificate)


@asynccontextmanager
async def nodes(address: str, trusted: grpc.ChannelCredentials | None) -> AsyncIterator[NodeServiceAsyncStub]:
    options = [("grpc.use_local_subchannel_pool", 1)]
    channel = (
        grpc.aio.insecure_channel(address, options)
        if trusted is None
        else grpc.aio.secure_channel(address, trusted, options)
    )
    async with channel:
        yield NodeServiceStub(channel)


async def code_of_a_call(address: str, trusted: grpc.ChannelCredentials | None) -> grpc.StatusCode:
    async with nodes(address, trusted) as stub:
        try:
            await stub.GetServerInfo(GetServerInfoRequest(), timeout=PATIENCE)
        except grpc.aio.AioRpcError as error:
            return error.code()
    return grpc.StatusCode.OK


async def test_a_watch_goes_on_while_certificate_and_authority_change(tmp_path: Path) -> None:
    old, new, clients = Authority("old"), Authority("new"), Authority("clients")
    client = clients.issue("client")
    mounted = mount(tmp_path, old.issue(HERE), clients)
    server = secured(tmp_path, mounted)
    server.credentials = credentials(old, client)
    async with server:
        assert await code_of_a_call(server.address, None) == grpc.StatusCode.UNAVAILABLE
        without = grpc.ssl_channel_credentials(old.pem)
        assert await code_of_a_call(server.address, without) == grpc.StatusCode.UNAVAILABLE
        session = await create(server, start_mode=START_MODE_MANUAL)
        watch = server.events.WatchEvents(WatchEventsRequest(session_ids=[session.session_id]))
        await watch.initial_metadata()
        fresh = new.issue(HERE)
        mounted.replace(
            **{"tls.crt": fresh.certificate, "tls.key": old.issue(HERE).key, "ca.crt": clients.pem}
        )
        await logged(server, "tls_files_unusable")
        assert await code_of_a_call(server.address, credentials(old, client)) == grpc.StatusCode.OK
        mounted.replace(**{"tls.crt": fresh.certificate, "tls.key": fresh.key, "ca.crt": clients.pem})
        await logged(server, "tls_certificate_in_use", times=2)
        assert await code_of_a_call(server.address, credentials(new, client)) == grpc.StatusCode.OK
        assert await code_of_a_call(server.address, credentials(old, client)) == grpc.StatusCode.UNAVAILABLE
        await server.sessions.CloseSession(CloseSessionRequest(session_id=session.session_id))
        async with asyncio.timeout(PATIENCE):
            async for frame in watch:
                if "session_closed" in names(list(frame.events)):
                    break
    assert "PRIVATE" not in server.log.read_text()


async def test_it_does_not_start_with_a_key_that_does_not_fit(tmp_path: Path) -> None:
    authority = Authority()
    wrong = Pair(authority.issue(HERE).certificate, authority.issue(HERE).key)
    settings = load_settings(secured(tmp_path, mount(tmp_path, wrong, authority)).settings)
    with pytest.raises(StartFailed, match=r"tls\.key is not the key of the first certificate in .*tls\.crt"):
        async with serving(settings):
            pass


async def test_the_commands_of_the_security_page_work(
    tmp_path: Path, grpcurl: Path, health_probe: Path
) -> None:
    await asyncio.to_thread(run, commands("certificates"), tmp_path)
    server = GreenroomServer(
        tmp_path,
        {},
        claude_path=str(install(tmp_path)),
        tls_cert_file=str(tmp_path / "server.crt"),
        tls_key_file=str(tmp_path / "server.key"),
        tls_client_ca_file=str(tmp_path / "ca.crt"),
    )
    server.credentials = grpc.ssl_channel_credentials(
        *((tmp_path / name).read_bytes() for name in ("ca.crt", "client.key", "client.crt"))
    )
    calls = commands("calls").replace("127.0.0.1:50051", server.address)
    calls = calls.replace("grpcurl", str(grpcurl)).replace("grpc-health-probe", str(health_probe))
    async with server:
        answers = await asyncio.to_thread(run, calls, tmp_path)
        async with nginx(tmp_path, server.address) as proxy, grpc.aio.insecure_channel(proxy) as channel:
            stub: NodeServiceAsyncStub = NodeServiceStub(channel)
            await stub.GetServerInfo(GetServerInfoRequest(), wait_for_ready=True, timeout=PATIENCE)
    assert "server_version" in answers
    assert "status: SERVING" in answers


@asynccontextmanager
async def nginx(directory: Path, behind: str) -> AsyncIterator[str]:
    """Run nginx with the location of the security page in front of a server; give its address."""
    with socket.create_server((HERE, 0)) as probe:
        address = f"{HERE}:{probe.getsockname()[1]}"
    location = commands("nginx").replace("127.0.0.1:50051", behind)
    file = directory / "nginx.conf"
    file.write_text(f"events {{}}\nhttp {{ server {{ listen {address} http2;\n{location} }} }}\n")
    arguments = ("-p", directory, "-c", file, "-e", "stderr", "-g", f"daemon off; pid {directory}/pid;")
    with (directory / "nginx.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program("nginx", "package nginx-light"), *arguments, stdout=log, stderr=log
        )
    try:
        yield address
    finally:
        process.terminate()
        await process.wait()


def commands(name: str) -> str:
    """Return the commands below the mark of this name on the security page."""
    found = re.search(rf"<!-- test: {name} -->\n```\w+\n(.*?)```", SECURITY.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def run(script: str, directory: Path) -> str:
    """Run commands of the shell; return what they print. AssertionError if one fails."""
    ran = subprocess.run(
        ["/bin/sh", "-e", "-c", script],
        check=False,
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


async def logged(server: GreenroomServer, event: str, *, times: int = 1) -> None:
    """Wait until the server has logged an event this often."""
    async with asyncio.timeout(PATIENCE):
        while server.log.read_text().count(event) < times:  # noqa: ASYNC110 -- another process writes it
            await asyncio.sleep(0.01)
