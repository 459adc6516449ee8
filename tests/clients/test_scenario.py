"""One scenario, played by every client against the same live server: all of them see the same.

Python takes part always; the others where GREENROOM_TEST_CLIENTS names them, as `make test-clients` does.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import grpc
import pytest

from certificates import Authority
from fake_cli.installed import install
from greenroom_server import GreenroomServer
from greenroomd.domain.principal import Grants
from greenroomd.settings.load import load_settings
from greenroomd.wiring import key_commands

HERE = Path(__file__).parent
CLIENTS = HERE.parents[1] / "clients"
RUNNERS = {
    "python": [sys.executable, str(HERE / "runners" / "python_runner.py")],
    "go": [str(CLIENTS.parent / "build" / "clients" / "go-runner")],
    "java": [str(HERE / "runners" / "java.sh"), "io.github.greenroomdev.Scenario"],
    "rust": [str(CLIENTS.parent / "build" / "cargo" / "debug" / "examples" / "scenario")],
    "typescript": ["node", str(CLIENTS / "typescript" / "dist-test" / "test" / "scenario.js")],
}
LANGUAGES = os.environ.get("GREENROOM_TEST_CLIENTS", "python").split()
TRANSCRIPT = (HERE / "transcript.txt").read_text()
PATIENCE = 100.0  # seconds


async def played(language: str, server: GreenroomServer, *secrets: str) -> str:
    """Return the transcript of one language's runner; the server is killed and started where it says so."""
    runner = await asyncio.create_subprocess_exec(
        *RUNNERS[language], server.address, str(server.work), str(HERE / "scenario.json"), *secrets,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert runner.stdin is not None
    assert runner.stdout is not None
    transcript = ""
    try:
        async with asyncio.timeout(PATIENCE):
            while line := (await runner.stdout.readline()).decode():
                transcript += line
                if line.strip() == "restart_server":
                    await server.kill()
                    await server.start()
                    runner.stdin.write(b"started\n")
            assert await runner.wait() == 0, transcript
    finally:
        if runner.returncode is None:
            runner.kill()
            await runner.wait()
    return transcript


@pytest.mark.timeout(300)
async def test_every_client_sees_the_same(server: GreenroomServer) -> None:
    for language in LANGUAGES:
        assert await played(language, server) == TRANSCRIPT, f"{language} tells another story"


@pytest.mark.timeout(300)
async def test_every_client_sees_the_same_with_certificates_and_tokens(tmp_path: Path) -> None:
    """The server demands TLS, a client certificate and a token; its own certificate is for another name."""
    authority, clients = Authority("servers"), Authority("clients")
    own, client = authority.issue("greenroom.test"), clients.issue("client")
    write(tmp_path / "server", {"tls.crt": own.certificate, "tls.key": own.key, "ca.crt": clients.pem})
    secrets = tmp_path / "client"
    write(secrets, {"tls.crt": client.certificate, "tls.key": client.key, "ca.crt": authority.pem})
    server = GreenroomServer(
        tmp_path / "at",
        {},
        claude_path=str(install(tmp_path)),
        authentication="token",
        tls_cert_file=str(tmp_path / "server" / "tls.crt"),
        tls_key_file=str(tmp_path / "server" / "tls.key"),
        tls_client_ca_file=str(tmp_path / "server" / "ca.crt"),
    )
    server.credentials = grpc.ssl_channel_credentials(authority.pem, client.key, client.certificate)
    server.server_name = "greenroom.test"
    async with server:
        settings = load_settings(server.settings)
        token, _ = await asyncio.to_thread(
            key_commands.create, settings, "scenario", Grants.of(["*=admin"]), None
        )
        write(secrets, {"token": f"{token}\n".encode()})
        for language in LANGUAGES:
            told = await played(language, server, str(secrets))
            assert told == TRANSCRIPT, f"{language} tells another story"


def write(directory: Path, files: dict[str, bytes]) -> None:
    """Write files, and the directory if it is not there."""
    directory.mkdir(exist_ok=True)
    for name, content in files.items():
        (directory / name).write_bytes(content)
