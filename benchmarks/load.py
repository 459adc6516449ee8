"""Load from `h2load`: the same raw gRPC request again and again, from a client that costs next to nothing."""

from __future__ import annotations

import asyncio
import re
import struct
import tempfile

from google.protobuf.message import Message


class LoadFailed(Exception):
    """The load could not be made, or not every request was answered with OK."""


async def unary(address: str, method: str, request: Message, *, requests: int, in_flight: int = 64) -> float:
    """Send a request so many times, so many at once over four connections; return the answers a second.

    `method` is `package.Service/Method`. A gRPC error is HTTP 200 as well: whoever measures must look for himself
    that the calls did what they should.
    """
    body = request.SerializeToString()
    with tempfile.NamedTemporaryFile() as data:
        # gRPC's frame: not compressed, length, message.
        data.write(b"\0" + struct.pack(">I", len(body)) + body)
        data.flush()
        program = await asyncio.create_subprocess_exec(
            "h2load", "-n", str(requests), "-c", "4", "-m", str(in_flight // 4), "-d", data.name,
            "-H", "content-type: application/grpc", "-H", "te: trailers", f"http://{address}/{method}",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        printed = (await program.communicate())[0].decode()
    answered = re.search(r"(\d+) succeeded, (\d+) failed", printed)
    rate = re.search(r"([\d.]+) req/s", printed)
    if not answered or not rate or answered[1] != str(requests):
        raise LoadFailed(f"{method}: {printed}")
    return float(rate[1])
