"""Reads what the bearer of a JSON Web Token may do from one of its claims."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from greenroomd.domain.principal import Grants, InvalidGrant


class ClaimedGrants:
    """Finds grants in the claim `path`.

    `path` is the name of a claim, or names joined by dots that lead into it. The claim is a list of grants
    (`lab=operator`), a text with spaces or commas between them, or an object of workspaces and roles. With `of_groups`
    it holds the names of groups instead, and each known group has the grants that are given there.
    """

    def __init__(self, path: str, of_groups: Mapping[str, Sequence[str]]) -> None:
        self._path = path
        self._of_groups = of_groups

    def of(self, claims: Mapping[str, Any]) -> Grants:
        """Return the grants in the claims, none if the claim is not there; raises InvalidGrant."""
        claim = self._claim(claims)
        if claim is None:
            return Grants({})
        if isinstance(claim, Mapping) and not self._of_groups:
            return Grants.of(f"{workspace_id}={role}" for workspace_id, role in claim.items())
        named = re.split(r"[\s,]+", claim.strip()) if isinstance(claim, str) else claim
        if not isinstance(named, list) or not all(isinstance(each, str) for each in named):
            raise InvalidGrant(f"the claim {self._path} is neither a list of texts nor a text")
        if self._of_groups:
            return Grants.of(grant for group in named for grant in self._of_groups.get(group, ()))
        return Grants.of(each for each in named if each)

    def _claim(self, claims: Mapping[str, Any]) -> Any:
        if self._path in claims:  # also one whose name is a URL
            return claims[self._path]
        found: Any = claims
        for name in self._path.split("."):
            if not isinstance(found, Mapping) or name not in found:
                return None
            found = found[name]
        return found
