"""The bill of a process: what it has used that no turn has been charged with yet. Pure.

The CLI tells in each result what it has used since the result before. Until then, and for ever if it dies, only its
messages tell of their requests: these are reckoned by list prices, and give way to the result that covers them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from greenroomd.domain.prices import price_of
from greenroomd.domain.usage import Usage


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request to the model of which a message has told, but no result."""

    model: str
    """The model that answers."""
    usage: Usage
    """Its tokens, as far as the message has told."""
    ended: bool
    """Whether the answer is complete."""
    agent: bool
    """Whether an agent has made it: then no message tells when the answer is complete, or how long it is."""

    @property
    def doubt(self) -> int:
        """How doubtful it is that the next result tells of it: 0 is certain, 2 is what was probably broken off."""
        return 0 if self.ended else 1 if self.agent else 2

    @property
    def estimate(self) -> Usage:
        """Its tokens with their cost by list prices."""
        cost = price_of(self.model).cost_usd(self.usage)
        return replace(self.usage, requests=1, cost_usd=cost, estimated_cost_usd=cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a process has used and no turn has been charged with."""

    told: Usage = Usage()
    """What its results have told."""
    seen: Mapping[str, SeenRequest] = field(default_factory=dict)
    """The requests of which no result has told yet, oldest first, by the ids of the messages that answer them."""
    settled: frozenset[str] = frozenset()
    """The ids of requests that later frames must not bring back: a result has told of them since the last charge, or
    they were charged without one.
    """
    total_usd: float = 0.0
    """The cumulative cost of its last result, in US dollars."""

    @property
    def usage(self) -> Usage:
        """Everything, with an estimate of what no result has told."""
        return sum((request.estimate for request in self.seen.values()), self.told)

    def with_message(
        self, message_id: str, model: str, usage: Usage, *, ended: bool = False, agent: bool = False
    ) -> Bill:
        """Return the bill with what a message tells of its request; of each kind of tokens the larger number counts."""
        if message_id in self.settled:
            return self
        known = self.seen.get(message_id)
        request = SeenRequest(model, usage, ended, agent)
        if known is not None:
            request = _merged(known, request)
        return self if request == known else replace(self, seen={**self.seen, message_id: request})

    def with_agents_end(self, key: str, model: str, usage: Usage) -> Bill:
        """Return the bill with the last request of an agent that was waited for: no message may have told of it."""
        same = (
            message_id
            for message_id, request in self.seen.items()
            if request.agent and not request.ended and _given(request.usage) == _given(usage)
        )
        return self.with_message(next(same, key), model, usage, ended=True, agent=True)

    def with_result(self, used: Usage, total_usd: float) -> Bill:
        """Return the bill with a result, which has `used` this since the last one and `total_usd` in all.

        It tells of the seen requests whose tokens it covers. What they leave of its input was another request, of which
        no message told, such as that of a compaction. A request that it does not cover was broken off, or is that of an
        agent of which a later result will tell.
        """
        rest, told = used, []
        for message_id, request in sorted(self.seen.items(), key=lambda each: each[1].doubt):
            if (left := _without(rest, request.usage)) is not None:
                rest = left
                told.append(message_id)
        unseen = _given(rest) > 0 and all(_given(self.seen[message_id].usage) for message_id in told)
        return replace(
            self,
            told=self.told + replace(used, requests=len(told) + unseen),
            seen={key: request for key, request in self.seen.items() if key not in told},
            settled=self.settled.union(told),
            total_usd=total_usd,
        )

    def charged(self) -> Bill:
        """Return the bill after a turn, or the session itself, has been charged with everything on it."""
        return replace(self, told=Usage(), seen={}, settled=frozenset(self.seen))


def _merged(known: SeenRequest, told: SeenRequest) -> SeenRequest:
    old, new = known.usage, told.usage
    return SeenRequest(
        model=known.model or told.model,
        usage=Usage(
            input_tokens=max(old.input_tokens, new.input_tokens),
            output_tokens=max(old.output_tokens, new.output_tokens),
            cache_creation_tokens=max(old.cache_creation_tokens, new.cache_creation_tokens),
            cache_read_tokens=max(old.cache_read_tokens, new.cache_read_tokens),
        ),
        ended=known.ended or told.ended,
        agent=known.agent or told.agent,
    )


def _given(usage: Usage) -> int:
    """Return the tokens that a request gave to the model; 0 means that its messages do not tell."""
    return usage.input_tokens + usage.cache_creation_tokens + usage.cache_read_tokens


def _without(whole: Usage, part: Usage) -> Usage | None:
    """Return what is left of these tokens without those of a part; None if they do not cover it."""
    left = Usage(
        input_tokens=whole.input_tokens - part.input_tokens,
        output_tokens=whole.output_tokens - part.output_tokens,
        cache_creation_tokens=whole.cache_creation_tokens - part.cache_creation_tokens,
        cache_read_tokens=whole.cache_read_tokens - part.cache_read_tokens,
    )
    counts = left.input_tokens, left.output_tokens, left.cache_creation_tokens, left.cache_read_tokens
    return left if min(counts) >= 0 else None
