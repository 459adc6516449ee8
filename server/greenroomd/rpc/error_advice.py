"""What a caller can do about each reason of an error. `docs/errors.md` shows it beside what the server tells."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Repeat(StrEnum):
    """Whether the same can succeed if it is tried again."""

    NO = "no"
    CHANGED = "after a change"
    LATER = "later"
    AT_ONCE = "at once"
    SAME_ID = "with the same `request_id`"


ADVICE: Mapping[str, tuple[Repeat, str]] = {
    "INVALID_FIELD": (Repeat.CHANGED, "correct the fields that `BadRequest` names"),
    "INVALID_PAGE_TOKEN": (Repeat.CHANGED, "begin the list anew"),
    "INVALID_CURSOR": (Repeat.CHANGED, "read the state, then watch from NOW"),
    "INVALID_UPDATE_MASK": (Repeat.CHANGED, "correct the paths that `BadRequest` names"),
    "REQUEST_ID_REUSED": (Repeat.CHANGED, "take a new `request_id` for each request"),
    "UNAUTHENTICATED": (Repeat.CHANGED, "send valid credentials; `problem` says what these lack"),
    "PERMISSION_DENIED": (Repeat.CHANGED, "ask the operator for the grant in `permission`"),
    "WORKING_DIR_OUTSIDE_ROOTS": (Repeat.CHANGED, "choose a directory inside an allowed root"),
    "SESSION_NOT_FOUND": (Repeat.NO, "the session was deleted, or never was"),
    "TURN_NOT_FOUND": (Repeat.NO, "look at the session's turns"),
    "EVENT_NOT_FOUND": (Repeat.NO, "the event is no longer kept"),
    "PROFILE_NOT_FOUND": (Repeat.CHANGED, "create the profile, or name another"),
    "APPROVAL_NOT_FOUND": (Repeat.NO, "look at the session's approvals"),
    "TASK_NOT_FOUND": (Repeat.NO, "look at the session's background tasks"),
    "NODE_NOT_FOUND": (Repeat.NO, "look at the nodes"),
    "MCP_SERVER_NOT_FOUND": (Repeat.CHANGED, "name a server of the session's `mcp_config`"),
    "SESSION_EXISTS": (Repeat.NO, "get the session, or choose another id"),
    "PROFILE_EXISTS": (Repeat.NO, "update the profile, or choose another name"),
    "ILLEGAL_TRANSITION": (Repeat.CHANGED, "wait until the session is in a state that allows the call"),
    "TURN_RUNNING": (Repeat.CHANGED, "wait for the turn, queue behind it, or stop it"),
    "NO_TURN_RUNNING": (Repeat.NO, "there is nothing to stop"),
    "APPROVAL_DECIDED": (Repeat.NO, "the first decision counts"),
    "TASK_ENDED": (Repeat.NO, "there is nothing to stop"),
    "TASK_NOT_STOPPABLE": (Repeat.NO, "end the session's process, or have the model delete the timer"),
    "CLI_MISSING": (Repeat.CHANGED, "the operator installs the CLI again"),
    "CLI_TOO_OLD": (Repeat.CHANGED, "the operator installs a newer CLI"),
    "PROFILE_IN_USE": (Repeat.CHANGED, "close the sessions that use the profile"),
    "NO_PROCESS": (Repeat.CHANGED, "start or resume the session, and wait until it is READY"),
    "ETAG_MISMATCH": (Repeat.CHANGED, "read the resource again, then decide anew"),
    "OWNERSHIP_LOST": (Repeat.AT_ONCE, "repeat the call"),
    "NO_SLOT": (Repeat.LATER, "start the session again, or allow more processes"),
    "QUOTA_EXCEEDED": (Repeat.LATER, "close sessions, or raise the limit"),
    "WATCHER_CAP": (Repeat.LATER, "watch more sessions on one stream"),
    "QUEUE_FULL": (Repeat.LATER, "wait until a turn has ended"),
    "CURSOR_BELOW_FLOOR": (Repeat.CHANGED, "read the state, then watch from the head"),
    "STORE_UNAVAILABLE": (Repeat.LATER, "repeat the call with the same `request_id`"),
    "COMMIT_UNKNOWN": (Repeat.SAME_ID, "it is carried out once"),
    "DRAINING": (Repeat.LATER, "connect again; the next server goes on"),
    "OWNER_UNREACHABLE": (Repeat.LATER, "wait until the node is back, or another takes over"),
    "UNIMPLEMENTED": (Repeat.NO, "use a server of a newer version"),
    "INTERNAL": (Repeat.NO, "report it with the `correlation_id`"),
    "SPAWN_FAILED": (Repeat.LATER, "start the session again; `stderr_tail` says what is wrong"),
    "HANDSHAKE_TIMEOUT": (Repeat.LATER, "start the session again; the host may be overloaded"),
    "HANDSHAKE_FAILED": (Repeat.CHANGED, "correct the config; `stderr_tail` says what is wrong"),
    "CONVERSATION_LOST": (Repeat.NO, "create a new session"),
    "WORKING_DIR_GONE": (Repeat.CHANGED, "make the directory again, then start the session"),
    "PROCESS_EXITED": (Repeat.LATER, "look at `side_effects_unknown`, then send the prompt again"),
    "CONTROL_TIMEOUT": (Repeat.LATER, "look at `side_effects_unknown`, then send the prompt again"),
    "CONTROL_REFUSED": (Repeat.CHANGED, "correct the option that the message names"),
    "INPUT_STALLED": (Repeat.LATER, "look at `side_effects_unknown`, then send the prompt again"),
    "PROCESS_SILENT": (Repeat.LATER, "look at `side_effects_unknown`, then send the prompt again"),
    "LIMIT_REACHED": (Repeat.CHANGED, "ask for less, or raise the `limit`"),
    "NODE_LOST": (Repeat.LATER, "look at `side_effects_unknown`, then send the prompt again"),
    "PROCESS_NOT_ENDED": (Repeat.LATER, "the server tries again; else the operator ends the process"),
    "API_ERROR": (Repeat.LATER, "send the prompt again"),
    "API_CREDENTIALS_REFUSED": (
        Repeat.CHANGED,
        "give the session, its profile or the server other credentials",
    ),
    "API_REQUEST_REFUSED": (
        Repeat.CHANGED,
        "change the prompt, the model or the option that the message names",
    ),
    "API_LIMIT_REACHED": (Repeat.LATER, "wait until `resets_at`, or use another account"),
    "MAX_TURNS": (Repeat.CHANGED, "go on with another prompt, or raise `max_turns`"),
    "BUDGET_EXHAUSTED": (Repeat.NO, "create a session with a new budget"),
    "TURN_FAILED": (Repeat.NO, "the message has the CLI's words"),
    "TURN_INTERRUPTED": (Repeat.CHANGED, "somebody wanted it to stop"),
    "TURN_TIMEOUT": (Repeat.CHANGED, "ask for less, or give the turn more time"),
    "MCP_SERVER_UNAVAILABLE": (
        Repeat.CHANGED,
        "mend the servers, ReconnectMcpServer, then send the prompt again",
    ),
    "PROMPT_REFUSED": (Repeat.CHANGED, "change the prompt; the message has the hook's words"),
    "HOOK_STOPPED": (Repeat.CHANGED, "change the hook; what tools did is done"),
}
"""By reason: whether to repeat, and what to do."""
