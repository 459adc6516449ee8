"""A fake CLI that prints numbered, stamped lines at a pace, as cheaply as it can.

It is the tests' fake with one more key in a turn's script: `stamped: {count, every, padding}` prints so many assistant
frames, so many seconds apart, each with `t=NANOSECONDS;` of the monotonic clock in its text. The last says `THE END`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from fake_cli.program import Fake, Message


class StampingFake(Fake):
    """The fake, with stamps."""

    def play(self, script: Message) -> None:
        """Do what the script says."""
        super().play(script)
        if plan := script.get("stamped"):
            self.print_stamped(plan["count"], plan.get("every", 0.0), "x" * plan.get("padding", 0))

    def print_stamped(self, count: int, every: float, padding: str) -> None:
        """Print the frames."""
        head = '{"type":"assistant","message":{"id":"msg_%d","role":"assistant","model":"m","content":'
        text = '[{"type":"text","text":"t=%d;%s %s"}]},"session_id":"%s","uuid":"00000000-0000-4000-8000-%012d"}\n'
        line = head + text
        start = time.monotonic()
        for number in range(count):
            if every:
                time.sleep(max(0.0, start + number * every - time.monotonic()))
            self.write(
                (
                    line
                    % (
                        number,
                        time.monotonic_ns(),
                        padding,
                        "THE END" if number == count - 1 else "",
                        self.session,
                        number,
                    )
                ).encode()
            )


if __name__ == "__main__":
    if "--version" in sys.argv:
        print("2.1.330 (Claude Code)")
        sys.exit(0)
    sys.exit(StampingFake(sys.argv[1:]).run())
