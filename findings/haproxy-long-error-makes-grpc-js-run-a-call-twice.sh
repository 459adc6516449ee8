#!/usr/bin/env bash
# Behind HAProxy, an error with more than 15 KB of details makes grpc-js send the call again: the handler runs twice.
#
# Version: HAProxy 2.6.12 (Debian 12), @grpc/grpc-js 1.14.7, server grpcio 1.85.1, 2026-11-30.
# The call has no retry policy, and the server answers it: INVALID_ARGUMENT with details in the trailers. One expects
# that status, or at worst another one. HAProxy cannot hold headers longer than its buffer (tune.bufsize, 16 KB), and
# ends the stream with RST_STREAM REFUSED_STREAM, which in HTTP/2 promises that the request was NOT processed. That is
# not so, but grpc-js believes it and repeats the call by itself, as gRPC allows for refused streams, whatever the retry
# policy says. A call with side effects takes place twice, and the caller reads UNAVAILABLE "Stream refused by server",
# which invites it to try once more. grpcio reads UNAVAILABLE, too, but sends the call once.
#
# Output seen:
#   direct, 15000 bytes of details: handler ran 1 times, grpc-js: 3 bad request
#   HAProxy, 7000 bytes of details: handler ran 1 times, grpc-js: 3 bad request
#   HAProxy, 15000 bytes of details: handler ran 2 times, grpc-js: 14 Stream refused by server
set -euo pipefail
command -v haproxy >/dev/null || apt-get install -yq haproxy >/dev/null
haproxy -v | sed -n 1p
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
python3 -m pip install -q --root-user-action ignore --no-compile --target "$WORK/lib" grpcio==1.85.1
npm install --silent --prefix "$WORK" @grpc/grpc-js@1.14.7 >/dev/null
cat >"$WORK/call.js" <<'EOF'
const grpc = require("@grpc/grpc-js");
const [address, size] = process.argv.slice(2);
const client = new grpc.Client(address, grpc.credentials.createInsecure());
const same = (bytes) => bytes;
client.makeUnaryRequest("/lab/Refuse", same, same, Buffer.from(size), (error) => {
  console.log(error.code, error.details);
  client.close();
});
EOF
export WORK
PYTHONPATH=$WORK/lib python3 - <<'EOF'
import asyncio, os, socket
import grpc
from grpc import aio

work = os.environ["WORK"]
runs = []

class Handler(grpc.GenericRpcHandler):
    def service(self, call):
        return grpc.unary_unary_rpc_method_handler(refuse)

async def refuse(request, context):
    runs.append(request)
    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "bad request", (("details-bin", bytes(int(request))),))

async def call(port, size):
    runs.clear()
    command = ("node", f"{work}/call.js", f"127.0.0.1:{port}", str(size))
    client = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    words, _ = await asyncio.wait_for(client.communicate(), 60)
    return f"{size} bytes of details: handler ran {len(runs)} times, grpc-js: {words.decode().strip()}"

async def main():
    server = aio.server()
    server.add_generic_rpc_handlers((Handler(),))
    direct = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxied = listener.getsockname()[1]
    with open(f"{work}/haproxy.cfg", "w") as file:
        file.write("defaults\n mode http\n timeout connect 5s\n timeout client 1m\n timeout server 1m\n")
        file.write(f"listen lab\n bind 127.0.0.1:{proxied} proto h2\n server one 127.0.0.1:{direct} proto h2\n")
    proxy = await asyncio.create_subprocess_exec("haproxy", "-db", "-f", f"{work}/haproxy.cfg")
    async with aio.insecure_channel(f"127.0.0.1:{proxied}") as channel:
        await asyncio.wait_for(channel.channel_ready(), 30)
    seen = [
        "direct, " + await call(direct, 15_000),
        "HAProxy, " + await call(proxied, 7_000),
        "HAProxy, " + await call(proxied, 15_000),
    ]
    proxy.terminate()
    await proxy.wait()
    await server.stop(0)
    print("\n".join(seen))
    assert [line.split("details: ")[1] for line in seen] == [
        "handler ran 1 times, grpc-js: 3 bad request",
        "handler ran 1 times, grpc-js: 3 bad request",
        "handler ran 2 times, grpc-js: 14 Stream refused by server",
    ], "the behaviour has changed"

asyncio.run(main())
EOF
