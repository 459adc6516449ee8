"""The errors of a call that cannot succeed as it is, named by their meaning; the RPC edge maps them to status codes.

Those after which the same call may succeed later are in `retryable_errors.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that a request breaks; `field` is its path as in the protobuf message, e.g. `config.max_turns`."""

    field: str
    description: str


class GreenroomError(Exception):
    """A failure that a caller can understand; its text contains no secret and is safe to show."""


class InvalidRequest(GreenroomError):
    """The request breaks at least one rule; `violations` lists every broken rule."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in violations))
        self.violations = tuple(violations)


class InvalidPageToken(InvalidRequest):
    """The page token was not made by this service for this query."""

    def __init__(self) -> None:
        super().__init__([Violation("page_token", "is not a token of this query")])


class InvalidUpdateMask(InvalidRequest):
    """The update mask names a path that does not exist or cannot be changed."""


class RequestIdReused(InvalidRequest):
    """The request_id was used before for `method`, with a different request."""

    def __init__(self, method: str) -> None:
        super().__init__([Violation("request_id", "was used before with another request")])
        self.method = method


class Unauthenticated(GreenroomError):
    """The call has no credentials, or invalid ones.

    `problem` is `missing`, `invalid`, `expired` or `revoked`. The last two are told only to a caller whose credentials
    would be valid otherwise: whoever guesses learns nothing from them.
    """

    def __init__(self, description: str, *, problem: str = "invalid") -> None:
        super().__init__(description)
        self.problem = problem


class PermissionDenied(GreenroomError):
    """The caller may not do this, or may not know whether the resource exists.

    `permission` is what it lacks, such as `nodes.drain`; "" if no permission would help.
    """

    def __init__(self, description: str, *, permission: str = "") -> None:
        super().__init__(description)
        self.permission = permission


class WorkingDirOutsideRoots(PermissionDenied):
    """The working directory is not inside an allowed root after resolving symbolic links."""

    def __init__(self, working_dir: str) -> None:
        super().__init__(
            f"config.working_dir: {working_dir!r} is outside the allowed roots (GREENROOM_ALLOWED_ROOTS)"
        )
        self.working_dir = working_dir


class NotFound(GreenroomError):
    """There is no such resource; `kind` is its type in lower case, `resource_id` the id asked for."""

    kind = ""

    def __init__(self, resource_id: str) -> None:
        super().__init__(f"{self.kind} {resource_id!r} does not exist")
        self.resource_id = resource_id


class SessionNotFound(NotFound):
    """No session has this id."""

    kind = "session"

    @classmethod
    def deleted_since(cls) -> SessionNotFound:
        """Return the error for a repeated request whose session was deleted after the request was carried out."""
        error = cls("")
        error.args = ("this request was carried out, and its session has been deleted since",)
        return error


class TurnNotFound(NotFound):
    """No turn has this id."""

    kind = "turn"


class EventNotFound(NotFound):
    """No stored event has this id."""

    kind = "event"


class ProfileNotFound(NotFound):
    """No profile has this id."""

    kind = "profile"


class ApprovalNotFound(NotFound):
    """No approval has this id."""

    kind = "approval"


class TaskNotFound(NotFound):
    """The session has no background task with this id."""

    kind = "task"


class NodeNotFound(NotFound):
    """No node has this id."""

    kind = "node"


class McpServerNotFound(NotFound):
    """The session has no MCP server of this name."""

    kind = "mcp server"


class AlreadyExists(GreenroomError):
    """The id that the caller chose is taken."""

    kind = ""

    def __init__(self, resource_id: str) -> None:
        super().__init__(f"{self.kind} {resource_id!r} exists already")
        self.resource_id = resource_id


class SessionExists(AlreadyExists):
    """A session with this id exists."""

    kind = "session"


class ProfileExists(AlreadyExists):
    """A profile with this id exists."""

    kind = "profile"


class FailedPrecondition(GreenroomError):
    """The resource is not in a state that allows the call."""


class IllegalTransition(FailedPrecondition):
    """The session's current state does not allow this signal."""

    def __init__(self, from_state: str, signal: str, allowed: Sequence[str]) -> None:
        names = ", ".join(allowed) or "nothing"
        super().__init__(f"a session in {from_state} does not take {signal}; allowed: {names}")
        self.from_state = from_state
        self.signal = signal
        self.allowed = tuple(allowed)


class TurnRunning(FailedPrecondition):
    """A turn is running or queued, and the call does not queue behind it."""

    def __init__(self, turn_id: str) -> None:
        super().__init__(f"turn {turn_id} is not finished")
        self.turn_id = turn_id


class NoTurnRunning(FailedPrecondition):
    """There is no running turn to interrupt."""


class NoProcess(FailedPrecondition):
    """The session has no process that is ready; `state` is its state."""

    def __init__(self, state: str) -> None:
        super().__init__(f"a session in {state} has no process that is ready")
        self.state = state


class ConversationLost(FailedPrecondition):
    """The CLI no longer has the session's conversation, so it cannot be continued."""

    def __init__(self, cli_session_id: str) -> None:
        super().__init__(f"conversation {cli_session_id} is gone")
        self.cli_session_id = cli_session_id


class ApprovalDecided(FailedPrecondition):
    """The approval is no longer pending; `state` is its state, such as `allowed`."""

    def __init__(self, state: str) -> None:
        super().__init__(f"the approval is {state.upper()} already")
        self.state = state


class TaskEnded(FailedPrecondition):
    """The background task is no longer open; `state` is its state, such as `completed`."""

    def __init__(self, state: str) -> None:
        super().__init__(f"the task is {state.upper()} already")
        self.state = state


class TaskNotStoppable(FailedPrecondition):
    """The CLI has no way to stop a background task of this kind."""

    def __init__(self, task_id: str) -> None:
        super().__init__(
            f"task {task_id} is a timer, which only the model can delete; it ends with the session's process"
        )


class ProfileInUse(FailedPrecondition):
    """Sessions that are not CLOSED still use the profile; `sessions` is their number."""

    def __init__(self, profile_id: str, sessions: int) -> None:
        super().__init__(f"{sessions} sessions that are not CLOSED use profile {profile_id!r}")
        self.sessions = sessions


class CliMissing(FailedPrecondition):
    """No `claude` executable was found."""


class CliTooOld(FailedPrecondition):
    """The `claude` executable is of a `version` older than `minimum`, the oldest that Greenroom drives."""

    def __init__(self, description: str, *, version: str, minimum: str) -> None:
        super().__init__(description)
        self.version = version
        self.minimum = minimum


class Aborted(GreenroomError):
    """Another caller changed the resource first; read it again and retry."""


class EtagMismatch(Aborted):
    """The resource has changed since the caller read it; `current` is its current etag."""

    def __init__(self, current: str) -> None:
        super().__init__("the resource has changed since this etag was read")
        self.current = current


class OwnershipLost(Aborted):
    """Another node has taken over the session; this node's write was refused.

    `current` is the session's current etag, "" if the session is gone or its etag is unknown.
    """

    def __init__(self, session_id: str, current: str = "") -> None:
        super().__init__(f"session {session_id} has been changed by somebody else")
        self.current = current


class CursorBelowFloor(GreenroomError):
    """Events after this cursor have been compacted; reading on would silently skip them."""

    def __init__(self, *, oldest: int, head: int) -> None:
        super().__init__(f"the cursor is below the oldest stored revision {oldest} (head {head})")
        self.oldest = oldest
        self.head = head
