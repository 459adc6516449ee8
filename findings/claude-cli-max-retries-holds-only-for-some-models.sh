#!/usr/bin/env bash
# CLAUDE_CODE_MAX_RETRIES holds for some models and some errors only, and the frames announce retries that never come.
#
# Version: Claude Code 2.1.332 (claude-agent-sdk 0.2.189), 2026-11-30.
# With a limit of 4 retries one expects five requests for every error that is worth a retry and one for every other.
#   - An overloaded API (529) ends a turn of an OPUS model at the third answer, after two seconds, whatever the limit;
#     each `api_retry` frame still says `max_retries: 4`. The same answer to Sonnet or Haiku gets all five requests.
#   - A refused request (400, 422), which no repetition can change, is sent six times within a second without a single
#     `api_retry` frame; the repeats leave out beta features one by one, and the last three send the definitions of more
#     tools, 80 KB instead of 50. Each turn pays this again. 402 is sent once.
#   - 429 with a short `retry-after` is waited for; from 61 seconds on the turn ends at once, without any retry.
# A gateway in front of the model that turns errors into others should know this: 402 is its only clean refusal.
#
# Output seen (the limit is 4):
#   529 to opus: 3 requests, 2 retries told, of at most 4
#   529 to sonnet: 5 requests, 4 retries told, of at most 4
#   400 to opus: 6 requests, 0 retries told
#   402 to opus: 1 requests, 0 retries told
#   429 retry-after 61 to opus: 1 requests, 0 retries told
#   429 retry-after 1 to opus: 5 requests, 4 retries told, of at most 4
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
python3 -m pip install -q --root-user-action ignore --no-deps --no-compile --target "$WORK/lib" claude-agent-sdk==0.2.189
export WORK PYTHONPATH=$here:$WORK/lib PYTHONDONTWRITEBYTECODE=1
python3 - <<'EOF'
import os
from claude_session import Api, Session


def tried(model, status, **headers):
    api = Api(lambda request, n: {"status": status, "headers": {k.replace("_", "-"): v for k, v in headers.items()}})
    session = Session(api, os.environ["WORK"], f"--model={model}", env={"CLAUDE_CODE_MAX_RETRIES": "4"})
    session.control("initialize")
    result = session.turn("hello")
    assert (result["is_error"], result["api_error_status"]) == (True, status), result
    session.close()
    told = [f["max_retries"] for f in session.frames if f.get("subtype") == "api_retry"]
    assert set(told) <= {4}
    return f"{len(api.requests)} requests, {len(told)} retries told" + (", of at most 4" if told else "")


seen = {
    "529 to opus": tried("opus", 529),
    "529 to sonnet": tried("sonnet", 529),
    "400 to opus": tried("opus", 400),
    "402 to opus": tried("opus", 402),
    "429 retry-after 61 to opus": tried("opus", 429, retry_after=61),
    "429 retry-after 1 to opus": tried("opus", 429, retry_after=1),
}
for case, outcome in seen.items():
    print(f"{case}: {outcome}")
assert list(seen.values()) == [
    "3 requests, 2 retries told, of at most 4",
    "5 requests, 4 retries told, of at most 4",
    "6 requests, 0 retries told",
    "1 requests, 0 retries told",
    "1 requests, 0 retries told",
    "5 requests, 4 retries told, of at most 4",
], "the behaviour has changed"
EOF
