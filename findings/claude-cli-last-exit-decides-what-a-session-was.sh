#!/usr/bin/env bash
# Two `claude` processes on one session: the one that EXITS last, not the one that spoke last, decides what `--resume` finds.
#
# Version: Claude Code 2.1.332 (claude-agent-sdk 0.2.189), 2026-11-30.
# A second process on a session (a failover that came too early, an old process that still finishes its turn) is not
# refused: both append to one transcript. One expects a resumed session to go on after the newest message, or to have
# everything. But the transcript is a tree, and its tip is a record that a process writes when it ends in good order.
# A stale process that said one thing after its successor took over, and is shut down cleanly at any later time, takes
# the session back to its own branch: all turns of the successor are gone from the model's history, though every line is
# still in the file, and no frame says so. A clean end (end of stdin, SIGTERM) does the damage; SIGKILL does not.
# So a manager must fence a lost process with SIGKILL, or copy the transcript, before it lets another one resume.
#
# Output seen (the old process said "old"; after that the new one said "new-1" and "new-2"):
#   old ends, then new ends: start, new-1, new-2
#   new ends, then old ends: start, old
#   new ends, then old gets SIGTERM: start, old
#   new ends, then old gets SIGKILL: start, new-1, new-2
#   old ends, then new gets SIGKILL: start, old
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
python3 -m pip install -q --root-user-action ignore --no-deps --no-compile --target "$WORK/lib" claude-agent-sdk==0.2.189
export WORK PYTHONPATH=$here:$WORK/lib PYTHONDONTWRITEBYTECODE=1
python3 - <<'EOF'
import json, os, uuid
from claude_session import Api, Session


def terminate(session):
    session.process.terminate()
    session.process.wait()


def remembered(first, end_first, second, end_second):
    """Run both processes, end them in this order, and return what a resumed session sends to the model."""
    api = Api(lambda request, n: "yes")
    name = str(uuid.uuid4())
    running = {"old": Session(api, os.environ["WORK"], f"--session-id={name}")}
    running["old"].control("initialize")
    running["old"].turn("start")
    running["new"] = Session(api, os.environ["WORK"], f"--resume={name}")
    running["new"].control("initialize")
    for who, text in (("old", "old"), ("new", "new-1"), ("new", "new-2")):
        assert running[who].turn(text)["subtype"] == "success"
    end_first(running[first])
    end_second(running[second])
    resumed = Session(api, os.environ["WORK"], f"--resume={name}")
    resumed.control("initialize")
    assert resumed.turn("end")["session_id"] == name
    resumed.close()
    history = json.dumps(api.requests[-1]["messages"])
    return ", ".join(text for text in ("start", "old", "new-1", "new-2") if f'"{text}"' in history)


seen = [
    "old ends, then new ends: " + remembered("old", Session.close, "new", Session.close),
    "new ends, then old ends: " + remembered("new", Session.close, "old", Session.close),
    "new ends, then old gets SIGTERM: " + remembered("new", Session.close, "old", terminate),
    "new ends, then old gets SIGKILL: " + remembered("new", Session.close, "old", Session.kill),
    "old ends, then new gets SIGKILL: " + remembered("old", Session.close, "new", Session.kill),
]
print("\n".join(seen))
assert [line.split(": ")[1] for line in seen] == [
    "start, new-1, new-2", "start, old", "start, old", "start, new-1, new-2", "start, old",
], "the behaviour has changed"
EOF
