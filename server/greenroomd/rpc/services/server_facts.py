"""What NodeService shows of this server: its fixed facts, and how its pool stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from greenroomd.domain.enforcement import OptionReport


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """What this server is, and the limits that it keeps; fixed at its start.

    The largest request, prompt and event are fixed by the contract.
    """

    server_version: str
    node_id: str
    """The id of the state directory, a UUID."""
    cli_path: str
    cli_version: str
    store_kind: str
    """`sqlite` or `postgresql`."""
    start_time: datetime
    max_processes: int
    """How many CLI processes may live at once."""
    max_session_watchers: int
    max_node_watchers: int
    approval_timeout: timedelta
    """How long a permission question may stay unanswered."""
    request_id_retention: timedelta = timedelta(hours=24)
    """How long the answer to a request id is kept."""
    event_retention: timedelta | None = None
    """How long messages are kept; None: for ever."""
    event_retention_count: int = 0
    """How many events of a session are kept; 0: all."""
    enforcement: Sequence[OptionReport] = ()
    """Which limits of a session's config this host keeps."""


class WorkspaceUse(Protocol):
    """How one workspace uses the processes now, or waits for them; each is a number of processes."""

    @property
    def busy(self) -> int:
        """In use by sessions that work."""

    @property
    def idle(self) -> int:
        """In use by sessions that could give theirs up."""

    @property
    def warm(self) -> int:
        """Kept ready for the workspace's next session."""

    @property
    def waiting(self) -> int:
        """Wanted by sessions that wait for one."""


class PoolStatus(Protocol):
    """How the processes of this node are used now."""

    @property
    def slots(self) -> int:
        """How many processes there may be."""

    @property
    def busy(self) -> int:
        """In use by sessions that work."""

    @property
    def idle(self) -> int:
        """In use by sessions that could give theirs up."""

    @property
    def warm(self) -> int:
        """Kept ready for a workspace's next session."""

    @property
    def waiting(self) -> int:
        """Wanted by sessions that wait for one."""

    @property
    def longest_wait(self) -> timedelta | None:
        """How long the session that came first has been waiting; None if none waits."""

    @property
    def evictions(self) -> int:
        """How many processes were asked back for others since the start."""

    @property
    def workspaces(self) -> Mapping[str, WorkspaceUse]:
        """Each workspace that uses a process or waits for one, by its id."""
