"""The limits of a subscription, as the model's API last told them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class LimitKind(StrEnum):
    """Which limit of a subscription. The values are the CLI's words for those that it knows."""

    FIVE_HOUR = "five_hour"
    WEEKLY = "seven_day"
    WEEKLY_OPUS = "seven_day_opus"
    WEEKLY_SONNET = "seven_day_sonnet"
    WEEKLY_MODEL = "seven_day_overage_included"
    EXTRA_USAGE = "overage"
    OTHER = "other"


class LimitState(StrEnum):
    """How much of a limit is used. The values are the API's words."""

    ALLOWED = "allowed"
    WARNING = "allowed_warning"
    USED_UP = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLimit:
    """One limit of the subscription that pays for a session."""

    name: str
    """The CLI's word for it, such as `seven_day_opus`."""
    state: LimitState
    """Whether it is used up, or nearly."""
    used: float | None = None
    """How much of it is used: 1 is all of it; None if the API did not say."""
    reset_time: datetime | None = None
    """When it begins anew; None if the API did not say."""

    @property
    def kind(self) -> LimitKind:
        """Which limit it is."""
        return LimitKind(self.name) if self.name in _NAMES else LimitKind.OTHER


_NAMES = frozenset(kind.value for kind in LimitKind)


def merged(known: Sequence[PlanLimit], told: Iterable[PlanLimit], *, at: datetime) -> tuple[PlanLimit, ...]:
    """Return the known limits with those now told in their place; forget those that have begun anew since."""
    lasting = [limit for limit in known if limit.reset_time is None or limit.reset_time > at]
    by_name = {limit.name: limit for limit in (*lasting, *told)}
    return tuple(by_name[name] for name in sorted(by_name))


def turned(before: Sequence[PlanLimit], after: Sequence[PlanLimit]) -> bool:
    """Whether a limit has another state or reset time than before; how much of it is used alone is no news."""
    return _news(before) != _news(after)


def _news(limits: Sequence[PlanLimit]) -> set[tuple[str, LimitState, datetime | None]]:
    return {(limit.name, limit.state, limit.reset_time) for limit in limits}
