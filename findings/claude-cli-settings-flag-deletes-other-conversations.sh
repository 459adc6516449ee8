#!/usr/bin/env bash
# `claude --settings '{"cleanupPeriodDays": 1}'` for one session deletes the transcripts of ALL other sessions.
#
# Version: Claude Code 2.1.332 (claude-agent-sdk 0.2.189), 2026-11-30.
# `--settings` is a flag of one process, and one expects its values to end with it. This key does not: some seconds
# after the process has started, a sweep goes through the whole config folder and deletes each transcript whose file is
# older than the period, of every project directory, and of sessions that were started with another period or none. A
# deleted conversation cannot be resumed. Only a session whose process is alive at that moment is spared. After a sweep
# the folder is left alone for a while (its time is in `.last-cleanup`), so the session that happens to come first
# decides with its own period for all others: in tests the loss comes and goes.
#
# Output seen:
#   three days old, no session sets a period: kept
#   three days old, a session of another directory says 1 day: deleted
#   three days old, the same, but its own process is alive: kept
#   the deleted one, resumed: No conversation found with session ID
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
python3 -m pip install -q --root-user-action ignore --no-deps --no-compile --target "$WORK/lib" claude-agent-sdk==0.2.189
export WORK PYTHONPATH=$here:$WORK/lib PYTHONDONTWRITEBYTECODE=1
python3 - <<'EOF'
import glob, os, time, uuid
from claude_session import Api, Session

api = Api(lambda request, n: "yes")


def fate(case, *flags, alive=False):
    """Return what becomes of a conversation while a session of another directory runs a turn and waits 15 s."""
    work, name = f"{os.environ['WORK']}/{case}", str(uuid.uuid4())
    session = Session(api, work, f"--session-id={name}", cwd="mine")
    session.control("initialize")
    session.turn("remember this")
    if not alive:
        session.close()
    [file] = glob.glob(f"{work}/config/projects/*/{name}.jsonl")
    os.utime(file, (time.time() - 3 * 86400,) * 2)
    # The first process may have swept already; without its mark the next one sweeps as well.
    if os.path.exists(f"{work}/config/.last-cleanup"):
        os.remove(f"{work}/config/.last-cleanup")
    other = Session(api, work, *flags, cwd="theirs")
    other.control("initialize")
    other.turn("hello")
    end = time.monotonic() + 15
    while os.path.exists(file) and time.monotonic() < end:
        time.sleep(0.2)
    other.close()
    if os.path.exists(file):
        return "kept"
    resumed = Session(api, work, f"--resume={name}", cwd="mine")
    resumed.process.wait(30)
    return "deleted", resumed.process.stderr.read().strip()[:37]


one_day = '--settings={"cleanupPeriodDays": 1}'
kept = fate("a")
print("three days old, no session sets a period:", kept)
deleted, words = fate("b", one_day)
print("three days old, a session of another directory says 1 day:", deleted)
alive = fate("c", one_day, alive=True)
print("three days old, the same, but its own process is alive:", alive)
print("the deleted one, resumed:", words)
assert (kept, deleted, alive) == ("kept", "deleted", "kept"), "the behaviour has changed"
assert words == "No conversation found with session ID", "the behaviour has changed"
EOF
