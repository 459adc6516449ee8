"""The stand-in's HTTP server: POST /v1/messages for the CLI, and /_stub/... for whoever scripts and watches it.

`POST /_stub/plan {"session": ID, "steps": [...]}` gives a session its next steps; `GET /_stub/log` lists the requests
seen, with `?session=ID` only that session's, and with `&at_least=N&within=SECONDS` once there are so many or the time
is over; `POST /_stub/usage {"seed": SEED}` draws the tokens of steps that name none; `POST /_stub/reset` forgets all.
A request that the real API would refuse is refused, and its entry in the log says why, as `refused`.
"""

import json
import re
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from standin import answer, failure
from standin.bill import DefaultUsage, billed
from standin.plan import JsonObject, Plans, Step, steps_from_json, texts
from standin.strictness import fault_of

NOT_FOUND = failure.error_body("not_found_error", "stub")
KEPT_REQUESTS = 5000
SYSTEM_SHOWN = 600
TEXT_SHOWN = 80  # of each text of the conversation
AUTH_SHOWN = 24  # enough of a credential to tell which one it is
CLIENT_LEFT = (BrokenPipeError, ConnectionResetError)


class Log:
    """The newest requests seen; safe to use from many threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._entries: list[JsonObject] = []

    def add(self, entry: JsonObject) -> dict[str, Any]:
        """Keep *entry* with its time, and wake who waits for it; return what is kept."""
        kept = {"t": time.time(), **entry}
        with self._changed:
            self._entries.append(kept)
            del self._entries[:-KEPT_REQUESTS]
            self._changed.notify_all()
        return kept

    def clear(self) -> None:
        """Forget everything."""
        with self._changed:
            self._entries.clear()

    def read(self, session: str | None, at_least: int, within: float) -> Sequence[JsonObject]:
        """Return the entries (of one session) once they tell of *at_least* so many model requests, or in time."""

        def matching() -> list[JsonObject]:
            return [entry for entry in self._entries if session in (None, entry.get("session"))]

        with self._changed:
            self._changed.wait_for(
                lambda: len([1 for e in matching() if "session" in e]) >= at_least, timeout=within
            )
            return matching()


class StandIn(ThreadingHTTPServer):
    """The server and all that it remembers; port 0 takes any free one."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.plans = Plans()
        self.log = Log()
        self.usage = DefaultUsage()

    @property
    def url(self) -> str:
        """What ANTHROPIC_BASE_URL must be."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what is a bug here; a client that left is none."""
        if not isinstance(sys.exception(), CLIENT_LEFT):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    server: StandIn

    def log_message(self, *_args: object) -> None:
        """Print nothing: the log is asked for."""

    def do_HEAD(self) -> None:
        self._send(404, {})

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/_stub/log":
            query = {key: values[-1] for key, values in parse_qs(url.query).items()}
            entries = self.server.log.read(
                query.get("session"), int(query.get("at_least", 0)), float(query.get("within", 0))
            )
            self._send(200, entries)
        else:
            self.server.log.add({"get": self.path})
            self._send(404, NOT_FOUND)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = urlsplit(self.path).path
        if path == "/v1/messages":
            try:
                self._answer(json.loads(body), len(body))
            except CLIENT_LEFT:
                self.close_connection = True
                self.server.log.add({"client_left": True})
        elif path == "/v1/messages/count_tokens":
            self._send(200, {"input_tokens": max(1, len(body) // 4)})
        elif path.startswith("/_stub/"):
            self._control(path, body)
        else:
            self.server.log.add({"post": self.path, "bytes": len(body)})
            self._send(404, NOT_FOUND)

    def _control(self, path: str, body: bytes) -> None:
        if path == "/_stub/plan":
            try:
                push = json.loads(body)
                self.server.plans.push(push.get("session", "*"), steps_from_json(push["steps"]))
            except (ValueError, KeyError, TypeError) as error:
                self._send(400, failure.error_body("invalid_request_error", f"bad plan: {error}"))
                return
        elif path == "/_stub/usage":
            self.server.usage.vary(json.loads(body).get("seed"))
        elif path == "/_stub/reset":
            self.server.plans.reset()
            self.server.log.clear()
            self.server.usage.vary(None)
        else:
            self._send(404, NOT_FOUND)
            return
        self._send(200, {"ok": True})

    def _answer(self, request: JsonObject, size: int) -> None:
        session = _session_of(self.headers, request)
        fault = fault_of(request)
        if fault:
            self._refuse(fault, _entry(self.headers, request, session, size))
            return
        step = self.server.plans.choose(request, session)
        entry = self.server.log.add(_entry(self.headers, request, session, size))
        time.sleep(step.before)
        told = {"request-id": failure.new_request_id()}
        told |= {name: str(value) for name, value in step.headers.items()}
        if step.limits:
            told |= failure.plan_headers(step.limits, now=time.time())
        if step.hang:
            self._wait_for_client_to_leave()
            return
        if step.status:
            self._send(step.status, failure.refusal(step, told["request-id"]), told)
            return
        message = answer.message(step, request.get("model"), self.server.usage.next())
        if request.get("stream"):
            self._stream(step, message, told, entry)
        else:
            entry["billed"] = message["usage"]
            self._send(200, message, told)

    def _refuse(self, fault: str, entry: JsonObject) -> None:
        self.server.log.add({**entry, "refused": fault})
        self._send(400, failure.error_body("invalid_request_error", fault))

    def _stream(
        self, step: Step, message: Mapping[str, Any], told: Mapping[str, str], entry: dict[str, Any]
    ) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        for name, value in told.items():
            self.send_header(name, value)
        self.end_headers()
        time.sleep(step.first)
        deltas = 0
        for event in answer.events(message, by_word=step.gap > 0):
            with billed(entry, event):
                self._chunk(event.encoded())
            deltas += event.is_delta
            if not event.is_delta:
                continue
            if deltas < step.after:
                time.sleep(step.gap)
                continue
            if step.stall:
                self._wait_for_client_to_leave()
                return
            if step.cut:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            if step.sse_error:
                kind = step.sse_error if isinstance(step.sse_error, str) else "overloaded_error"
                self._chunk(answer.Event("error", failure.error_body(kind, "stub stream error")).encoded())
                break
            time.sleep(step.gap)
        self.wfile.write(b"0\r\n\r\n")

    def _send(self, status: int, content: object, headers: JsonObject | None = None) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _wait_for_client_to_leave(self) -> None:
        self.close_connection = True
        while self.connection.recv(4096):
            pass


def _session_of(headers: Message, request: JsonObject) -> str:
    """Return the CLI's session id: newer ones send it as a header, all of them inside `metadata.user_id`."""
    user_id = str((request.get("metadata") or {}).get("user_id"))
    found = re.search(r'session(?:_id)?["_: ]+([0-9a-f-]{36})', user_id)
    return headers.get("x-claude-code-session-id") or (found[1] if found else "?")


def _entry(headers: Message, request: JsonObject, session: str, size: int) -> JsonObject:
    """Return what a test may want to know of a request, without its bulk."""
    messages = request.get("messages") or [{}]
    system = request.get("system") or ""
    if not isinstance(system, str):
        system = " ".join(block.get("text", "") for block in system)
    credentials = {name: headers.get(name, "")[:AUTH_SHOWN] for name in ("authorization", "x-api-key")}
    return {
        "session": session,
        "model": request.get("model"),
        "billed": None,
        "stream": bool(request.get("stream")),
        "bytes": size,
        "messages": len(messages),
        "last": json.dumps(messages[-1])[-300:],
        "kinds": [kind for message in messages for kind in _kinds(message)],
        "said": [text[:TEXT_SHOWN] for message in messages for text in texts(message)],
        "ends": [text[-TEXT_SHOWN:] for message in messages for text in texts(message)],
        "tools": [tool.get("name") for tool in request.get("tools") or []],
        "temperature": request.get("temperature"),
        "thinking": request.get("thinking"),
        "max_tokens": request.get("max_tokens"),
        "effort": (request.get("output_config") or {}).get("effort"),
        "system_bytes": len(system),
        "system_tail": system[-200:],
        "system_head": system[:SYSTEM_SHOWN],
        "retry": headers.get("x-stainless-retry-count"),
        "auth": {name: shown for name, shown in credentials.items() if shown},
        "headers": sorted(name.lower() for name in headers),
        "user_agent": headers.get("user-agent"),
    }


def _kinds(message: JsonObject) -> Sequence[str]:
    """Return the types of a message's blocks."""
    content = message.get("content") or []
    return ["text"] if isinstance(content, str) else [block.get("type", "") for block in content]
