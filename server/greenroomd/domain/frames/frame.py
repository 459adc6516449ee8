"""The base of all frames, and those that belong to no other kind.

A frame is one line of the stream-json of a `claude` process. All shapes are those of the CLI 2.1.330, as observed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Any line. `cli_session_id` is its conversation ("" if it does not say), which can change.

    `raw` is the line as it came (JSON, UTF-8, without its newline), so that nothing is lost.
    """

    raw: bytes
    cli_session_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamMarker(Frame):
    """A `stream_event` or `system/status` without content: only a sign of life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemNoted(Frame):
    """Any other `system` frame, and every type that this version does not know; kept, and never an error."""

    type: str
    subtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StderrWritten(Frame):
    """Whole lines of the process's stderr, without secrets; not part of its stream-json."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage(Frame):
    """A line that is not a JSON object, or is longer than the limit (then `raw` is its beginning)."""

    reason: str
