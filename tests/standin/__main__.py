"""Run the stand-in by hand: `PYTHONPATH=tests python -m standin [--port PORT]`."""

import argparse
import sys
import threading
from contextlib import suppress

from standin.server import StandIn


def main() -> None:
    """Serve until interrupted, or, with --until-eof, until standard input ends; the first line printed is the URL."""
    options = argparse.ArgumentParser(prog="standin", description=__doc__)
    options.add_argument("--port", type=int, default=0, help="0, the default, takes any free port")
    options.add_argument(
        "--until-eof", action="store_true", help="end together with whoever holds our standard input"
    )
    chosen = options.parse_args()
    with StandIn(chosen.port) as server:
        print(server.url, flush=True)
        if chosen.until_eof:
            threading.Thread(target=_end_with_input, args=(server,), daemon=True).start()
        with suppress(KeyboardInterrupt):
            server.serve_forever(poll_interval=0.1)


def _end_with_input(server: StandIn) -> None:
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main()
