"""What a failure of the model's API means to a caller: why, whether the same can help later, and when. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from greenroomd.domain.turn import Problem

CREDENTIALS = "API_CREDENTIALS_REFUSED"
REQUEST = "API_REQUEST_REFUSED"
LIMIT = "API_LIMIT_REACHED"
TROUBLE = "API_ERROR"

_BY_STATUS: Mapping[int, str] = {
    401: CREDENTIALS,
    402: LIMIT,
    403: CREDENTIALS,
    407: CREDENTIALS,  # a proxy on the way
    408: TROUBLE,
    409: TROUBLE,
    425: TROUBLE,
    429: LIMIT,
}
"""The reason of a status, as far as it is another than that of its hundred."""

_BY_WORD: Mapping[str, str] = {
    "authentication_failed": CREDENTIALS,
    "oauth_org_not_allowed": CREDENTIALS,
    "account_on_hold": CREDENTIALS,
    "verification_required": CREDENTIALS,
    "cloud_credential_error": CREDENTIALS,
    "billing_error": LIMIT,
    "rate_limit": LIMIT,
    "invalid_request": REQUEST,
    "model_not_found": REQUEST,
    "max_output_tokens": REQUEST,
}
"""The reason of each word with which the CLI names a failure. Those not named are the API's own trouble."""

CREDITS = "CREDITS"
RATE = "RATE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiFailure:
    """A failed request to the model's API, as far as the CLI tells about it."""

    status: int | None = None
    """The HTTP status of the answer; None if there was none."""
    word: str = ""
    """The CLI's word for the failure, such as `rate_limit`; "" if it gives none."""
    request_id: str = ""
    """The API's id of the request; "" if the CLI gives none."""
    retry_after: timedelta | None = None
    """How long the CLI would have waited before the next try; None if it would not try again."""
    limit: str = ""
    """The limit that is used up, such as `FIVE_HOUR`; "" if the CLI does not say."""
    resets_at: datetime | None = None
    """When that limit is free again; None if the CLI does not say."""

    @property
    def reason(self) -> str:
        """The reason of the error: who can do something about it."""
        if self.status is None or self.word == "billing_error":  # the API says 400 if there is no credit left
            return _BY_WORD.get(self.word, TROUBLE)
        return _BY_STATUS.get(self.status, REQUEST if 400 <= self.status < 500 else TROUBLE)

    @property
    def final(self) -> bool:
        """Whether the API would answer the same request in the same way, however often it is repeated."""
        return self.reason in (CREDENTIALS, REQUEST) or self.limit_kind == CREDITS

    @property
    def limit_kind(self) -> str:
        """Which limit is used up; "" if the failure is no limit."""
        if self.reason != LIMIT:
            return ""
        if self.limit:
            return self.limit
        return CREDITS if self.status == 402 or self.word == "billing_error" else RATE

    def problem(self, message: str, *, at: datetime) -> Problem:
        """Return the failure as the error of a turn that ends at this time."""
        facts = {
            "api_status": "" if self.status is None else str(self.status),
            "api_request_id": self.request_id,
            "limit_kind": self.limit_kind,
            "resets_at": self._reset_text() if self.reason == LIMIT else "",
        }
        return Problem(
            reason=self.reason,
            message=message,
            facts={name: value for name, value in facts.items() if value},
            retry_after=self._wait(at),
        )

    def _reset_text(self) -> str:
        return "" if self.resets_at is None else f"{self.resets_at:%Y-%m-%dT%H:%M:%SZ}"

    def _wait(self, at: datetime) -> timedelta | None:
        """Return how long the caller should wait; None if that does not help, or nobody knows."""
        if self.final:
            return None
        if self.reason == LIMIT and self.resets_at is not None:
            return max(self.resets_at - at, timedelta(seconds=1))
        return self.retry_after


NO_FAILURE = ApiFailure()
"""What is known of a failure before the CLI has told any of it."""
