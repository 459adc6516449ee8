#!/usr/bin/env bash
# grpc.aio client: your own error in the request iterator comes out as CancelledError, and the error itself is gone.
#
# Version: grpcio 1.85.1, 2026-11-30.
# `stub.Method(requests())` with an async generator that raises (a KeyError, a message that cannot be serialized): one
# expects that error from the call, or an AioRpcError with it as its cause. What comes is a bare asyncio.CancelledError,
# with neither cause nor context, in a task that nobody cancelled; the status is CANCELLED "Locally cancelled by
# application!". The KeyError is in no log line of level WARNING or above. In a TaskGroup nothing at all is seen: the
# task counts as one that was told to stop, and the group ends in good order. The client that is not asyncio's gives
# UNKNOWN "Exception iterating requests!" and logs the traceback. Feed a call by `write()` instead, or catch the errors
# inside the generator.
#
# Output seen:
#   stream_stream: CancelledError, cause None, context None, CANCELLED Locally cancelled by application!
#   stream_unary: CancelledError, cause None, context None, CANCELLED Locally cancelled by application!
#   TaskGroup: no exception, the worker came to its end: False; lines logged: 0
#   the same generator in the synchronous client: UNKNOWN Exception iterating requests!
set -euo pipefail
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
python3 -m pip install -q --root-user-action ignore --no-compile --target "$WORK/lib" grpcio==1.85.1
PYTHONPATH=$WORK/lib python3 - <<'EOF'
import asyncio, logging, grpc
from grpc import aio

lines = []
logging.basicConfig(level=logging.WARNING)
logging.getLogger().handlers[0].emit = lambda record: lines.append(record.getMessage())

async def echo(requests, context):
    async for request in requests:
        yield request

async def count(requests, context):
    return b"%d" % len([request async for request in requests])

async def broken():
    yield b"first"
    await asyncio.sleep(0.1)
    raise KeyError("of the caller")

async def outcome(call):
    try:
        return [message async for message in call] if hasattr(call, "__aiter__") else await call
    except asyncio.CancelledError as error:
        assert asyncio.current_task().cancelling() == 0
        words = f"CancelledError, cause {error.__cause__}, context {error.__context__}"
        return f"{words}, {(await call.code()).name} {await call.details()}"

def synchronous(address):
    def broken():
        yield b"first"
        raise KeyError("of the caller")

    with grpc.insecure_channel(address) as channel:
        try:
            return list(channel.stream_stream("/lab/Echo")(broken()))
        except grpc.RpcError as error:
            return f"{error.code().name} {error.details()}"

async def main():
    server = aio.server()
    methods = {"Echo": grpc.stream_stream_rpc_method_handler(echo), "Count": grpc.stream_unary_rpc_method_handler(count)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("lab", methods),))
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    async with aio.insecure_channel(address) as channel:
        seen = [await outcome(channel.stream_stream("/lab/Echo")(broken()))]
        seen.append(await outcome(channel.stream_unary("/lab/Count")(broken())))
        ended = []

        async def worker():
            async for _ in channel.stream_stream("/lab/Echo")(broken()):
                pass
            ended.append(True)

        async with asyncio.TaskGroup() as group:
            group.create_task(worker())
        seen.append(f"no exception, the worker came to its end: {bool(ended)}; lines logged: {len(lines)}")
    seen.append(await asyncio.to_thread(synchronous, address))
    await server.stop(0)
    cases = ("stream_stream", "stream_unary", "TaskGroup", "the same generator in the synchronous client")
    for case, words in zip(cases, seen):
        print(f"{case}: {words}")
    cancelled = "CancelledError, cause None, context None, CANCELLED Locally cancelled by application!"
    silent = "no exception, the worker came to its end: False; lines logged: 0"
    assert seen == [cancelled, cancelled, silent, "UNKNOWN Exception iterating requests!"], "the behaviour has changed"

asyncio.run(main())
EOF
