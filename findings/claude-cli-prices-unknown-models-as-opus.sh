#!/usr/bin/env bash
# The `claude` CLI reports, and enforces, Opus prices for a model it does not know; and the price is the asked model's.
#
# Version: Claude Code 2.1.332 (claude-agent-sdk 0.2.189), 2026-11-30.
# Behind a gateway (`ANTHROPIC_BASE_URL`) models have names of the gateway's own. One expects cost 0, null or a warning
# for a name without a price. Instead `total_cost_usd` is what Opus would cost (the one sign: `costBasis: "unknown"`, deep
# in `modelUsage`), and `--max-budget-usd` ends turns by it: a local model that is free "reaches its budget". A name that
# only CONTAINS a known one (`my-gateway/claude-haiku-5-5`) gets that one's price. And it is the model that was asked for that
# is priced, not the `model` of the answer: a gateway that falls back from Haiku to Opus is reported at a fortieth.
# In the turn that hits the budget `usage` says 0 tokens; only `modelUsage` has them.
#
# Output seen (100,000 tokens in, 1,000 out):
#   asked my-gateway/llama, it answered: 0.42 (basis unknown)
#   asked opus, it answered: 0.42 (basis list)
#   asked my-gateway/claude-haiku-5-5, it answered: 0.0105 (basis list)
#   asked haiku, claude-opus-5-5 answered: 0.0105 (basis list)
#   llama with a budget of 0.10: error_max_budget_usd, usage 0 tokens in, modelUsage 100000 tokens in
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
python3 -m pip install -q --root-user-action ignore --no-deps --no-compile --target "$WORK/lib" claude-agent-sdk==0.2.189
export WORK PYTHONPATH=$here:$WORK/lib PYTHONDONTWRITEBYTECODE=1
python3 - <<'EOF'
import os
from claude_session import Api, Session


def run(model, *flags, answers=None):
    """Return the result of a turn and the statistics of its one model."""
    usage = {"input_tokens": 100_000, "output_tokens": 1_000}
    api = Api(lambda request, n: {"text": "yes", "usage": usage, **({"model": answers} if answers else {})})
    session = Session(api, os.environ["WORK"], f"--model={model}", *flags)
    session.control("initialize")
    result = session.turn("hello")
    session.close()
    [statistics] = result["modelUsage"].values()
    return result, statistics


costs = []
for model, answers in (
    ("my-gateway/llama", None),
    ("opus", None),
    ("my-gateway/claude-haiku-5-5", None),
    ("haiku", "claude-opus-5-5"),
):
    result, statistics = run(model, answers=answers)
    costs.append((round(result["total_cost_usd"], 4), statistics["costBasis"]))
    print(f"asked {model}, {answers or 'it'} answered: {costs[-1][0]} (basis {costs[-1][1]})")
result, statistics = run("my-gateway/llama", "--max-budget-usd=0.10")
budget = (result["subtype"], result["usage"]["input_tokens"], statistics["inputTokens"])
print("llama with a budget of 0.10: {}, usage {} tokens in, modelUsage {} tokens in".format(*budget))
assert costs == [(0.42, "unknown"), (0.42, "list"), (0.0105, "list"), (0.0105, "list")], "the behaviour has changed"
assert budget == ("error_max_budget_usd", 0, 100_000), "the behaviour has changed"
EOF
