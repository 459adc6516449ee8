"""A token that lies in a file, and changes there."""

from __future__ import annotations

import os
from pathlib import Path


class TokenFile:
    """Gives the token that is in a file now, as the `token` of a client: `Client(..., token=TokenFile(path))`.

    The file is read with every call, so a new token is used from the next one on. Where it cannot be read or is empty
    for a moment, the token before is used; without one, OSError or ValueError is raised.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._token = ""

    def __call__(self) -> str:
        """Return the token, without space around it."""
        try:
            self._token = self._path.read_text(encoding="ascii").strip() or self._token
        except OSError:
            if not self._token:
                raise
        if not self._token:
            raise ValueError(f"{self._path} holds no token")
        return self._token
