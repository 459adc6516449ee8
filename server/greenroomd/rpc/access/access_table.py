"""The one table of access: for each RPC its role, and what in the request tells the workspace in which it is needed.

An RPC that is not here is for cluster admins alone. `docs/access.md` shows the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from greenroomd.domain.principal import Role
from greenroomd.domain.rules.naming_rules import DEFAULT_WORKSPACE
from greenroomd.rpc.convert.requests import ALL_WORKSPACES


class Resource(StrEnum):
    """What an RPC names, and so where its workspace comes from."""

    WORKSPACE = "workspace"
    """The request names the workspace itself."""
    PROFILE = "profile"
    """A profile, whose workspace the request names too."""
    SESSION = "session"
    TURN = "turn"
    APPROVAL = "approval"
    EVENT = "event"
    CLUSTER = "cluster"
    """The server as a whole: the role is needed in every workspace."""


Named = Iterator[tuple[Resource, str, str]]
"""What a request names: each resource, its id, and the workspace if the request tells it ("" if not)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a caller needs for one RPC."""

    role: Role | None
    """The role; None: any caller whose identity is known."""
    names: Callable[[Any], Named]
    """Returns what a request names; of nothing named, any caller may ask: it gets only what it may see."""
    lasting: bool = False
    """Whether a call may last, so that its credential and grants are checked again while it does."""


def _nothing(_request: Any) -> Named:
    return iter(())


def _the_cluster(_request: Any) -> Named:
    yield Resource.CLUSTER, "", ""


def _the_workspace(request: Any) -> Named:
    """One workspace; of all of them (`-`) each caller gets those that it may see."""
    if request.workspace_id != ALL_WORKSPACES:
        yield Resource.WORKSPACE, "", request.workspace_id or DEFAULT_WORKSPACE


def _its_workspace(request: Any) -> Named:
    yield Resource.WORKSPACE, "", request.workspace_id or DEFAULT_WORKSPACE


def _the_workspace_of_its_profile(request: Any) -> Named:
    yield Resource.WORKSPACE, "", request.profile.workspace_id or DEFAULT_WORKSPACE


def _the_profile(request: Any) -> Named:
    profile = getattr(request, "profile", request)
    yield Resource.PROFILE, profile.profile_id, profile.workspace_id or DEFAULT_WORKSPACE


def _the_session(request: Any) -> Named:
    yield Resource.SESSION, request.session_id, ""


def _the_given_session(request: Any) -> Named:
    yield Resource.SESSION, request.session.session_id, ""


def _the_session_or_the_workspace(request: Any) -> Named:
    return _the_session(request) if request.session_id else _the_workspace(request)


def _the_sessions_or_the_workspace(request: Any) -> Named:
    """Each session of a list is looked for among those that the caller may see, by the watch itself."""
    return _nothing(request) if request.session_ids else _the_workspace(request)


def _the_turn(request: Any) -> Named:
    yield Resource.TURN, request.turn_id, ""


def _the_approval(request: Any) -> Named:
    yield Resource.APPROVAL, request.approval_id, ""


def _the_event(request: Any) -> Named:
    yield Resource.EVENT, request.event_id, ""


_VIEWER, _OPERATOR, _ADMIN = Role.VIEWER, Role.OPERATOR, Role.ADMIN

ACCESS: Mapping[str, Rule] = {
    "SessionService/CreateSession": Rule(_OPERATOR, _its_workspace),
    "SessionService/GetSession": Rule(_VIEWER, _the_session),
    "SessionService/ListSessions": Rule(_VIEWER, _the_workspace),
    "SessionService/UpdateSession": Rule(_OPERATOR, _the_given_session),
    "SessionService/StartSession": Rule(_OPERATOR, _the_session),
    "SessionService/SuspendSession": Rule(_OPERATOR, _the_session),
    "SessionService/ResumeSession": Rule(_OPERATOR, _the_session),
    "SessionService/RestartSession": Rule(_OPERATOR, _the_session),
    "SessionService/CloseSession": Rule(_OPERATOR, _the_session),
    "SessionService/DeleteSession": Rule(_ADMIN, _the_session),
    "SessionService/WaitSession": Rule(_VIEWER, _the_session, lasting=True),
    "SessionService/ForkSession": Rule(_OPERATOR, _the_session),
    "SessionService/GetMcpServers": Rule(_VIEWER, _the_session),
    "SessionService/ReconnectMcpServer": Rule(_OPERATOR, _the_session),
    "SessionService/GetSessionCapabilities": Rule(_VIEWER, _the_session),
    "TurnService/StartTurn": Rule(_OPERATOR, _the_session),
    "TurnService/RunTurn": Rule(_OPERATOR, _the_session, lasting=True),
    "TurnService/InterruptTurn": Rule(_OPERATOR, _the_session),
    "TurnService/GetTurn": Rule(_VIEWER, _the_turn),
    "TurnService/ListTurns": Rule(_VIEWER, _the_session),
    "TurnService/ListApprovals": Rule(_VIEWER, _the_session),
    "TurnService/DecideApproval": Rule(_OPERATOR, _the_approval),
    "TurnService/ListTasks": Rule(_VIEWER, _the_session),
    "TurnService/StopTask": Rule(_OPERATOR, _the_session),
    "EventService/WatchEvents": Rule(_VIEWER, _the_sessions_or_the_workspace, lasting=True),
    "EventService/ListEvents": Rule(_VIEWER, _the_session_or_the_workspace),
    "EventService/GetEvent": Rule(_VIEWER, _the_event, lasting=True),
    "ProfileService/CreateProfile": Rule(_ADMIN, _the_workspace_of_its_profile),
    "ProfileService/GetProfile": Rule(_VIEWER, _the_profile),
    "ProfileService/ListProfiles": Rule(_VIEWER, _the_workspace),
    "ProfileService/UpdateProfile": Rule(_ADMIN, _the_profile),
    "ProfileService/DeleteProfile": Rule(_ADMIN, _the_profile),
    "NodeService/GetServerInfo": Rule(None, _nothing),
    "NodeService/GetPoolStatus": Rule(_ADMIN, _the_cluster),
    "NodeService/ListNodes": Rule(_ADMIN, _the_cluster),
    "NodeService/DrainNode": Rule(_ADMIN, _the_cluster),
    "NodeService/UndrainNode": Rule(_ADMIN, _the_cluster),
}
"""By RPC, as `Service/Method` of the contract."""

_UNKNOWN = Rule(_ADMIN, _the_cluster)


def rule_of(service: str, method: str) -> Rule:
    """Return the rule of an RPC."""
    return ACCESS.get(f"{service}/{method}", _UNKNOWN)
