"""List prices of models, to reckon what the CLI has spent and will never tell. Pure.

They are the CLI's own, as observed with the CLI 2.1.332; a test compares them with what it charges. As with the CLI, a
name that contains a known one has its price, and an unknown one has that of Opus.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from greenroomd.domain.costs.usage import Usage

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens of each kind."""

    input: float
    output: float
    cache_creation: float
    cache_read: float
    long_prompt_tokens: int | None = None
    """The number of input tokens, cached or not, beyond which everything costs five times as much; None: none."""

    def cost_usd(self, usage: Usage) -> float:
        """Return what one request costs."""
        given = usage.input_tokens + usage.cache_creation_tokens + usage.cache_read_tokens
        dear = self.long_prompt_tokens is not None and given > self.long_prompt_tokens
        dollars = (
            usage.input_tokens * self.input
            + usage.output_tokens * self.output
            + usage.cache_creation_tokens * self.cache_creation
            + usage.cache_read_tokens * self.cache_read
        ) / _MILLION
        return dollars * 5 if dear else dollars


_OPUS = Price(4.0, 20.0, 5.0, 0.2)
_LIST = {
    "fable-5-2": Price(8.0, 40.0, 10.0, 0.2),
    "opus-5-5": _OPUS,
    "opus-5-0": Price(5.0, 25.0, 6.25, 0.5),
    "opus-4-5": Price(5.0, 25.0, 6.25, 0.5),
    "sonnet-5-5": Price(2.0, 10.0, 2.5, 0.1),
    "sonnet-5-0": Price(2.0, 10.0, 2.5, 0.2),
    "sonnet-4-5": Price(3.0, 15.0, 3.75, 0.3),
    "haiku-5-5": Price(0.1, 0.5, 0.125, 0.01, long_prompt_tokens=100_000),
    "haiku-4-5": Price(1.0, 5.0, 1.25, 0.1),
}


@lru_cache(maxsize=64)
def price_of(model: str) -> Price:
    """Return the price of a model by its name, which may be an API's longer one."""
    return next((price for name, price in _LIST.items() if name in model), _OPUS)
