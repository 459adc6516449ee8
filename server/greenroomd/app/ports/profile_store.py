"""The port to stored profiles; like `app.ports.storage`, in the application's own words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from greenroomd.app.ports.storage import Page, Position, Request
from greenroomd.domain.config import Secret
from greenroomd.domain.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChange:
    """One decision about one profile, made when nobody else can change it.

    `decide` takes the profile as it is stored, None if there is none, and returns what it is to be, None to remove it.
    It runs on the store's own thread, so it looks at nothing but its argument; what it raises refuses the change.
    `answer` makes what is recorded of `request` from the outcome.
    """

    workspace_id: str
    profile_id: str
    decide: Callable[[Profile | None], Profile | None]
    answer: Callable[[Profile | None], bytes]
    request: Request | None = None


def place_of(profile: Profile) -> Position:
    """Return where a profile stands in a list: by name, then by workspace; neither holds a slash."""
    return Position(0, f"{profile.profile_id}/{profile.workspace_id}")


class ProfileStore(Protocol):
    """The stored profiles. Every method may raise StoreUnavailable."""

    async def change(self, change: ProfileChange) -> Profile | None:
        """Make a decision durable and return its outcome; changes of one profile follow each other.

        Raises what `decide` raises, ProfileInUse if a profile is to go that sessions use which are not CLOSED,
        RequestReplayed or RequestIdReused; nothing is changed then.
        """
        ...

    async def profile(self, workspace_id: str, profile_id: str) -> Profile:
        """Return a profile; raises ProfileNotFound."""
        ...

    async def profiles(
        self, workspace_id: str | None, *, after: Position | None, limit: int
    ) -> Page[Profile]:
        """Return one page of profiles by name, those of one name by workspace; a workspace of None means all."""
        ...

    async def oauth_token(self, workspace_id: str, profile_id: str) -> Secret | None:
        """Return the profile's token, if it has one."""
        ...
