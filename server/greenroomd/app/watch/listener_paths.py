"""Finds the listeners that an operator names by their import paths."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

from greenroomd.app.watch.listeners import Listener, Subscription


class ListenerUnusable(Exception):
    """An import path does not lead to a listener; the text says why."""


def load(path: str) -> Listener[Any]:
    """Return the listener at `package.module:attribute`; a class or function there is called without arguments.

    Raises ListenerUnusable, also if the imported code raises anything.
    """
    module, _, attribute = path.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
        if inspect.isclass(found) or inspect.isroutine(found):
            found = found()
    except Exception as error:
        raise ListenerUnusable(f"listener {path}: {type(error).__name__}: {error}") from error
    if not isinstance(found, Listener) or not isinstance(found.subscription, Subscription):
        raise ListenerUnusable(f"listener {path}: it has no subscription and no method hear(event)")
    return found
