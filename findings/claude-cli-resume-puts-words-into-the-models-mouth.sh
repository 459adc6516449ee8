#!/usr/bin/env bash
# After an interruption `claude --resume` tells the model that it had answered "No response requested."
#
# Version: Claude Code 2.1.332 (claude-agent-sdk 0.2.189), 2026-11-30.
# A process that is killed while the model talks has kept the prompt. One expects the resumed session to send the prompt
# with what had been said of the answer, or with a note that it was cut, or two prompts in a row. Instead the history
# gets an assistant message that no model wrote, "No response requested.", in the place of the lost answer, half of
# which the user may have seen. The model reads its own refusal after the user's question, so "go on", which finishes
# an interrupted turn in a living process, asks a model that believes there was nothing to say. SIGTERM, an end in good
# order, does the same as SIGKILL; after an `interrupt` the half answer is kept, but the invented one follows it as soon
# as the session is resumed in a new process. No frame tells of it. To finish a lost turn, send the whole prompt again.
#
# Output seen (what the model is sent after "go on", without reminders and system parts):
#   interrupt, same process: user: what is the plan | assistant: one two | user: [Request interrupted by user] | user: go on
#   interrupt, resumed: user: what is the plan | assistant: one two | user: [Request interrupted by user]
#       | assistant: No response requested. | user: go on
#   SIGTERM, resumed: user: what is the plan | assistant: No response requested. | user: go on
#   SIGKILL, resumed: user: what is the plan | assistant: No response requested. | user: go on
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
python3 -m pip install -q --root-user-action ignore --no-deps --no-compile --target "$WORK/lib" claude-agent-sdk==0.2.189
export WORK PYTHONPATH=$here:$WORK/lib PYTHONDONTWRITEBYTECODE=1
python3 - <<'EOF'
import os, uuid
from claude_session import Api, Session, control, user

work = os.environ["WORK"]


def interrupted(session):
    session.send(control("interrupt"))
    session.wait(lambda f: f["type"] == "result")
    return session


def interrupted_and_ended(session):
    interrupted(session).close()


def terminated(session):
    session.process.terminate()
    session.process.wait()


def history(end):
    """Run half of an answer, `end` it, go on (in a new process if the old one is over), return what the model is sent."""
    api = Api(lambda request, n: {"text": "one two three four five six seven eight", "gap": 1} if n == 1 else "yes")
    name = str(uuid.uuid4())
    session = Session(api, work, f"--session-id={name}", "--include-partial-messages")
    session.control("initialize")
    session.send(user("what is the plan"))
    for word in ("one ", "two "):
        session.wait(lambda f: f.get("event", {}).get("delta", {}).get("text") == word)
    alive = end(session)
    session = alive or Session(api, work, f"--resume={name}")
    session.control("initialize")
    session.turn("go on")
    session.close()
    said = []
    for message in api.requests[-1]["messages"]:
        content = message["content"]
        texts = [content] if isinstance(content, str) else [block.get("text", "") for block in content]
        said += [f"{message['role']}: {t.strip()}" for t in texts if message["role"] != "system" and "<system-" not in t]
    return " | ".join(said)


cases = ("interrupt, same process", "interrupt, resumed", "SIGTERM, resumed", "SIGKILL, resumed")
seen = [history(end) for end in (interrupted, interrupted_and_ended, terminated, Session.kill)]
for case, messages in zip(cases, seen):
    print(f"{case}: {messages}")
asked, half = "user: what is the plan", "assistant: one two | user: [Request interrupted by user]"
invented, last = "assistant: No response requested.", "user: go on"
lost = f"{asked} | {invented} | {last}"
kept = [f"{asked} | {half} | {last}", f"{asked} | {half} | {invented} | {last}"]
assert seen == [*kept, lost, lost], "the behaviour has changed"
EOF
