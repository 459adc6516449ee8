#!/usr/bin/env bash
# One user message, two `claude` results: the first one holds an interim sentence, the final answer belongs to nobody.
#
# Version: Claude Code 2.1.332 (claude-agent-sdk 0.2.189), 2026-11-30.
# In `--print` mode one expects one `result` for each message, with the answer in it. The model's `Agent` tool runs in
# the BACKGROUND unless the model says otherwise: the model says "I have started it", and that is a complete result,
# "success", "completed", with the message's `uuid`. When the agent is done, the CLI asks the model by itself, and the
# real answer comes in a second result without any `user_message_uuids`. A one-shot host that stops at the first result
# returns the interim sentence. A host that closes stdin then is right by chance: the process stays for the agent. A
# host with a time limit that sends SIGTERM kills the agent's work after a "successful" turn. The opposite can happen,
# too: two messages sent while the model talks are merged, and get ONE result with both ids.
#
# Output seen:
#   one message with an agent: ['I have started it' for 1 message, 'FINAL' for 0 messages (task-notification)]
#   three messages, two of them sent while the first one was answered: ['yes' for 1 message, 'yes' for 2 messages]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
python3 -m pip install -q --root-user-action ignore --no-deps --no-compile --target "$WORK/lib" claude-agent-sdk==0.2.189
export WORK PYTHONPATH=$here:$WORK/lib PYTHONDONTWRITEBYTECODE=1
python3 - <<'EOF'
import json, os, time, uuid
from claude_session import Api, Session, user

work = os.environ["WORK"]


def message(text):
    return user(text, uuid=str(uuid.uuid4()))


def results(session, seconds):
    told = []
    for frame in session.read_for(seconds):
        if frame["type"] == "result":
            assert (frame["subtype"], frame["is_error"], frame["terminal_reason"]) == ("success", False, "completed")
            count = len(frame.get("user_message_uuids") or [])
            kind = (frame.get("origin") or {}).get("kind")
            told.append(f"'{frame['result'].strip()}' for {count} message{'' if count == 1 else 's'}" + (f" ({kind})" if kind else ""))
    session.kill()
    return f"[{', '.join(told)}]"


def with_agent(request, n):
    history = json.dumps(request["messages"])
    if "delegate this" not in history:  # the agent's own request
        return {"text": "one two three found it", "gap": 1}
    if n == 1:
        return {"tool": "Agent", "input": {"description": "look", "prompt": "look", "subagent_type": "general-purpose"}}
    return "FINAL" if "found it" in history else "I have started it"


session = Session(Api(with_agent), work)
session.control("initialize")
session.send(message("delegate this"))
agent = results(session, 15)
print("one message with an agent:", agent)

session = Session(Api(lambda request, n: {"text": "yes", "gap": 2}), work)
session.control("initialize")
session.send(message("one"))
time.sleep(1)
session.send(message("two"), message("three"))
merged = results(session, 10)
print("three messages, two of them sent while the first one was answered:", merged)
assert agent == "['I have started it' for 1 message, 'FINAL' for 0 messages (task-notification)]", "the behaviour has changed"
assert merged == "['yes' for 1 message, 'yes' for 2 messages]", "the behaviour has changed"
EOF
