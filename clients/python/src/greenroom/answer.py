"""What the model says in a turn, as far as it has come."""

from __future__ import annotations

from greenroom.v1.event_pb2 import Event


class Answer:
    """The text of the model in the main conversation, from the events of one turn in their order.

    Pieces are replaced by the whole that repeats them, and forgotten when they are retracted: where the connection to
    the model's API breaks, the beginning of an answer comes again. So show `text` anew after each event that changed
    it. Without `include_ephemeral` it grows by whole messages.
    """

    def __init__(self) -> None:
        self._finished: list[str] = []
        self._message_id = ""
        self._pieces = ""

    @property
    def text(self) -> str:
        """All that the model has said so far; an empty line separates what it said at different times."""
        return "\n\n".join([*self._finished, self._pieces] if self._pieces else self._finished)

    def take(self, event: Event) -> bool:
        """Take note of an event and return whether it changed the text."""
        before = self.text
        kind = event.WhichOneof("payload")
        if kind == "message_delta" and not event.message_delta.parent_tool_use_id:
            self._append(event.message_delta.message_id, event.message_delta.text)
        elif kind == "message_assistant" and not event.message_assistant.parent_tool_use_id:
            said = "".join(block.text for block in event.message_assistant.content)
            if said and not event.message_assistant.synthetic:
                self._finished.append(said)
            self._pieces = ""
        elif (
            kind == "message_retracted" and event.message_retracted.message_id == self._message_id
        ) or kind in ("turn_completed", "turn_failed", "turn_interrupted"):
            self._pieces = ""
        return before != self.text

    def _append(self, message_id: str, piece: str) -> None:
        """Add a piece. One of another message replaces what there is: a retraction can be lost with its connection."""
        self._pieces = self._pieces + piece if message_id == self._message_id else piece
        self._message_id = message_id
