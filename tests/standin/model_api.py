"""The stand-in in a process of its own, and the few verbs to script and watch it."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from standin.plan import JsonObject, steps_from_json

TESTS = Path(__file__).resolve().parents[1]


class ModelApi:
    """A running stand-in; every method blocks for one HTTP call."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self.pid = pid
        self._may_refuse = False
        self._open = build_opener(ProxyHandler({})).open  # never through a proxy of the environment

    @property
    def cli_environment(self) -> dict[str, str]:
        """The variables that send a CLI here."""
        return {"ANTHROPIC_BASE_URL": self.url, "ANTHROPIC_API_KEY": "stub-key"}

    def plan(self, session: str, *steps: JsonObject) -> None:
        """Give a CLI session (`*`: whichever asks first) its next steps, in place of earlier ones.

        ValueError for a step that the plan language does not know.
        """
        steps_from_json(list(steps))
        self._call("/_stub/plan", {"session": session, "steps": steps})

    def requests(
        self, session: str | None = None, *, at_least: int = 0, within: float = 50.0
    ) -> Sequence[dict[str, Any]]:
        """Return the model requests seen, oldest first.

        AssertionError if fewer than *at_least* came *within* so many seconds.
        """
        query: dict[str, object] = {"at_least": at_least, "within": within}
        if session is not None:
            query["session"] = session
        entries: list[dict[str, Any]] = self._call(f"/_stub/log?{urlencode(query)}")
        seen = [entry for entry in entries if "session" in entry]
        assert len(seen) >= at_least, f"{len(seen)} requests of {session or 'any session'} in {within} s"
        return seen

    def expect_refusals(self) -> None:
        """Let requests be refused until the next reset: whoever does not say so must make none that the API refuses."""
        self._may_refuse = True

    def check(self) -> None:
        """AssertionError if a request was refused unexpectedly: a CLI that asks again without a word would hide it."""
        refused = [
            f"{entry['refused']} (session {entry['session']}, last message {entry['last']})"
            for entry in self.requests()
            if "refused" in entry
        ]
        assert self._may_refuse or not refused, f"the model's API refused requests: {refused}"

    def vary_usage(self, seed: object) -> None:
        """Draw the tokens of answers whose step names none, instead of always using the same."""
        self._call("/_stub/usage", {"seed": seed})

    def reset(self) -> None:
        """Forget all plans and requests, and vary no usage."""
        self._may_refuse = False
        self._call("/_stub/reset", {})

    def _call(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with self._open(Request(self.url + path, data), timeout=60) as answer:
            return json.load(answer)


@contextmanager
def running_model_api() -> Iterator[ModelApi]:
    """Run a stand-in on a free port while the block runs; it ends with us, however we end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "standin", "--until-eof"],
        cwd=TESTS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:  # closes its input, and waits for it
        assert process.stdout is not None
        yield ModelApi(process.stdout.readline().strip(), process.pid)
