#!/bin/sh
# A fake of the claude CLI that starts in a millisecond, for runs with tens of thousands of processes: no key of the
# other fake's scripts, one answer to everything. While it runs it holds the lowest free number of the directory SLOTS,
# so that the highest number ever taken is how many ran at once.
if [ "$1" = --version ]; then echo '2.1.330 (Claude Code)'; exit; fi

resumed=
for argument; do
    case $argument in
        --session-id=*) session=${argument#*=} ;;
        --resume=*) session=${argument#*=} resumed=yes ;;
    esac
done

set -C
number=1
until (: > "$SLOTS/$number") 2>/dev/null; do number=$((number + 1)); done
set +C
trap 'rm -f "$SLOTS/$number"' EXIT
: > "$SLOTS/seen-$number"

history=$CLAUDE_CONFIG_DIR/quick-$session
prompts=0
if [ "$resumed" ] && ! read -r prompts < "$history"; then
    echo "No conversation found with session ID: $session" >&2
    exit 1
fi

say() {
    printf '%s,"session_id":"%s","uuid":"00000000-0000-4000-8000-000000000000"}\n' "$1" "$session"
}

field() { # sets $value to what a message says under this name, the first time
    value=${line#*\""$1"\":\"}
    value=${value%%\"*}
}

while read -r line; do
    case $line in
        *'"type":"user"'*)
            field uuid
            prompts=$((prompts + 1))
            echo "$prompts" > "$history"
            say '{"type":"system","subtype":"session_state_changed","state":"running"'
            say '{"type":"system","subtype":"init","model":"m","permissionMode":"default","tools":[]'
            say '{"type":"assistant","message":{"id":"msg","role":"assistant","model":"m","content":[{"type":"text","text":"prompt '"$prompts"'"}]}'
            say '{"type":"result","subtype":"success","is_error":false,"num_turns":1,"terminal_reason":"completed","result":"prompt '"$prompts"'","usage":{"input_tokens":1,"output_tokens":1},"total_cost_usd":0.001,"user_message_uuids":["'"$value"'"]'
            say '{"type":"system","subtype":"session_state_changed","state":"idle"'
            ;;
        *'"type":"control_request"'*)
            field request_id
            printf '{"type":"control_response","response":{"subtype":"success","request_id":"%s","response":{"models":[],"current_permission_mode":"default","claude_code_version":"2.1.330"}}}\n' "$value"
            ;;
    esac
done
