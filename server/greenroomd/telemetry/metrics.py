"""The server's metrics, with bounded labels. The wiring creates them once and passes them on."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

MAX_LABEL_VALUES = 100
OTHER = "other"

# From an RPC that does nothing (0.1 ms) to a turn (an hour), in steps of a factor of about three.
_SECONDS = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0, 600.0, 3600.0)


class Metrics:
    """The server's metrics, named `greenroom_*`; each method records one thing that happened.

    A label has at most 100 different values; further ones count as `other`. Never use an id as a label.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._seen: dict[str, set[str]] = {}
        self._known: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}
        self._rpcs = Counter(
            "greenroom_rpcs", "RPCs answered.", ["service", "method", "code"], registry=self.registry
        )
        self._rpc_seconds = Histogram(
            "greenroom_rpc_seconds",
            "Time from an RPC's arrival to its end.",
            ["service", "method"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._sessions = Gauge("greenroom_sessions", "Stored sessions.", ["state"], registry=self.registry)
        self._started = Counter(
            "greenroom_processes_started", "CLI processes started.", ["origin"], registry=self.registry
        )
        self._ended = Counter(
            "greenroom_processes_ended", "CLI processes ended.", ["cause"], registry=self.registry
        )
        self._restarted = Counter(
            "greenroom_processes_restarted",
            "CLI processes started in place of one that had to go or crashed.",
            ["cause"],
            registry=self.registry,
        )
        self._start_seconds = Histogram(
            "greenroom_process_start_seconds",
            "Time from the wish for a process to READY, with the wait for a slot.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._slots = Gauge(
            "greenroom_pool_processes",
            "Process slots, those that work (busy) or may be taken away (idle), and sessions waiting.",
            ["what"],
            registry=self.registry,
        )
        self._evictions = Counter(
            "greenroom_pool_evictions", "Idle processes asked back for others.", registry=self.registry
        )
        self._tokens = Counter(
            "greenroom_tokens", "Tokens that sessions used.", ["model", "kind"], registry=self.registry
        )
        self._requests = Counter(
            "greenroom_model_requests", "Requests to the model.", ["model"], registry=self.registry
        )
        self._cost = Counter(
            "greenroom_cost_usd", "What they cost in US dollars.", ["model"], registry=self.registry
        )
        self._events = Counter("greenroom_events_committed", "Durable events.", registry=self.registry)
        self._watchers = Gauge("greenroom_watchers", "Open event streams.", registry=self.registry)
        self._heard = Counter(
            "greenroom_listener_events", "Events taken by a listener.", ["listener"], registry=self.registry
        )
        self._failed = Counter(
            "greenroom_listener_failures", "Calls that failed.", ["listener"], registry=self.registry
        )
        self._passed_over = Counter(
            "greenroom_listener_passed_over", "Events given up.", ["listener"], registry=self.registry
        )
        self._tls_expires = Gauge(
            "greenroom_tls_certificate_expires_seconds",
            "Unix time at which the certificate of new connections expires; 0 without TLS.",
            registry=self.registry,
        )
        self._tls_unusable = Gauge(
            "greenroom_tls_files_unusable",
            "1 while the certificate files are broken and what they held before is in use.",
            registry=self.registry,
        )

    def rpc_handled(self, service: str, method: str, code: str, seconds: float) -> None:
        """An RPC ended with the status `code` (`OK`, `NOT_FOUND`) after `seconds`."""
        counted, timed = self._of_rpc(service, method, code)
        counted.inc()
        timed.observe(seconds)

    def _of_rpc(self, service: str, method: str, code: str) -> tuple[Counter, Histogram]:
        """Return the counter and histogram of an RPC, cached: looking them up by labels costs more than using them."""
        known = self._known.get((service, method, code))
        if known is None:
            bounded = self._bounded("service", service), self._bounded("method", method)
            counted = self._rpcs.labels(*bounded, self._bounded("code", code))
            known = self._known[service, method, code] = counted, self._rpc_seconds.labels(*bounded)
        return known

    def sessions_counted(self, by_state: Mapping[str, int]) -> None:
        """Set the number of stored sessions in each state, from which `session_moved` counts on."""
        for state, count in by_state.items():
            self._sessions.labels(self._bounded("state", state)).set(count)

    def session_moved(self, before: str | None, after: str | None) -> None:
        """A session changed its state; it is new if `before` is None, and deleted if `after` is None."""
        if before is not None:
            self._sessions.labels(self._bounded("state", before)).dec()
        if after is not None:
            self._sessions.labels(self._bounded("state", after)).inc()

    def process_started(self, origin: Literal["cold", "warm"]) -> None:
        """A session got a process: a new one (`cold`), or one started ahead (`warm`)."""
        self._started.labels(origin).inc()

    def process_restarted(self, cause: Literal["recovery", "order"]) -> None:
        """A session is getting another process: after a failure, or because a caller or a new config asked for it."""
        self._restarted.labels(cause).inc()

    def process_ready(self, seconds: float) -> None:
        """A session's process answered its handshake, `seconds` after it was requested."""
        self._start_seconds.observe(seconds)

    def pool_from(self, numbers: Callable[[], Mapping[str, int]]) -> None:
        """Call `numbers`, in any thread, for the use of slots whenever the metrics are read; its keys never change."""
        for what in numbers():
            self._slots.labels(self._bounded("what", what)).set_function(partial(_number_of, numbers, what))

    def process_evicted(self) -> None:
        """The pool evicted an idle process, since other sessions wait."""
        self._evictions.inc()

    def process_ended(self, cause: str) -> None:
        """A process has ended; `cause` is one of a few words such as `close`, `idle` or `crash`."""
        self._ended.labels(self._bounded("cause", cause)).inc()

    def usage_charged(self, model: str, tokens: Mapping[str, int], requests: int, cost_usd: float) -> None:
        """A session was charged with tokens by their kind, requests and cost; `model` was in force in it."""
        label = self._bounded("model", model)
        for kind, count in tokens.items():
            self._tokens.labels(label, kind).inc(count)
        self._requests.labels(label).inc(requests)
        self._cost.labels(label).inc(max(0.0, cost_usd))

    def events_committed(self, count: int) -> None:
        """A commit stored this many durable events."""
        self._events.inc(count)

    def watchers_from(self, count: Callable[[], int]) -> None:
        """Call `count` for the number of open event streams whenever the metrics are read."""
        self._watchers.set_function(count)

    def listener_heard(self, listener: str) -> None:
        """A listener took an event."""
        self._heard.labels(self._bounded("listener", listener)).inc()

    def listener_failed(self, listener: str) -> None:
        """A listener raised or took too long, and will be given the event again."""
        self._failed.labels(self._bounded("listener", listener)).inc()

    def listener_passed_over(self, listener: str) -> None:
        """A listener will never get an event: it was passed over."""
        self._passed_over.labels(self._bounded("listener", listener)).inc()

    def tls_certificate(self, expires: datetime) -> None:
        """New connections get a certificate that expires then."""
        self._tls_expires.set(expires.timestamp())

    def tls_files_usable(self, usable: bool) -> None:
        """Whether the certificate files hold what the server can use."""
        self._tls_unusable.set(not usable)

    def _bounded(self, label: str, value: str) -> str:
        seen = self._seen.setdefault(label, set())
        if value not in seen:
            if len(seen) >= MAX_LABEL_VALUES:
                return OTHER
            seen.add(value)
        return value


def _number_of(numbers: Callable[[], Mapping[str, int]], what: str) -> float:
    return numbers()[what]
