#!/usr/bin/env bash
# grpc.aio server: when a client breaks off its upload, the handler reads an ordinary end of the requests.
#
# Version: grpcio 1.85.1, 2026-11-30.
# In a client-streaming handler one expects the end of the requests (the end of `async for`, or `aio.EOF` from
# `context.read()`) to mean that the client closed its side in good order, and CancelledError if it cancelled, ran into
# its deadline or died. Both ways of reading end as if all were well in ALL these cases, and `context.cancelled()` is
# False at that moment. CancelledError comes later, at one of the next awaits, if there is one. A handler that stores what
# it got in the same step, or hands it to a thread, has stored half an upload as a whole one. A protocol needs a last
# message of its own, or a count, by which the server knows that it has all.
#
# Output seen (the client sends 2 of 3 messages; 20 calls each, 3 with a killed client):
#   Iterate, cancel: {'end after 2 messages, cancelled() False': 20}
#   Iterate, deadline: {'end after 2 messages, cancelled() False': 20}
#   Iterate, killed client: {'end after 2 messages, cancelled() False': 3}
#   and the same three lines with Read
set -euo pipefail
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
python3 -m pip install -q --root-user-action ignore --no-compile --target "$WORK/lib" grpcio==1.85.1
cat >"$WORK/client.py" <<'EOF'
import sys, time, grpc

def requests():
    yield from (b"1", b"2")
    time.sleep(0.3)
    print("sent", flush=True)
    time.sleep(60)

grpc.insecure_channel(sys.argv[1]).stream_unary(sys.argv[2])(requests())
EOF
export WORK PYTHONPATH=$WORK/lib
python3 - <<'EOF'
import asyncio, collections, os, sys, grpc
from grpc import aio

seen = collections.Counter()

def stored(count, context):
    """Stand for a handler that stores what it got."""
    seen[f"end after {count} messages, cancelled() {context.cancelled()}"] += 1
    return b"stored"

async def iterate(requests, context):
    count = 0
    async for _ in requests:
        count += 1
    return stored(count, context)

async def read(requests, context):
    count = 0
    while await context.read() is not aio.EOF:
        count += 1
    return stored(count, context)

async def break_off(address, method, how):
    if how == "killed client":
        command = (sys.executable, f"{os.environ['WORK']}/client.py", address, method)
        client = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        await client.stdout.readline()
        client.kill()
        await client.wait()
    else:
        async with aio.insecure_channel(address) as channel:
            call = channel.stream_unary(method)(timeout=0.3 if how == "deadline" else None)
            await call.write(b"1")
            await call.write(b"2")
            await asyncio.sleep(0.1)
            if how == "cancel":
                call.cancel()
            await asyncio.sleep(0.3)
    await asyncio.sleep(0.2)

async def main():
    server = aio.server()
    methods = {name: grpc.stream_unary_rpc_method_handler(f) for name, f in (("Iterate", iterate), ("Read", read))}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("lab", methods),))
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    for method in ("Iterate", "Read"):
        for how, calls in (("cancel", 20), ("deadline", 20), ("killed client", 3)):
            seen.clear()
            for _ in range(calls):
                await break_off(address, f"/lab/{method}", how)
            print(f"{method}, {how}: {dict(seen)}")
            assert seen == {"end after 2 messages, cancelled() False": calls}, "the behaviour has changed"
    await server.stop(0)

asyncio.run(main())
EOF
