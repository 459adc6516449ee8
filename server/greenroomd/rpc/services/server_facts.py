"""What the wiring knows of this server and tells to NodeService."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from greenroomd.domain.enforcement import OptionReport


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """What this server is, and the limits that it keeps; fixed from its start on.

    None and 0 mean that there is no such limit. The largest request, prompt and event are fixed by the contract.
    """

    server_version: str
    node_id: str
    cli_path: str
    cli_version: str
    store_kind: str
    start_time: datetime
    max_processes: int
    max_session_watchers: int
    max_node_watchers: int
    approval_timeout: timedelta
    request_id_retention: timedelta = timedelta(hours=24)
    event_retention: timedelta | None = None
    event_retention_count: int = 0
    enforcement: Sequence[OptionReport] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspacePoolFacts:
    """How one workspace uses the processes now."""

    busy: int = 0
    warm: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolFacts:
    """How the processes of this node are used now; `workspaces` by id, those that use or wait for one."""

    slots: int
    busy: int
    waiting: int
    warm: int = 0
    longest_wait: timedelta | None = None
    evictions: int = 0
    workspaces: Mapping[str, WorkspacePoolFacts] = field(default_factory=dict)
