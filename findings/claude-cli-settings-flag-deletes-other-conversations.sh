#!/usr/bin/env bash
# `claude --settings '{"cleanupPeriodDays": 1}'` for one session deletes the transcripts of ALL other sessions.
#
# Version: Claude Code 2.1.332 (claude-agent-sdk 0.2.189), 2026-11-30.
# `--settings` is a flag of one process, and one expects its values to end with it. This key does not: a few seconds
# after the process has started, a sweep goes through the whole config folder and deletes each transcript whose file is
# older than the period, of every project directory and of sessions that were started with another period, or none. The
# file's time of change counts, and resuming a session without a turn does not renew it for long. A deleted conversation
# cannot be resumed: "No conversation found". So one tenant's setting decides how long all others of the same config
# folder live. Only a session whose process is alive is spared.
#
# Output seen:
#   three days old, nobody has set a period: kept
#   three days old, another session of another directory says 1 day: deleted after 5 s
#   three days old, but its own process is alive: kept
#   resumed: No conversation found with session ID
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
python3 -m pip install -q --root-user-action ignore --no-deps --no-compile --target "$WORK/lib" claude-agent-sdk==0.2.189
export WORK PYTHONPATH=$here:$WORK/lib PYTHONDONTWRITEBYTECODE=1
python3 - <<'EOF'
import glob, os, time, uuid
from claude_session import Api, Session

work = os.environ["WORK"]
api = Api(lambda request, n: "yes")


def conversation():
    """Start a session, let it talk, and make its transcript three days old."""
    name = str(uuid.uuid4())
    session = Session(api, work, f"--session-id={name}", cwd="mine")
    session.control("initialize")
    session.turn("remember this")
    [file] = glob.glob(f"{work}/config/projects/*/{name}.jsonl")
    return name, session, file


def fate(file, *flags):
    """Return what becomes of `file` while a session of another directory runs one turn and waits 15 s."""
    os.utime(file, (time.time() - 3 * 86400,) * 2)
    other = Session(api, work, *flags, cwd="theirs")
    other.control("initialize")
    other.turn("hello")
    end = time.monotonic() + 15
    while os.path.exists(file) and time.monotonic() < end:
        time.sleep(0.2)
    other.close()
    return "kept" if os.path.exists(file) else "deleted"


name, session, file = conversation()
session.close()
seen = [
    "three days old, nobody has set a period: " + fate(file),
    "three days old, another session of another directory says 1 day: " + fate(file, '--settings={"cleanupPeriodDays": 1}'),
]
live_name, live, live_file = conversation()
seen.append("three days old, but its own process is alive: " + fate(live_file, '--settings={"cleanupPeriodDays": 1}'))
live.close()
resumed = Session(api, work, f"--resume={name}", cwd="mine")
resumed.process.wait(30)
seen.append("resumed: " + resumed.process.stderr.read().strip()[:37])
print("\n".join(seen))
assert [line.split(": ")[1] for line in seen] == [
    "kept", "deleted", "kept", "No conversation found with session ID",
], "the behaviour has changed"
EOF
