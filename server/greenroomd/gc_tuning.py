"""Settings of Python's cyclic garbage collector, so that it does not stop the streams.

Reference counting frees nearly everything here at once. While the collector runs, nothing else does, and a full
collection visits every object of every stream: with Python's defaults, a server whose 1,000 watchers get ten events a
second stands still for 110 ms every 1.8 s, and spends a fifth of its CPU on it.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG = 50_000
"""New objects after which a young collection runs: more than one event to 1,000 watchers makes."""


def look_seldom() -> None:
    """Make young collections rare and full ones very rare; best called before the imports."""
    gc.set_threshold(YOUNG, 20, 20)


@contextmanager
def not_looking() -> Iterator[None]:
    """Disable the collector while the block imports, and exempt the imported objects from it for ever.

    Imports make no garbage, and collections would take a tenth of the start.
    """
    gc.disable()
    try:
        yield
    finally:
        leave_alone_what_there_is()
        gc.enable()


def leave_alone_what_there_is() -> None:
    """Exempt all objects that exist now from collection: modules, classes, and the server's own parts."""
    gc.freeze()
