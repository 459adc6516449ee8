#!/usr/bin/env bash
# A server killed in mid-stream is UNAVAILABLE to a direct client, INTERNAL behind nginx, UNKNOWN behind HAProxy.
#
# Version: nginx 1.22.1, HAProxy 2.6.12 (Debian 12), client and server grpcio 1.85.1, 2026-11-30.
# "UNAVAILABLE may be retried, INTERNAL and UNKNOWN are bugs" is how clients are written, and how service configs list
# `retryableStatusCodes`. One expects a proxy to say UNAVAILABLE for an upstream that went away, as both do if it is away
# BEFORE the call. After the first message the status line is spent: nginx resets the stream with INTERNAL_ERROR, HAProxy
# ends it cleanly without trailers, and the client makes INTERNAL and UNKNOWN of it. A client of long streams that
# resumes only after UNAVAILABLE works in every test without a proxy, and never comes back behind one.
#
# Output seen (upstream gone before the call; killed after the first message):
#   direct: UNAVAILABLE; UNAVAILABLE
#   nginx: UNAVAILABLE; INTERNAL      (the first one was UNKNOWN in one run of eight)
#   haproxy: UNAVAILABLE; UNKNOWN
set -euo pipefail
command -v nginx haproxy >/dev/null || apt-get install -yq nginx-light haproxy >/dev/null
nginx -v
haproxy -v | sed -n 1p
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
python3 -m pip install -q --root-user-action ignore --no-compile --target "$WORK/lib" grpcio==1.85.1
cat >"$WORK/server.py" <<'EOF'
import asyncio, sys
import grpc

async def watch(request, context):
    yield b"first"
    await asyncio.sleep(60)

async def main():
    server = grpc.aio.server()
    watching = {"Watch": grpc.unary_stream_rpc_method_handler(watch)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("lab", watching),))
    server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    await server.start()
    await server.wait_for_termination()

asyncio.run(main())
EOF
export WORK PYTHONPATH=$WORK/lib
python3 - <<'EOF'
import os, socket, subprocess, sys
import grpc

work = os.environ["WORK"]
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
up, *ports = [taken.getsockname()[1] for taken in sockets]
for taken in sockets:
    taken.close()
temp = " ".join(f"{n}_temp_path {work}/{n};" for n in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
nginx = f"""daemon off; pid {work}/pid; error_log {work}/log; events {{}}
http {{ access_log off; {temp} server {{ listen 127.0.0.1:{ports[0]} http2; location / {{ grpc_pass grpc://127.0.0.1:{up}; }} }} }}"""
haproxy = f"""defaults\n mode http\n timeout connect 5s\n timeout client 1m\n timeout server 1m
listen lab\n bind 127.0.0.1:{ports[1]} proto h2\n server one 127.0.0.1:{up} proto h2\n"""
for name, text in (("nginx", nginx), ("haproxy", haproxy)):
    with open(f"{work}/{name}", "w") as file:
        file.write(text)
commands = ["nginx", "-c", f"{work}/nginx"], ["haproxy", "-db", "-f", f"{work}/haproxy"]
proxies = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for command in commands]

def code(channel, between=lambda: None):
    call = channel.unary_stream("/lab/Watch")(b"", timeout=30)
    try:
        assert next(call) == b"first"
        between()
        next(call)
    except grpc.RpcError as error:
        return error.code().name

seen = {}
try:
    for name, port in zip(("direct", "nginx", "haproxy"), (up, *ports)):
        server = subprocess.Popen([sys.executable, f"{work}/server.py", str(up)])
        with grpc.insecure_channel(f"127.0.0.1:{up}") as channel:
            grpc.channel_ready_future(channel).result(30)
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            grpc.channel_ready_future(channel).result(30)
            killed = code(channel, lambda: (server.kill(), server.wait()))
            seen[name] = f"{code(channel)}; {killed}"
finally:
    for proxy in proxies:
        proxy.terminate()
        proxy.wait()
for name, codes in seen.items():
    print(f"{name}: {codes}")
killed = [codes.split("; ")[1] for codes in seen.values()]
assert killed == ["UNAVAILABLE", "INTERNAL", "UNKNOWN"], "the behaviour has changed"
EOF
