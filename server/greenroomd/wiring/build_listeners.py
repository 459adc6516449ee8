"""Builds the operator's listeners, including the webhook, and the watch that they use."""

from __future__ import annotations

from datetime import timedelta

from greenroom.v1.event_pb2 import Event
from greenroomd.app.ports.event_log import EventLog
from greenroomd.app.watch.listener_paths import load
from greenroomd.app.watch.listeners import Listener
from greenroomd.app.watch.tail import Tail
from greenroomd.app.watch.watch import Watch
from greenroomd.settings.record import Settings

MAX_LISTENERS = 1_000
QUIET = timedelta(seconds=15)
"""How long a listener's stored offset may stay behind the log while no event matches its subscription."""


def listeners(settings: Settings) -> list[Listener[Event]]:
    """Return the listeners in the settings, including the webhook; raises ListenerUnusable."""
    every: list[Listener[Event]] = [load(path) for path in settings.listeners]
    if settings.webhook_url is not None and settings.webhook_secret is not None:
        from greenroomd.webhook.sender import Webhook  # loading its HTTP client takes 0.1 s

        webhook = Webhook(
            settings.webhook_url.get_secret_value(),
            settings.webhook_secret.get_secret_value(),
            types=settings.webhook_types,
            timeout=settings.webhook_timeout,
        )
        every.append(webhook)
    return every


def watch_for_listeners(store: EventLog, tail: Tail) -> Watch:
    """Return a watch for the listeners alone, so that they do not count against the clients' limits."""
    return Watch(store, tail, quiet=QUIET, per_session=1, per_node=MAX_LISTENERS)
