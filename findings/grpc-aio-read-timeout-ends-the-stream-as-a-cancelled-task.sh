#!/usr/bin/env bash
# grpc.aio: a timeout around ONE read ends the whole call, and the next read looks as if your own task was cancelled.
#
# Version: grpcio 1.85.1, 2026-11-30.
# `await asyncio.wait_for(call.read(), 0.2)` on a quiet stream, to do something else in between, raises TimeoutError as
# one expects. One also expects the next read to get the next message, or at worst an AioRpcError with CANCELLED. But the
# timeout has cancelled the RPC on the server, and each later read raises a bare asyncio.CancelledError in a task that
# nobody cancelled (`cancelling()` is 0). `except Exception` does not catch it, and a TaskGroup takes it for a task that
# was told to stop: the reader is gone, the group ends in good order, nothing is logged. `asyncio.wait` with a timeout,
# on a read in a task of its own that one keeps, leaves the call alone.
#
# Output seen:
#   first read: b'0'
#   read with a timeout: TimeoutError
#   the server saw: CancelledError
#   next read: CancelledError, this task was cancelled 0 times, the call's code is CANCELLED
#   a TaskGroup with a reader whose call ended so: no exception, 0 messages
#   asyncio.wait instead: nothing after 0.2 s, then b'1'
set -euo pipefail
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
python3 -m pip install -q --root-user-action ignore --no-compile --target "$WORK/lib" grpcio==1.85.1
PYTHONPATH=$WORK/lib python3 - <<'EOF'
import asyncio
import grpc
from grpc import aio

server_saw = []

async def ticks(request, context):
    try:
        for number in range(10):
            yield b"%d" % number
            await asyncio.sleep(1)
    except BaseException as error:
        server_saw.append(type(error).__name__)
        raise

async def main():
    server = aio.server()
    methods = {"Ticks": grpc.unary_stream_rpc_method_handler(ticks)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("lab", methods),))
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    async with aio.insecure_channel(address) as channel:
        call = channel.unary_stream("/lab/Ticks")(b"")
        seen = [f"first read: {await call.read()}"]
        try:
            seen.append(f"read with a timeout: {await asyncio.wait_for(call.read(), 0.2)}")
        except TimeoutError:
            seen.append("read with a timeout: TimeoutError")
        await asyncio.sleep(0.5)
        seen.append("the server saw: " + ", ".join(server_saw))
        try:
            seen.append(f"next read: {await call.read()}")
        except asyncio.CancelledError:
            times, code = asyncio.current_task().cancelling(), (await call.code()).name
            seen.append(f"next read: CancelledError, this task was cancelled {times} times, the call's code is {code}")

        got = []

        async def reader():
            while True:
                got.append(await call.read())

        async with asyncio.TaskGroup() as group:
            group.create_task(reader())
        seen.append(f"a TaskGroup with a reader whose call ended so: no exception, {len(got)} messages")

        call = channel.unary_stream("/lab/Ticks")(b"")
        await call.read()
        reading = asyncio.create_task(call.read())
        done, _ = await asyncio.wait({reading}, timeout=0.2)
        seen.append(f"asyncio.wait instead: {'a message' if done else 'nothing'} after 0.2 s, then {await reading}")
        call.cancel()
    await server.stop(0)
    print("\n".join(seen))
    assert seen == [
        "first read: b'0'",
        "read with a timeout: TimeoutError",
        "the server saw: CancelledError",
        "next read: CancelledError, this task was cancelled 0 times, the call's code is CANCELLED",
        "a TaskGroup with a reader whose call ended so: no exception, 0 messages",
        "asyncio.wait instead: nothing after 0.2 s, then b'1'",
    ], "the behaviour has changed"

asyncio.run(main())
EOF
