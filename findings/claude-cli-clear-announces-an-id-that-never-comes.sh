#!/usr/bin/env bash
# After `/clear` the `claude` CLI announces a new id that never comes, and talks on under a third one.
#
# Version: Claude Code 2.1.332 (claude-agent-sdk 0.2.189), 2026-11-30.
# A user message "/clear" is answered by a frame `conversation_reset` with `new_conversation_id`. One expects to go on,
# and later to `--resume`, under that id. But the `session_id` of all later frames, and the transcript, have another
# one, which no frame announces; the announced id cannot be resumed. The running total `total_cost_usd` starts again
# at 0, too: a host that takes differences between results books a negative cost.
#
# Output seen:
#   ids: 3 different ones; total cost after one turn 0.0008, after the next one 0.0008
#   resume the announced id: No conversation found with session ID
#   resume the third id: goes on
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
python3 -m pip install -q --root-user-action ignore --no-deps --no-compile --target "$WORK/lib" claude-agent-sdk==0.2.189
export WORK PYTHONPATH=$here:$WORK/lib PYTHONDONTWRITEBYTECODE=1
python3 - <<'EOF'
import os, uuid
from claude_session import Api, Session, user

work, name = os.environ["WORK"], str(uuid.uuid4())
api = Api(lambda request, n: "yes")
session = Session(api, work, f"--session-id={name}")
session.control("initialize")
before = session.turn("hello")
session.send(user("/clear"))
announced = session.wait(lambda f: f["type"] == "conversation_reset")["new_conversation_id"]
session.wait(lambda f: f["type"] == "result")
after = session.turn("hello again")
session.close()
costs = [round(frame["total_cost_usd"], 4) for frame in (before, after)]
ids = [before["session_id"], announced, after["session_id"]]
print(f"ids: {len(set(ids))} different ones; total cost after one turn {costs[0]}, after the next one {costs[1]}")

lost = Session(api, work, f"--resume={announced}")
lost.process.wait(30)
words = lost.process.stderr.read().strip()[:37]
print("resume the announced id:", words)
found = Session(api, work, f"--resume={after['session_id']}")
found.control("initialize")
resumed = found.turn("still there?")
found.close()
print("resume the third id:", "goes on" if resumed["session_id"] == ids[2] else resumed)

assert ids[0] == name and len(set(ids)) == 3, "the behaviour has changed"
assert costs[0] == costs[1] > 0, "the behaviour has changed"
assert words == "No conversation found with session ID", "the behaviour has changed"
assert resumed["session_id"] == ids[2], "the behaviour has changed"
EOF
