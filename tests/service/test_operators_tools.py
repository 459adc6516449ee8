"""What operators use: plain grpcurl finds, describes and calls everything; health probes; the README's tour works."""

import asyncio
import json
import re
from pathlib import Path

from greenroom_server import GreenroomServer
from shared_servers import SharedServers
from standin.model_api import ModelApi
from story import create, scripted

SERVICES = ("SessionService", "TurnService", "EventService", "ProfileService", "NodeService")
README = Path(__file__).resolve().parents[2] / "README.md"


async def run(*argv: str | Path, environment: dict[str, str] | None = None) -> str:
    """Run a program to its end and return what it printed; fails if it fails."""
    program = await asyncio.create_subprocess_exec(
        *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=environment
    )
    printed, _ = await program.communicate()
    assert program.returncode == 0, printed.decode()
    return printed.decode()


async def test_grpcurl_lists_and_describes_everything(server: GreenroomServer, grpcurl: Path) -> None:
    listed = (await run(grpcurl, "-plaintext", server.address, "list")).split()
    assert sorted(listed) == sorted(
        [
            *(f"greenroom.v1.{name}" for name in SERVICES),
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
        ]
    )
    for service in listed:
        described = await run(grpcurl, "-plaintext", server.address, "describe", service)
        assert described.startswith(f"{service} is a service")


async def test_grpcurl_runs_a_turn(server: GreenroomServer, grpcurl: Path) -> None:
    session = await create(server)
    request = json.dumps({"session_id": session.session_id, "prompt": scripted("x", {"text": "by grpcurl"})})
    method = "greenroom.v1.TurnService/RunTurn"
    printed = await run(grpcurl, "-plaintext", "-d", request, server.address, method)
    assert '"state": "TURN_STATE_COMPLETED"' in printed
    assert '"result_text": "by grpcurl"' in printed


async def test_health_is_checked_listed_and_probed(
    server: GreenroomServer, grpcurl: Path, health_probe: Path
) -> None:
    for service in ("", "readiness", "liveness", *(f"greenroom.v1.{name}" for name in SERVICES)):
        printed = await run(health_probe, f"-addr={server.address}", f"-service={service}")
        assert "SERVING" in printed
    listed = json.loads(await run(grpcurl, "-plaintext", server.address, "grpc.health.v1.Health/List"))
    assert {entry["status"] for entry in listed["statuses"].values()} == {"SERVING"}
    assert "readiness" in listed["statuses"]


async def test_server_info_tells_what_runs_here(server: GreenroomServer, grpcurl: Path) -> None:
    method = "greenroom.v1.NodeService/GetServerInfo"
    info = json.loads(await run(grpcurl, "-plaintext", server.address, method))["server_info"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", info["cli_version"])
    assert Path(info["cli_path"]).is_file()
    assert info["store_kind"] == "sqlite"
    assert info["limits"]["max_processes"] > 0


async def test_the_tour_of_the_readme_works(
    servers: SharedServers, tmp_path: Path, model_api: ModelApi, grpcurl: Path
) -> None:
    home = tmp_path / "home"
    work = home / "greenroom/work"
    async with servers.real(model_api.cli_environment) as server:
        work.parent.mkdir(parents=True)
        work.symlink_to(server.work)
        tour = "\n".join(re.findall(r"```bash\n(.*?)```", README.read_text(), re.DOTALL))
        tour = tour.replace("localhost:50051", server.address)
        assert tour.count(server.address) >= 6
        environment = {"PATH": f"{grpcurl.parent}:/usr/local/bin:/usr/bin:/bin", "XDG_STATE_HOME": str(home)}
        script = f"set -euo pipefail\n{tour}"
        printed = await run("bash", "-c", script, environment=environment)
    assert "greenroom.v1.SessionService" in printed
    assert '"state": "TURN_STATE_COMPLETED"' in printed
    assert '"SESSION_STATE_CLOSED"' in printed
