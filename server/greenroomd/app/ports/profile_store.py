"""The port to stored profiles, in the application's own terms like `app.ports.storage`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from greenroomd.app.ports.storage import Page, Position, Request
from greenroomd.domain.config import Secret
from greenroomd.domain.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChange:
    """One change of one profile, decided while nobody else can change it.

    `decide` gets the stored profile, None if there is none, and returns the new one, None to delete it. It runs on the
    store's thread, so it may use nothing but its argument; an exception refuses the change. `answer` turns the outcome
    into the answer that is recorded for `request`.
    """

    workspace_id: str
    """The workspace of the profile."""
    profile_id: str
    """Its id."""
    decide: Callable[[Profile | None], Profile | None]
    """Makes the new profile from the stored one."""
    answer: Callable[[Profile | None], bytes]
    """Makes the answer that a repetition of the call gets."""
    request: Request | None = None
    """The call, to recognise a repetition; None if it has no request_id."""


def place_of(profile: Profile) -> Position:
    """Return a profile's position in a list ordered by name, then workspace. Neither can contain a slash."""
    return Position(0, f"{profile.profile_id}/{profile.workspace_id}")


class ProfileStore(Protocol):
    """The stored profiles. Every method may raise StoreUnavailable."""

    async def change(self, change: ProfileChange) -> Profile | None:
        """Commit a change and return its outcome; changes of one profile run one after the other.

        Raises what `decide` raises, ProfileInUse for deleting a profile that sessions which are not CLOSED use,
        RequestReplayed or RequestIdReused. Nothing has changed then.
        """
        ...

    async def profile(self, workspace_id: str, profile_id: str) -> Profile:
        """Return a profile; raises ProfileNotFound."""
        ...

    async def profiles(
        self,
        workspace_id: str | None,
        *,
        after: Position | None,
        limit: int,
        within: frozenset[str] | None = None,
    ) -> Page[Profile]:
        """Return one page of profiles by name, then workspace; a workspace of None means all.

        `within` is what the reader may see: no profile of another workspace; None: all of them.
        """
        ...

    async def oauth_token(self, workspace_id: str, profile_id: str) -> Secret | None:
        """Return the profile's token, if it has one."""
        ...
