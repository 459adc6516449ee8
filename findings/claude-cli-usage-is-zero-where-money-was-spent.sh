#!/usr/bin/env bash
# `usage` and `num_turns` of a `claude` result do not fit its cost: 0 tokens for a turn that cost money, 3 "turns" of 2.
#
# Version: Claude Code 2.1.332 (claude-agent-sdk 0.2.189), 2026-11-30.
# A result has `usage` and `total_cost_usd`; one expects them to speak of the same requests. They do only if the turn
# ends well and no agent works in it. A turn that is interrupted while the model talks, or that ends at the budget, has
# `usage` 0, though its prompt is in the cost. The work of a subagent is in the cost and not in `usage`. `num_turns`
# counts more than requests to the model: 2 for an interrupted turn with one request, and with `--max-turns=2` the
# result says 3. Only `modelUsage` has all tokens, but as a total of the process, not of the turn.
#
# Output seen (each request has 100,000 tokens in; requests / usage / modelUsage / cost / num_turns):
#   plain: 1 requests, usage 100000, modelUsage 100000, $0.40, num_turns 1
#   interrupted: 1 requests, usage 0, modelUsage 100000, $0.40, num_turns 2
#   budget: 1 requests, usage 0, modelUsage 100000, $0.40, num_turns 1
#   subagent: 3 requests, usage 200000, modelUsage 300000, $1.20, num_turns 2
#   --max-turns=2: 2 requests, usage 200000, modelUsage 200000, $0.80, num_turns 3
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
python3 -m pip install -q --root-user-action ignore --no-deps --no-compile --target "$WORK/lib" claude-agent-sdk==0.2.189
export WORK PYTHONPATH=$here:$WORK/lib PYTHONDONTWRITEBYTECODE=1
python3 - <<'EOF'
import os, time
from claude_session import Api, Session, control, user

USAGE = {"usage": {"input_tokens": 100_000, "output_tokens": 1}}


def run(answer, *flags, interrupt=False):
    api = Api(lambda request, n: {**answer(request, n), **USAGE})
    session = Session(api, os.environ["WORK"], "--model=opus", *flags)
    session.control("initialize")
    session.send(user("hello"))
    if interrupt:
        session.wait(lambda frame: frame["type"] == "stream_event")
        session.send(control("interrupt"))
    result = session.wait(lambda frame: frame["type"] == "result")
    count = len(api.requests)
    session.kill()
    [total] = result["modelUsage"].values()
    return (f"{count} requests, usage {result['usage']['input_tokens']}, modelUsage {total['inputTokens']}, "
            f"${result['total_cost_usd']:.2f}, num_turns {result['num_turns']}")


def plain(request, n):
    return {"text": "yes"}


def slow(request, n):
    return {"text": "one two three four five six", "gap": 1}


def tool(request, n):
    return {"tool": "Bash", "input": {"command": "pwd", "description": "where"}}


def agent(request, n):
    order = {"description": "look", "prompt": "look", "subagent_type": "general-purpose", "run_in_background": False}
    return {"tool": "Agent", "input": order} if n == 1 else {"text": "yes"}


seen = {
    "plain": run(plain),
    "interrupted": run(slow, "--include-partial-messages", interrupt=True),
    "budget": run(plain, "--max-budget-usd=0.10"),
    "subagent": run(agent),
    "--max-turns=2": run(tool, "--max-turns=2", "--allowedTools=Bash"),
}
for case, numbers in seen.items():
    print(f"{case}: {numbers}")
assert list(seen.values()) == [
    "1 requests, usage 100000, modelUsage 100000, $0.40, num_turns 1",
    "1 requests, usage 0, modelUsage 100000, $0.40, num_turns 2",
    "1 requests, usage 0, modelUsage 100000, $0.40, num_turns 1",
    "3 requests, usage 200000, modelUsage 300000, $1.20, num_turns 2",
    "2 requests, usage 200000, modelUsage 200000, $0.80, num_turns 3",
], "the behaviour has changed"
EOF
