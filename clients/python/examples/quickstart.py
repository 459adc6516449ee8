"""Gives a prompt to a new session and prints what happens: `quickstart.py ADDRESS WORKING_DIR PROMPT`."""

# ruff: noqa: D103, T201

import asyncio
import sys

from greenroom import Client
from greenroom.v1.config_pb2 import SessionConfig
from greenroom.v1.event_pb2 import EventType
from greenroom.v1.session_service_pb2 import CloseSessionRequest, CreateSessionRequest


async def main(address: str, working_dir: str, prompt: str) -> None:
    async with Client(address) as client:
        request = CreateSessionRequest(config=SessionConfig(working_dir=working_dir))
        session_id = (await client.sessions.CreateSession(request)).session.session_id
        running = client.run_turn(session_id, prompt)
        async for event in running:
            print(event.sequence, EventType.Name(event.type))
        assert running.turn is not None
        print(running.turn.result_text)
        await client.sessions.CloseSession(CloseSessionRequest(session_id=session_id))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    asyncio.run(main(*sys.argv[1:]))
