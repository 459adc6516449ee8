"""Decides whether a caller may have what a request names. What it may not see does not exist for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from greenroomd.app.usecases.workspaces import Workspaces
from greenroomd.domain.errors import (
    ApprovalNotFound,
    EventNotFound,
    NotFound,
    PermissionDenied,
    ProfileNotFound,
    SessionNotFound,
    TurnNotFound,
)
from greenroomd.domain.principal import EVERY_WORKSPACE, Grants, Role, grant
from greenroomd.rpc.access.access_table import Resource, Rule
from greenroomd.rpc.stream.cursor_codec import CursorCodec

_NOT_FOUND: Mapping[Resource, type[NotFound]] = {
    Resource.PROFILE: ProfileNotFound,
    Resource.SESSION: SessionNotFound,
    Resource.TURN: TurnNotFound,
    Resource.APPROVAL: ApprovalNotFound,
    Resource.EVENT: EventNotFound,
}


class AccessCheck:
    """Compares what a caller may do with what a request needs."""

    def __init__(self, workspaces: Workspaces, cursors: CursorCodec) -> None:
        self._workspaces = workspaces
        self._cursors = cursors

    async def check(self, rule: Rule, request: Any, grants: Grants) -> NotFound | None:
        """Return None if the caller may go on, and the error to answer with if what it names is not there.

        Raises the same error for what is there and hidden from the caller, and PermissionDenied for what it sees but
        may not do. A caller with the role in every workspace costs no look-up.
        """
        if rule.role is None or grants.everywhere(rule.role):
            return None
        for resource, resource_id, told in rule.names(request):
            if resource is Resource.CLUSTER:
                raise _denied(EVERY_WORKSPACE, rule.role)
            if resource in _NOT_FOUND and not resource_id:
                return None  # the method says that it is required
            try:
                workspace_id = told or await self._workspace_of(resource, resource_id)
            except NotFound:
                return _NOT_FOUND[resource](resource_id)
            if resource in _NOT_FOUND and not grants.sees(workspace_id):
                raise _NOT_FOUND[resource](resource_id)
            if not grants.allow(rule.role, workspace_id):
                raise _denied(workspace_id, rule.role)
        return None

    async def _workspace_of(self, resource: Resource, resource_id: str) -> str:
        if resource is Resource.SESSION:
            return await self._workspaces.of_session(resource_id)
        if resource is Resource.TURN:
            return await self._workspaces.of_turn(resource_id)
        if resource is Resource.APPROVAL:
            return await self._workspaces.of_approval(resource_id)
        return await self._workspaces.of_event(self._cursors.revision_of_event(resource_id))


def _denied(workspace_id: str, role: Role) -> PermissionDenied:
    needed = grant(workspace_id, role)
    return PermissionDenied(f"this needs the grant {needed}", permission=needed)
