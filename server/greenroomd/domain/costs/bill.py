"""The bill of a process: what it has used that no turn has been charged with yet. Pure.

The CLI tells in each result what it has used since the result before. Until then, and for ever if it dies, only its
messages tell of their requests: these are reckoned by list prices, and give way to the result that covers them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import NamedTuple

from greenroomd.domain.costs.prices import price_of
from greenroomd.domain.costs.usage import Tally, Usage
from greenroomd.domain.fast_replace import evolve


class SeenMessage(NamedTuple):
    """What a message tells of the request that it answers."""

    message_id: str
    """The API's id of the message."""
    model: str
    """The model that answers; "" if the message does not say."""
    usage: Usage
    """The tokens of the request, as far as it tells."""
    ended: bool = False
    """Whether the answer is complete."""
    agent: bool = False
    """Whether it answers an agent."""


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request to the model of which a message has told, but no result; or several of the same doubt."""

    model: str
    """The model that answers."""
    usage: Usage
    """Its tokens, as far as the message has told, with their cost by list prices."""
    ended: bool
    """Whether the answer is complete."""
    agent: bool
    """Whether an agent has made it: then no message tells when the answer is complete, or how long it is."""

    @property
    def doubt(self) -> int:
        """How doubtful it is that the next result tells of it: 0 is certain, 2 is what was probably broken off."""
        return 0 if self.ended else 1 if self.agent else 2


@dataclass(frozen=True, kw_only=True)  # without slots: see `evolve`
class Bill:
    """What a process has used and no turn has been charged with."""

    told: Usage = Usage()
    """What its results have told."""
    seen: Mapping[str, SeenRequest] = field(default_factory=dict)
    """The last requests of which no result has told yet, oldest first, by the ids of the messages that answer them."""
    older: Mapping[int, SeenRequest] = field(default_factory=dict)
    """The sums of the requests before those, by their doubt: a turn may make any number of requests."""
    estimated: Usage = Usage()
    """The sum of `seen` and `older`."""
    settled: frozenset[str] = frozenset()
    """The ids of requests that later frames must not bring back: a result has told of them since the last charge, or
    they were charged without one.
    """
    total_usd: float = 0.0
    """The cumulative cost of its last result, in US dollars."""

    @property
    def usage(self) -> Usage:
        """Everything, with an estimate of what no result has told."""
        return self.told + self.estimated

    @property
    def broken_off(self) -> bool:
        """Whether it has a request of which neither a message nor a result has told all tokens."""
        requests = (*self.seen.values(), *self.older.values())
        return any(request.doubt for request in requests)

    def with_messages(self, messages: Iterable[SeenMessage]) -> Bill:
        """Return the bill with what messages tell; of each kind of tokens the larger number counts."""
        seen, estimated = dict(self.seen), Tally(self.estimated)
        for message in messages:
            if message.message_id in self.settled:
                continue
            known = seen.get(message.message_id)
            request = _request(message) if known is None else _merged(known, message)
            if known is not None:
                estimated.add(known.usage, -1)
            estimated.add(request.usage)
            seen[message.message_id] = request
        if seen == self.seen:
            return self
        older = self.older if len(seen) <= _SEEN_ONE_BY_ONE else _summed_up(self.older, seen)
        return evolve(self, seen=seen, older=older, estimated=estimated.total)

    def with_agents_end(self, key: str, model: str, usage: Usage) -> Bill:
        """Return the bill with the last request of an agent that was waited for: no message may have told of it."""
        same = (
            message_id
            for message_id, request in self.seen.items()
            if request.agent and not request.ended and _given(request.usage) == _given(usage)
        )
        return self.with_messages([SeenMessage(next(same, key), model, usage, ended=True, agent=True)])

    def with_result(self, used: Usage, total_usd: float) -> Bill:
        """Return the bill with a result, which has `used` this since the last one and `total_usd` in all.

        It tells of the seen requests whose tokens it covers. What they leave of its input was another request, of which
        no message told, such as that of a compaction. A request that it does not cover was broken off, or is that of an
        agent of which a later result will tell.
        """
        rest, told = used, dict[int | str, SeenRequest]()
        untold: list[tuple[int | str, SeenRequest]] = [*self.older.items(), *self.seen.items()]
        for key, request in sorted(untold, key=lambda each: each[1].doubt):
            if (left := _without(rest, request.usage)) is not None:
                rest = left
                told[key] = request
        unseen = _given(rest) > 0 and all(_given(request.usage) for request in told.values())
        requests = sum(request.usage.requests for request in told.values()) + unseen
        seen = {key: request for key, request in self.seen.items() if key not in told}
        older = {key: request for key, request in self.older.items() if key not in told}
        return replace(
            self,
            told=self.told + replace(used, requests=requests),
            seen=seen,
            older=older,
            estimated=sum((request.usage for request in [*older.values(), *seen.values()]), Usage()),
            settled=self.settled.union(key for key in told if isinstance(key, str)),
            total_usd=total_usd,
        )

    def charged(self) -> Bill:
        """Return the bill after a turn, or the session itself, has been charged with everything on it."""
        return Bill(settled=frozenset(self.seen), total_usd=self.total_usd)


_SEEN_ONE_BY_ONE = 64
"""More requests than the CLI makes at once: messages that tell of the same request come close together."""


def _request(message: SeenMessage) -> SeenRequest:
    tokens = message.usage
    cost = price_of(message.model).cost_usd(tokens)
    usage = Usage(
        requests=1,
        input_tokens=tokens.input_tokens,
        output_tokens=tokens.output_tokens,
        cache_creation_tokens=tokens.cache_creation_tokens,
        cache_read_tokens=tokens.cache_read_tokens,
        cost_usd=cost,
        estimated_cost_usd=cost,
    )
    return SeenRequest(message.model, usage, message.ended, message.agent)


def _merged(known: SeenRequest, message: SeenMessage) -> SeenRequest:
    old, new = known.usage, message.usage
    larger = Usage(
        input_tokens=max(old.input_tokens, new.input_tokens),
        output_tokens=max(old.output_tokens, new.output_tokens),
        cache_creation_tokens=max(old.cache_creation_tokens, new.cache_creation_tokens),
        cache_read_tokens=max(old.cache_read_tokens, new.cache_read_tokens),
    )
    return _request(
        SeenMessage(
            message.message_id,
            known.model or message.model,
            larger,
            ended=known.ended or message.ended,
            agent=known.agent or message.agent,
        )
    )


def _summed_up(older: Mapping[int, SeenRequest], seen: dict[str, SeenRequest]) -> Mapping[int, SeenRequest]:
    """Move the oldest of the seen requests to the sums of the older ones, which are returned."""
    tallies = {doubt: Tally(request.usage) for doubt, request in older.items()}
    kinds = dict(older)
    for message_id in list(islice(seen, len(seen) - _SEEN_ONE_BY_ONE)):
        request = seen.pop(message_id)
        kinds.setdefault(request.doubt, request)
        tallies.setdefault(request.doubt, Tally(Usage())).add(request.usage)
    return {doubt: replace(kinds[doubt], usage=tally.total) for doubt, tally in tallies.items()}


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
