#!/usr/bin/env bash
# A `claude` result with subtype "success", is_error false and a text may come from the CLI itself: no model was asked.
#
# Version: Claude Code 2.1.332 (claude-agent-sdk 0.2.189), 2026-11-30.
# A host takes `result` for the model's answer if `subtype` is "success" and `is_error` is false. Both hold for a prompt
# that a hook REFUSED (the text repeats the hook's command line, its stderr and the prompt), for a prompt of blanks and
# for an unanswered structured output. What tells them apart: `terminal_reason` is missing and `num_turns` is 0. An empty
# prompt, unlike a blank one, does go to the model. With `--json-schema`, a model that never calls the output tool ends
# in "success", terminal_reason "completed", but without the key `structured_output`; only a model that calls it wrongly
# several times gives the error that one expects (`error_max_structured_output_retries`).
#
# Output seen (subtype, is_error, terminal_reason, num_turns, requests to the model; then the text):
#   refused by a hook: success False None 0 0: UserPromptSubmit operation blocked by hook
#   blank prompt: success False None 0 0: Blank prompt
#   empty prompt: success False completed 1 1: yes
#   schema, plain answers: success False completed 2 2: yes, structured_output: missing
#   schema, wrong fields: error_max_structured_output_retries True structured_output_retry_exhausted
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
python3 -m pip install -q --root-user-action ignore --no-deps --no-compile --target "$WORK/lib" claude-agent-sdk==0.2.189
export WORK PYTHONPATH=$here:$WORK/lib PYTHONDONTWRITEBYTECODE=1
python3 - <<'EOF'
import json, os
from claude_session import Api, Session


def run(prompt, *flags, answer=lambda request, n: "yes"):
    api = Api(answer)
    session = Session(api, os.environ["WORK"], *flags)
    session.control("initialize")
    result = session.turn(prompt)
    session.close()
    facts = [result["subtype"], result["is_error"], result.get("terminal_reason"), result["num_turns"], len(api.requests)]
    return result, facts


def wrong(request, n):
    [tool] = [tool["name"] for tool in request["tools"] if "StructuredOutput" in tool["name"]]
    return {"tool": tool, "input": {"other": 1}}


hook = {"hooks": [{"type": "command", "command": "echo refused >&2; exit 2"}]}
settings = "--settings=" + json.dumps({"hooks": {"UserPromptSubmit": [hook]}})
schema = '--json-schema={"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}'

result, facts = run("hello", settings)
print("refused by a hook:", *facts, result["result"][:42])
assert facts == ["success", False, None, 0, 0] and "refused" in result["result"], "the behaviour has changed"
result, facts = run("  ")
print("blank prompt:", *facts, result["result"][:12])
assert facts == ["success", False, None, 0, 0] and result["result"], "the behaviour has changed"
result, facts = run("")
print("empty prompt:", *facts, result["result"])
assert facts == ["success", False, "completed", 1, 1], "the behaviour has changed"
result, facts = run("hello", schema)
print("schema, plain answers:", *facts, "structured_output:", result.get("structured_output", "missing"))
assert facts == ["success", False, "completed", 2, 2] and "structured_output" not in result, "the behaviour has changed"
result, facts = run("hello", schema, answer=wrong)
print("schema, wrong fields:", *facts[:3])
assert facts[:2] == ["error_max_structured_output_retries", True], "the behaviour has changed"
EOF
