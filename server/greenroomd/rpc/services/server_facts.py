"""The facts about this server that NodeService returns: fixed ones, and the state of its pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from greenroomd.domain.enforcement import OptionReport


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """Facts and limits of this server, fixed at its start.

    The largest request, prompt and event are fixed by the contract.
    """

    server_version: str
    """The version of the greenroomd package."""
    node_id: str
    """The id of the state directory, a UUID."""
    cli_path: str
    """The absolute path of the CLI's executable."""
    cli_version: str
    """The version that the CLI itself reports."""
    store_kind: str
    """`sqlite` or `postgresql`."""
    start_time: datetime
    """When this server started."""
    max_processes: int
    """The most CLI processes that may run at once."""
    max_session_watchers: int
    """The most watches of one session at a time."""
    max_node_watchers: int
    """The most watches on this node at a time."""
    approval_timeout: timedelta
    """How long an approval may stay undecided."""
    request_id_retention: timedelta = timedelta(hours=24)
    """How long the recorded answer to a request_id is kept."""
    event_retention: timedelta | None = None
    """How long messages are kept; None: forever."""
    event_retention_count: int = 0
    """How many events of each session are kept; 0: all."""
    enforcement: Sequence[OptionReport] = ()
    """How this host enforces each limit of a session's config."""


class WorkspaceUse(Protocol):
    """How one workspace uses processes now; every property is a number of processes."""

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


class PoolStatus(WorkspaceUse, Protocol):
    """How this node uses its processes now, summed over its workspaces."""

    @property
    def slots(self) -> int:
        """How many processes there may be."""

    @property
    def longest_wait(self) -> timedelta | None:
        """How long the session at the head of the queue has been waiting; None if none waits."""

    @property
    def evictions(self) -> int:
        """How many sessions were asked to give up their process to another one since the start."""

    @property
    def workspaces(self) -> Mapping[str, WorkspaceUse]:
        """The workspaces that use a process or wait for one, by id."""
