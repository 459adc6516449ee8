"""Every way in which Greenroom refuses or fails, named by meaning; status codes are given at the RPC edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that a request breaks; `field` is its path as in the protobuf message, e.g. `config.max_turns`."""

    field: str
    description: str


class GreenroomError(Exception):
    """A failure that a caller can understand; its text is safe to show (it holds no secret)."""


class InvalidRequest(GreenroomError):
    """The request breaks at least one rule; all broken rules are listed at once."""

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
    """The request id was used before for `method`, with another request."""

    def __init__(self, method: str) -> None:
        super().__init__([Violation("request_id", "was used before with another request")])
        self.method = method


class Unauthenticated(GreenroomError):
    """The call carries no credentials, or bad ones."""


class PermissionDenied(GreenroomError):
    """The caller may not do this, or may not know whether the resource exists."""


class WorkingDirOutsideRoots(PermissionDenied):
    """The working directory does not lie inside an allowed root, symbolic links resolved."""

    def __init__(self, working_dir: str) -> None:
        super().__init__(
            f"config.working_dir: {working_dir!r} is outside the allowed roots (GREENROOM_ALLOWED_ROOTS)"
        )
        self.working_dir = working_dir


class NotFound(GreenroomError):
    """No such resource; `kind` is its name in lower case, `resource_id` what was asked for."""

    kind = ""

    def __init__(self, resource_id: str) -> None:
        super().__init__(f"{self.kind} {resource_id!r} does not exist")
        self.resource_id = resource_id


class SessionNotFound(NotFound):
    """No session has this id."""

    kind = "session"


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


class NodeNotFound(NotFound):
    """No node has this id."""

    kind = "node"


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
    """The session cannot make this move from its present state."""

    def __init__(self, from_state: str, signal: str, allowed: Sequence[str]) -> None:
        names = ", ".join(allowed) or "nothing"
        super().__init__(f"a session in {from_state} does not take {signal}; allowed: {names}")
        self.from_state = from_state
        self.signal = signal
        self.allowed = tuple(allowed)


class TurnRunning(FailedPrecondition):
    """A turn is running or waiting, and the call does not queue behind it."""

    def __init__(self, turn_id: str) -> None:
        super().__init__(f"turn {turn_id} is not finished")
        self.turn_id = turn_id


class NoTurnRunning(FailedPrecondition):
    """There is no running turn to interrupt."""


class ConversationLost(FailedPrecondition):
    """The CLI does not keep the session's conversation any more, so that nothing can continue it."""

    def __init__(self, cli_session_id: str) -> None:
        super().__init__(f"conversation {cli_session_id} is gone")
        self.cli_session_id = cli_session_id


class ApprovalDecided(FailedPrecondition):
    """The approval is not pending any more: it is in `state`, such as `allowed`."""

    def __init__(self, state: str) -> None:
        super().__init__(f"the approval is {state.upper()} already")
        self.state = state


class ProfileInUse(FailedPrecondition):
    """Sessions that are not CLOSED still refer to the profile; `sessions` tells how many."""

    def __init__(self, profile_id: str, sessions: int) -> None:
        super().__init__(f"{sessions} sessions that are not CLOSED use profile {profile_id!r}")
        self.sessions = sessions


class CliMissing(FailedPrecondition):
    """No `claude` executable was found."""


class CliTooOld(FailedPrecondition):
    """The `claude` executable is older than the oldest version that Greenroom drives."""


class Aborted(GreenroomError):
    """Somebody else changed the resource first; read it again and decide anew."""


class EtagMismatch(Aborted):
    """The resource has changed since the caller read it; `current` is the etag of now."""

    def __init__(self, current: str) -> None:
        super().__init__("the resource has changed since this etag was read")
        self.current = current


class OwnershipLost(Aborted):
    """Another node has taken the session over; this node's write was refused.

    `current` is the etag of now, "" where the session is gone or the etag is not known.
    """

    def __init__(self, session_id: str, current: str = "") -> None:
        super().__init__(f"session {session_id} has been changed by somebody else")
        self.current = current


class ResourceExhausted(GreenroomError):
    """A limit is reached; `retry_after` tells when to try again."""

    subject = ""

    def __init__(self, description: str, *, retry_after: timedelta = timedelta(seconds=1)) -> None:
        super().__init__(description)
        self.retry_after = retry_after


class NoSlot(ResourceExhausted):
    """No process slot became free within the wait."""

    subject = "processes"


class QuotaExceeded(ResourceExhausted):
    """`subject` (such as `profile:reviewer`) has as many sessions that are not CLOSED as it may have: `limit`."""

    def __init__(self, subject: str, limit: int) -> None:
        super().__init__(f"{subject} may have at most {limit} sessions", retry_after=timedelta(minutes=1))
        self.subject = subject
        self.limit = limit


class WatcherCapReached(ResourceExhausted):
    """`subject` (`node`, or `session:` and its id) has as many watchers as it may have: `limit`."""

    def __init__(self, subject: str, limit: int) -> None:
        super().__init__(f"{subject} may have at most {limit} watchers", retry_after=timedelta(seconds=10))
        self.subject = subject
        self.limit = limit


class QueueFull(ResourceExhausted):
    """As many turns wait in the session as may wait: `limit`."""

    subject = "session"

    def __init__(self, limit: int) -> None:
        super().__init__(f"at most {limit} turns wait in a session", retry_after=timedelta(seconds=10))
        self.limit = limit


class CursorBelowFloor(GreenroomError):
    """Events after this cursor have been compacted away; reading on would skip some silently."""

    def __init__(self, *, oldest: int, head: int) -> None:
        super().__init__(f"the cursor is below the oldest stored revision {oldest} (head {head})")
        self.oldest = oldest
        self.head = head


class Unavailable(GreenroomError):
    """The service cannot answer now; the same call may succeed later."""

    retry_after = timedelta(seconds=1)


class StoreUnavailable(Unavailable):
    """The database does not answer or refuses to write."""


class CommitUnknown(Unavailable):
    """The server ended before it learned whether a commit took place; the same request id tells when it is repeated."""

    def __init__(self, cause: str = "the server ended before the database answered") -> None:
        super().__init__(
            f"it is not known whether the change was stored ({cause}); repeat the call with the same request_id: "
            "it is carried out once"
        )


class DatabaseTakenOver(Unavailable):
    """Another server has become the owner of the database; this one writes nothing more and ends."""

    def __init__(self, owner: str = "another greenroomd") -> None:
        super().__init__(
            f"{owner} has taken over the database: this server has written nothing since, and ends"
        )


class Draining(Unavailable):
    """This node is shutting down and takes no new work."""


class OwnerUnreachable(Unavailable):
    """The node that owns the session cannot be reached."""
