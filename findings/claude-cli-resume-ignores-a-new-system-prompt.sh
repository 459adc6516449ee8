#!/usr/bin/env bash
# `claude --resume ID --system-prompt NEW` runs with the OLD system prompt and does not say so; a fork does as well.
#
# Version: Claude Code 2.1.332 (claude-agent-sdk 0.2.189), 2026-11-30.
# Every flag of a resumed process is expected to hold for that process, as `--model` and the tool rules do. The system
# prompt is taken from the transcript instead: `--system-prompt`, `--append-system-prompt` and the `systemPrompt` of the
# initialize request are accepted, the answers are "success", stderr is empty, and the model is sent the first one. A
# fork (`--fork-session`), which makes a new session out of an old one, keeps it too. A deployed change of a prompt thus
# never reaches sessions that exist. `--system-prompt-snapshot off` on the resuming process is what lets the new one in.
#
# Output seen (which prompts the model was sent):
#   started with FIRST: FIRST
#   resumed with SECOND and an appended THIRD: FIRST
#   resumed with SECOND in the initialize request: FIRST
#   forked with SECOND: FIRST
#   resumed with SECOND and --system-prompt-snapshot off: SECOND
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
python3 -m pip install -q --root-user-action ignore --no-deps --no-compile --target "$WORK/lib" claude-agent-sdk==0.2.189
export WORK PYTHONPATH=$here:$WORK/lib PYTHONDONTWRITEBYTECODE=1
python3 - <<'EOF'
import json, os, uuid
from claude_session import Api, Session

api = Api(lambda request, n: "yes")
name = str(uuid.uuid4())


def prompts(*flags, **initialize):
    session = Session(api, os.environ["WORK"], *flags)
    assert session.control("initialize", **initialize)["subtype"] == "success"
    assert session.turn("hello")["subtype"] == "success"
    session.close()
    assert not session.process.stderr.read()
    system = json.dumps(api.requests[-1]["system"])
    return " ".join(word for word in ("FIRST", "SECOND", "THIRD") if word in system)


second, resume = "--system-prompt=SECOND", f"--resume={name}"
seen = {
    "started with FIRST": prompts(f"--session-id={name}", "--system-prompt=FIRST"),
    "resumed with SECOND and an appended THIRD": prompts(resume, second, "--append-system-prompt=THIRD"),
    "resumed with SECOND in the initialize request": prompts(resume, systemPrompt="SECOND"),
    "forked with SECOND": prompts(resume, second, "--fork-session"),
    "resumed with SECOND and --system-prompt-snapshot off": prompts(resume, second, "--system-prompt-snapshot", "off"),
}
for case, sent in seen.items():
    print(f"{case}: {sent}")
assert list(seen.values()) == ["FIRST", "FIRST", "FIRST", "FIRST", "SECOND"], "the behaviour has changed"
EOF
