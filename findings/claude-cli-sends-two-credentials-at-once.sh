#!/usr/bin/env bash
# The `claude` CLI sends two credentials in one request, drops one without a word, or the other, by the kind of socket.
#
# Version: Claude Code 2.1.332 (claude-agent-sdk 0.2.189), 2026-11-30.
# Where a service has a key of its own in the environment and a user's token is added, one expects an order: one wins,
# the other is not sent. Three things happen instead. An auth token or the output of the settings' `apiKeyHelper` is
# sent TOGETHER with the environment's API key, in two headers, so a gateway that looks at one of them bills another
# account than a gateway that looks at the other. An OAuth token beside an API key is not used at all, although
# `tokenSource` in the initialize answer names it. And the very same environment with `ANTHROPIC_UNIX_SOCKET`, which only
# changes the way to the API, sends the OAuth token and not the key, while `apiKeySource` still names the key.
# So: never leave more than one of them in the environment of the process.
#
# Output seen (the environment has API key K in all cases):
#   auth token: x-api-key K, authorization Bearer T
#   apiKeyHelper: x-api-key K, authorization Bearer H
#   oauth token: x-api-key K; told: tokenSource CLAUDE_CODE_OAUTH_TOKEN, apiKeySource ANTHROPIC_API_KEY
#   oauth token, Unix socket: authorization Bearer T; told: tokenSource CLAUDE_CODE_OAUTH_TOKEN, apiKeySource ANTHROPIC_API_KEY
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
python3 -m pip install -q --root-user-action ignore --no-deps --no-compile --target "$WORK/lib" claude-agent-sdk==0.2.189
export WORK PYTHONPATH=$here:$WORK/lib PYTHONDONTWRITEBYTECODE=1
python3 - <<'EOF'
import os, socketserver, threading
from claude_session import Api, Handler, Session

work = os.environ["WORK"]


class LocalApi(socketserver.ThreadingUnixStreamServer):
    """The same stand-in on a Unix socket; the host of the URL need not exist."""

    daemon_threads, url = True, "http://gateway.invalid"

    def __init__(self, path):
        super().__init__(path, Handler)
        self.answer, self.requests, self.headers = (lambda request, n: "yes"), [], []
        threading.Thread(target=self.serve_forever, daemon=True).start()


def sent(api, *flags, **environment):
    session = Session(api, work, *flags, env={"ANTHROPIC_API_KEY": "K", **environment})
    account = session.control("initialize")["response"]["account"]
    assert session.turn("hello")["is_error"] is False
    session.close()
    headers = {name.lower(): value for name, value in api.headers[-1].items()}
    pairs = [f"{name} {headers[name]}" for name in ("x-api-key", "authorization") if name in headers]
    return ", ".join(pairs), f"tokenSource {account['tokenSource']}, apiKeySource {account['apiKeySource']}"


api, local = Api(lambda request, n: "yes"), LocalApi(f"{work}/socket")
token = sent(api, ANTHROPIC_AUTH_TOKEN="T")
helper = sent(api, '--settings={"apiKeyHelper": "echo H"}')
oauth = sent(api, CLAUDE_CODE_OAUTH_TOKEN="T")
over_socket = sent(local, CLAUDE_CODE_OAUTH_TOKEN="T", ANTHROPIC_UNIX_SOCKET=f"{work}/socket")
print("auth token:", token[0])
print("apiKeyHelper:", helper[0])
print("oauth token: {}; told: {}".format(*oauth))
print("oauth token, Unix socket: {}; told: {}".format(*over_socket))
told = "tokenSource CLAUDE_CODE_OAUTH_TOKEN, apiKeySource ANTHROPIC_API_KEY"
assert token[0] == "x-api-key K, authorization Bearer T", "the behaviour has changed"
assert helper[0] == "x-api-key K, authorization Bearer H", "the behaviour has changed"
assert oauth == ("x-api-key K", told), "the behaviour has changed"
assert over_socket == ("authorization Bearer T", told), "the behaviour has changed"
EOF
