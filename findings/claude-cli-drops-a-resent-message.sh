#!/usr/bin/env bash
# The `claude` CLI drops a user message whose `uuid` it has seen before, even if that message never got an answer.
#
# Version: Claude Code 2.1.332 (claude-agent-sdk 0.2.189), 2026-11-30.
# A host that gives each user frame a `uuid` of its own, to match results, will sooner or later send one again: the
# API was down, the turn was interrupted, the process died. One expects a new turn, or an error. Instead:
#   - after an API error:  one `command_lifecycle` frame ("cancelled"), no request to the model, no `result`
#   - after an interrupt:  no frame at all for the message
#   - in a new process with `--resume`: `command_lifecycle` "completed", although the model never answered it; from
#     the second time on in the same process no frame at all
# In no case is there a `result`, so a host that waits for one waits for ever. The text does not matter, only the
# `uuid`: another prompt under an old `uuid` is dropped too. Retry under a new `uuid`.
#
# Output seen:
#   first try: API Error: 402 told by the stand-in
#   sent again: ['cancelled'], requests to the model: 1
#   sent again to the resumed session: ['completed'], requests to the model: 1
#   other words under that uuid: [], requests to the model: 1
#   under a new uuid: answered, requests to the model: 2
#   interrupted, then sent again: [], requests to the model: 1
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
python3 -m pip install -q --root-user-action ignore --no-deps --no-compile --target "$WORK/lib" claude-agent-sdk==0.2.189
export WORK PYTHONPATH=$here:$WORK/lib PYTHONDONTWRITEBYTECODE=1
python3 - <<'EOF'
import os, time, uuid
from claude_session import Api, Session, control, user

work = os.environ["WORK"]


def again(session, api, text, key):
    session.send(user(text, uuid=key))
    frames = session.read_for(4)
    assert not [f for f in frames if f["type"] in ("result", "assistant")], frames
    states = [f["state"] for f in frames if f["type"] == "command_lifecycle"]
    return f"{states}, requests to the model: {len(api.requests)}"


api = Api(lambda request, n: {"status": 402} if n == 1 else "answered")
name, key = str(uuid.uuid4()), str(uuid.uuid4())
session = Session(api, work, f"--session-id={name}")
session.control("initialize")
seen = ["first try: " + session.turn("hello", uuid=key)["result"]]
seen.append("sent again: " + again(session, api, "hello", key))
session.close()

session = Session(api, work, f"--resume={name}")
session.control("initialize")
seen.append("sent again to the resumed session: " + again(session, api, "hello", key))
seen.append("other words under that uuid: " + again(session, api, "something else", key))
answer = session.turn("hello", uuid=str(uuid.uuid4()))["result"].strip()
seen.append(f"under a new uuid: {answer}, requests to the model: {len(api.requests)}")
session.close()

api = Api(lambda request, n: {"text": "one two three four five", "gap": 0.5})
session = Session(api, work)
session.control("initialize")
session.send(user("hello", uuid=key))
time.sleep(1.5)
session.send(control("interrupt"))
session.wait(lambda f: f["type"] == "result")
session.read_for(2)
seen.append("interrupted, then sent again: " + again(session, api, "hello", key))

print("\n".join(seen))
assert seen == [
    "first try: API Error: 402 told by the stand-in",
    "sent again: ['cancelled'], requests to the model: 1",
    "sent again to the resumed session: ['completed'], requests to the model: 1",
    "other words under that uuid: [], requests to the model: 1",
    "under a new uuid: answered, requests to the model: 2",
    "interrupted, then sent again: [], requests to the model: 1",
], "the behaviour has changed"
EOF
