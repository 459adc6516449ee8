"""What work cost: requests to the model, their tokens and their price."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Requests, tokens and cost, always of the same requests; usages can be added."""

    turns: int = 0
    """The number of turns that have ended."""
    requests: int = 0
    """The requests to the model."""
    input_tokens: int = 0
    """Input tokens that were not in the cache."""
    output_tokens: int = 0
    """Output tokens."""
    cache_creation_tokens: int = 0
    """Input tokens written to the cache."""
    cache_read_tokens: int = 0
    """Input tokens read from the cache."""
    cost_usd: float = 0.0
    """The cost in US dollars, with `estimated_cost_usd`."""
    estimated_cost_usd: float = 0.0
    """The part of the cost that is reckoned here by list prices, since the CLI ended before it told its own figure."""
    incomplete: bool = False
    """Whether more may have been used: something broke off of whose tokens nobody has told all."""

    def __add__(self, other: Usage) -> Usage:
        tally = Tally(self)
        tally.add(other)
        return tally.total


class Tally:
    """A sum of many usages in the making: a record for each step would cost more than the sum."""

    __slots__ = (
        "cache_creation_tokens",
        "cache_read_tokens",
        "cost_usd",
        "estimated_cost_usd",
        "incomplete",
        "input_tokens",
        "output_tokens",
        "requests",
        "turns",
    )

    def __init__(self, start: Usage) -> None:
        self.turns = start.turns
        self.requests = start.requests
        self.input_tokens = start.input_tokens
        self.output_tokens = start.output_tokens
        self.cache_creation_tokens = start.cache_creation_tokens
        self.cache_read_tokens = start.cache_read_tokens
        self.cost_usd = start.cost_usd
        self.estimated_cost_usd = start.estimated_cost_usd
        self.incomplete = start.incomplete

    def add(self, usage: Usage, times: int = 1) -> None:
        """Add a usage so many times; -1 takes it away."""
        self.turns += times * usage.turns
        self.requests += times * usage.requests
        self.input_tokens += times * usage.input_tokens
        self.output_tokens += times * usage.output_tokens
        self.cache_creation_tokens += times * usage.cache_creation_tokens
        self.cache_read_tokens += times * usage.cache_read_tokens
        self.cost_usd += times * usage.cost_usd
        self.estimated_cost_usd += times * usage.estimated_cost_usd
        self.incomplete |= usage.incomplete

    @property
    def total(self) -> Usage:
        """The sum so far."""
        return Usage(
            turns=self.turns,
            requests=self.requests,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cache_creation_tokens=self.cache_creation_tokens,
            cache_read_tokens=self.cache_read_tokens,
            cost_usd=self.cost_usd,
            estimated_cost_usd=self.estimated_cost_usd,
            incomplete=self.incomplete,
        )
