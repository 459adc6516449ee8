"""A profile: a named config that completes the config of each session created with it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from greenroomd.domain.config import Secret
from greenroomd.domain.errors import EtagMismatch, Violation
from greenroomd.domain.plan_limit import PlanLimit
from greenroomd.domain.rules.checks import Check, between, shown
from greenroomd.domain.rules.config.config_overlay import PartialConfig
from greenroomd.domain.rules.config.config_rules import violations
from greenroomd.domain.rules.field_masks import ATTRIBUTES, CREDENTIALS, map_with, taken
from greenroomd.domain.rules.naming_rules import label_violations, name_violations

MAX_DESCRIPTION_LENGTH = 4096
MAX_WARM_PROCESSES = 64
MAX_SESSIONS = 1_000_000

_NOTHING = PartialConfig({})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileParts:
    """The parts of a profile that a caller can change."""

    display_name: str = ""
    """A name for people."""
    description: str = ""
    """A description for people."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels, for callers."""
    config: PartialConfig = _NOTHING
    """The options that it sets for its sessions."""
    oauth_token: Secret | None = None
    """A new token for its sessions; None leaves the stored one, an empty one removes it."""
    warm_processes: int = 0
    """How many processes to keep ready for its sessions."""
    max_sessions: int = 0
    """The most sessions that are not CLOSED; 0: no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A stored profile; its name is unique in its workspace."""

    workspace_id: str
    """The workspace that it belongs to."""
    profile_id: str
    """Its id, unique in its workspace."""
    parts: ProfileParts
    """What a caller can change; its `oauth_token` is always None, since the token is stored separately."""
    oauth_token_set: bool = False
    """Whether a token is stored for it."""
    plan_limits: Sequence[PlanLimit] = ()
    """The limits of the subscription to which the token belongs, as last told to a session created with it."""
    create_time: datetime
    """When it was created."""
    update_time: datetime
    """When it was last changed."""
    version: int = 1
    """How often it was stored, from 1; its etag is made from it."""


def etag(profile: Profile) -> str:
    """Return a tag that changes with every change, also if a profile is deleted and created again."""
    return f"{(profile.create_time - _EPOCH) // timedelta(microseconds=1):x}.{profile.version}"


def require_etag(profile: Profile, given: str) -> None:
    """Raise EtagMismatch if `given` is neither empty nor the profile's etag."""
    if given and given != etag(profile):
        raise EtagMismatch(etag(profile))


def changed(profile: Profile, given: ProfileParts, paths: Sequence[str], *, at: datetime) -> Profile:
    """Return the profile's next version, with the parts that `paths` name taken from `given`.

    Paths are those of `domain.rules.field_masks`, except that a profile has `description`, `warm_processes` and
    `max_sessions`, has no metadata, and its `working_dir` can change. A path that `given` does not set is unset. Raises
    InvalidUpdateMask with every path that is unknown or immutable, and for an empty mask.
    """
    parts = taken(replace(profile.parts, oauth_token=None), given, paths, _with)
    return replace(profile, parts=parts, update_time=at, version=profile.version + 1)


def settled(profile: Profile) -> tuple[Profile, Secret | None]:
    """Return the profile as it is stored, without its new token, and that token (see ProfileParts)."""
    token = profile.parts.oauth_token
    if token is None:
        return profile, None
    parts = replace(profile.parts, oauth_token=None)
    return replace(profile, parts=parts, oauth_token_set=bool(token.reveal()), plan_limits=()), token


def profile_violations(parts: ProfileParts, *, path: str = "profile") -> list[Violation]:
    """Return every rule that `parts` break; a profile may leave `working_dir` unset.

    Whether its directory exists and is allowed is checked when a session is created.
    """
    token = parts.oauth_token if parts.oauth_token is not None and parts.oauth_token.reveal() else None
    found = [
        Violation(f"{path}.{each.field}", each.description)
        for each in name_violations(display_name=parts.display_name)
    ]
    for name, check in _CHECKS.items():
        problem = check(getattr(parts, name))
        if problem is not None:
            found.append(Violation(f"{path}.{name}", problem))
    found += label_violations(parts.labels, path=f"{path}.labels")
    config = parts.config.alone()
    if parts.warm_processes and config.project_context:
        text = "must be 0 with config.project_context: a project is read when the process of a session starts"
        found.append(Violation(f"{path}.warm_processes", text))
    if not config.working_dir:
        config = replace(config, working_dir="/")
    return found + violations(config, oauth_token=token, prefix=f"{path}.config")


def _description(value: str) -> str | None:
    if len(value) > MAX_DESCRIPTION_LENGTH:
        return f"must be at most {MAX_DESCRIPTION_LENGTH} characters, is {len(value)}"
    readable = value.replace("\n", "").replace("\t", "").isprintable()
    return None if readable else f"must hold only printable characters, tabs and line ends, is {shown(value)}"


_CHECKS: Mapping[str, Check] = {
    "description": _description,
    "warm_processes": between(0, MAX_WARM_PROCESSES),
    "max_sessions": between(0, MAX_SESSIONS),
}
_PLAIN = frozenset({"display_name", "description", "warm_processes", "max_sessions"})


def _with(parts: ProfileParts, given: ProfileParts, path: str) -> ProfileParts:
    root, _, rest = path.partition(".")
    if path in _PLAIN:
        return replace(parts, **{path: getattr(given, path)})
    if root == "labels":
        return replace(parts, labels=map_with(parts.labels, given.labels, rest))
    if path == "config":
        # The token is never shown, so writing back a profile as it was read must not remove it.
        return replace(parts, config=given.config, oauth_token=given.oauth_token or parts.oauth_token)
    if path in CREDENTIALS:
        return replace(parts, oauth_token=given.oauth_token or Secret(""))
    if root == "config":
        return replace(parts, config=_config_with(parts.config, given.config, rest))
    raise LookupError("is no field that can be changed")


def _config_with(before: PartialConfig, given: PartialConfig, path: str) -> PartialConfig:
    if path.startswith("environment."):
        name = "environment"
        merged = map_with(
            before.options.get(name, {}), given.options.get(name, {}), path.removeprefix("environment.")
        )
        rest = {option: value for option, value in before.options.items() if option != name}
        return PartialConfig({**rest, name: merged} if merged else rest)
    attribute = ATTRIBUTES.get(path)
    if attribute is None:
        raise LookupError("is no option of a session")

    def named(option: str) -> bool:
        return option == attribute or option.startswith(f"{attribute}.")

    kept = {option: value for option, value in before.options.items() if not named(option)}
    return PartialConfig({**kept, **{name: value for name, value in given.options.items() if named(name)}})
