#!/usr/bin/env bash
# An assistant frame "API Error: ..." may stand in the middle of a `claude` turn that succeeds; its tool has run already.
#
# Version: Claude Code 2.1.332 (claude-agent-sdk 0.2.189), 2026-11-30.
# The CLI runs a tool as soon as its block is complete, not when the model's message is. If the connection breaks between
# the two, one expects either a repeated request, announced by `api_retry`, or a failed turn. What comes is an assistant
# frame of model "<synthetic>" with the text "API Error: Connection lost mid-response...", as otherwise only at the end
# of a failed turn, no `api_retry`, and then the turn goes on from the tool's result to a success. A host that ends the
# turn at that frame, or shows it as the answer, is wrong; a host that repeats the prompt because of it runs the tool
# twice. If the connection breaks before a block is complete, it is the other way: `api_retry`, no such frame.
#
# Output seen:
#   cut after the tool's block: [assistant text, assistant tool_use, user tool_result, API Error, assistant text, result success]
#   the tool ran 1 times, 1 of them before the message was cut; 0 api_retry
#   cut in the middle of a text: [api_retry, assistant text, result success]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
python3 -m pip install -q --root-user-action ignore --no-deps --no-compile --target "$WORK/lib" claude-agent-sdk==0.2.189
export WORK PYTHONPATH=$here:$WORK/lib PYTHONDONTWRITEBYTECODE=1
python3 - <<'EOF'
import os, time
from claude_session import Api, Session

work = os.environ["WORK"]
mark = f"{work}/project/mark"


def told(session):
    """Return the frames of a turn in short."""
    session.control("initialize")
    session.turn("hello")
    short = []
    for frame in session.frames:
        if frame.get("subtype") == "api_retry":
            short.append("api_retry")
        elif frame["type"] in ("assistant", "user"):
            [block] = frame["message"]["content"]
            error = block.get("text", "").startswith("API Error: Connection lost")
            short.append("API Error" if error else f"{frame['type']} {block['type']}")
        elif frame["type"] == "result":
            short.append(f"result {frame['subtype']}" + (" is_error" if frame["is_error"] else ""))
    session.close()
    return short


def tool_then_cut(request, n):
    if n == 1:
        command = {"command": f"echo ran >> {mark}", "description": "mark"}
        return {"text": "I do it", "tool": "Bash", "input": command, "cut_at_end": True}
    early.append(os.path.exists(mark))
    return "done"


early = []
after_block = told(Session(Api(tool_then_cut), work, "--allowedTools=Bash"))
with open(mark) as file:
    runs = len(file.readlines())
cut = Session(Api(lambda request, n: {"text": "one two three", "cut": n == 1}), work)
in_text = told(cut)
print(f"cut after the tool's block: [{', '.join(after_block)}]")
print(f"the tool ran {runs} times, {sum(early)} of them before the message was cut; {after_block.count('api_retry')} api_retry")
print(f"cut in the middle of a text: [{', '.join(in_text)}]")
assert after_block == [
    "assistant text", "assistant tool_use", "user tool_result", "API Error", "assistant text", "result success",
], "the behaviour has changed"
assert (runs, early) == (1, [True]), "the behaviour has changed"
assert in_text == ["api_retry", "assistant text", "result success"], "the behaviour has changed"
EOF
