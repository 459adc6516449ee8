"""Who calls, and what the caller may do: a principal with one role for each workspace that it may see."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Final

EVERY_WORKSPACE: Final = "*"
NOWHERE: Final = frozenset({""})
"""The workspaces of a caller that may see none: no workspace has the empty name."""

MAX_GRANTS: Final = 1_000
MAX_SUBJECT_LENGTH: Final = 256

_WORKSPACE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Role(IntEnum):
    """What a caller may do in a workspace; each role includes those below it."""

    VIEWER = 1
    """Read: get, list, watch."""
    OPERATOR = 2
    """Use: create sessions, give prompts, decide approvals."""
    ADMIN = 3
    """Govern: profiles, deletion. In every workspace (`*=admin`) the caller also governs the nodes."""


class InvalidGrant(ValueError):
    """A grant cannot be read; the text says why."""


class Grants:
    """The roles of a caller, by workspace; a role in `*` holds in every workspace."""

    __slots__ = ("_everywhere", "_roles", "_visible")

    def __init__(self, roles: Mapping[str, Role]) -> None:
        self._roles = dict(roles)
        self._everywhere = int(self._roles.get(EVERY_WORKSPACE, 0))
        names = frozenset(self._roles) - {EVERY_WORKSPACE}
        self._visible = None if self._everywhere else names or NOWHERE

    @classmethod
    def of(cls, texts: Iterable[str]) -> Grants:
        """Return the grants that texts such as `lab=operator` spell; raises InvalidGrant."""
        roles: dict[str, Role] = {}
        for text in texts:
            workspace_id, role = _grant(text)
            roles[workspace_id] = max(role, roles.get(workspace_id, role))
        if len(roles) > MAX_GRANTS:
            raise InvalidGrant(f"there may be at most {MAX_GRANTS} grants")
        return cls(roles)

    @property
    def visible(self) -> frozenset[str] | None:
        """The workspaces that the caller may see: None means all of them, NOWHERE none."""
        return self._visible

    def everywhere(self, role: Role) -> bool:
        """Whether the caller has a role in every workspace."""
        return self._everywhere >= role

    def sees(self, workspace_id: str) -> bool:
        """Whether the caller may know of what is in a workspace."""
        return self._visible is None or workspace_id in self._visible

    def allow(self, role: Role, workspace_id: str) -> bool:
        """Whether the caller has a role in a workspace."""
        return self._everywhere >= role or self._roles.get(workspace_id, 0) >= role

    def spelled(self) -> tuple[str, ...]:
        """Return the grants as the texts that `of` reads, in order."""
        return tuple(grant(name, role) for name, role in sorted(self._roles.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Grants) and other._roles == self._roles

    def __hash__(self) -> int:
        return hash(frozenset(self._roles.items()))

    def __repr__(self) -> str:
        return f"Grants({', '.join(self.spelled())})"


def grant(workspace_id: str, role: Role) -> str:
    """Return a grant as it is written: `lab=operator`."""
    return f"{workspace_id}={role.name.lower()}"


def _grant(text: str) -> tuple[str, Role]:
    workspace_id, sign, role = text.strip().partition("=")
    if not sign or role.upper() not in Role.__members__:
        names = ", ".join(each.name.lower() for each in Role)
        raise InvalidGrant(f"{text!r} is no grant: write workspace=role, where the role is one of {names}")
    if workspace_id != EVERY_WORKSPACE and not _WORKSPACE.fullmatch(workspace_id):
        raise InvalidGrant(f"{workspace_id!r} is no workspace; write `*` for every workspace")
    return workspace_id, Role[role.upper()]


class PrincipalKind(StrEnum):
    """How a caller shows who it is."""

    LOCAL = "local"
    TOKEN = "token"
    JWT = "jwt"
    MTLS = "mtls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A caller whose identity is proven."""

    kind: PrincipalKind
    """How it was proven."""
    subject: str
    """Who it is, within the kind: the id of a token, the `sub` of a JWT, the name in a certificate."""
    grants: Grants
    """What it may do."""
    expire_time: datetime | None = None
    """When its credential runs out; None: never."""
    name: str = field(init=False)
    """`kind:subject`: the `actor` of its events, and the scope of its request ids."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", f"{self.kind.value}:{self.subject}")


LOCAL: Final = Principal(
    kind=PrincipalKind.LOCAL, subject="anonymous", grants=Grants({EVERY_WORKSPACE: Role.ADMIN})
)
"""The caller of a server without authentication, which only this machine can reach."""
