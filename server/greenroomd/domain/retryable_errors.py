"""The errors after which the same call may succeed later: a limit is reached, or the service cannot answer now."""

from __future__ import annotations

from datetime import timedelta

from greenroomd.domain.errors import GreenroomError


class ResourceExhausted(GreenroomError):
    """A limit is reached; `retry_after` says how long to wait before retrying."""

    subject = ""

    def __init__(self, description: str, *, retry_after: timedelta = timedelta(seconds=1)) -> None:
        super().__init__(description)
        self.retry_after = retry_after


class NoSlot(ResourceExhausted):
    """No process slot became free within the wait."""

    subject = "processes"


class QuotaExceeded(ResourceExhausted):
    """`subject` (such as `profile:reviewer`) already has its `limit` of sessions that are not CLOSED."""

    def __init__(self, subject: str, limit: int) -> None:
        super().__init__(f"{subject} may have at most {limit} sessions", retry_after=timedelta(minutes=1))
        self.subject = subject
        self.limit = limit


class WatcherCapReached(ResourceExhausted):
    """`subject` (`node`, or `session:` and its id) already has its `limit` of watchers."""

    def __init__(self, subject: str, limit: int) -> None:
        super().__init__(f"{subject} may have at most {limit} watchers", retry_after=timedelta(seconds=10))
        self.subject = subject
        self.limit = limit


class QueueFull(ResourceExhausted):
    """The session already has its `limit` of queued turns."""

    subject = "session"

    def __init__(self, limit: int) -> None:
        super().__init__(f"at most {limit} turns wait in a session", retry_after=timedelta(seconds=10))
        self.limit = limit


class Unavailable(GreenroomError):
    """The service cannot answer now; the same call may succeed later."""

    retry_after = timedelta(seconds=1)


class StoreUnavailable(Unavailable):
    """The database does not answer, or refuses to write."""


class CommitUnknown(Unavailable):
    """The server stopped before it learned whether a commit took place; retry with the same request_id to find out."""

    def __init__(self, cause: str = "the server ended before the database answered") -> None:
        super().__init__(
            f"it is not known whether the change was stored ({cause}); repeat the call with the same request_id: "
            "it is carried out once"
        )


class DatabaseTakenOver(Unavailable):
    """Another server now owns the database; this one writes nothing more and exits."""

    def __init__(self, owner: str = "another greenroomd") -> None:
        super().__init__(
            f"{owner} has taken over the database: this server has written nothing since, and ends"
        )


class Draining(Unavailable):
    """This node is shutting down and accepts no new work."""


class OwnerUnreachable(Unavailable):
    """The node that owns the session cannot be reached; `node_id` is its id."""

    retry_after = timedelta(seconds=5)

    def __init__(self, node_id: str) -> None:
        super().__init__(f"node {node_id}, which owns the session, does not answer")
        self.node_id = node_id
