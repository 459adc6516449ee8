"""A stand-in for the model's HTTP API and a driver for the `claude` CLI, for the scripts in this folder.

`Api(answer)` calls `answer(request, n)` for the n-th model request that offers tools. The result is a text, or a
dictionary: `text`, `tool` with `input`, `usage`, `gap` (seconds between words), `cut` (drop the connection after
the first words), `cut_at_end` (drop it one second
after the last block), or `status` with `headers` and `message`. Requests without tools get the text "aux".
"""

import atexit
import contextlib
import importlib.util
import json
import os
import queue
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Api(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.requests, self.headers = answer, [], []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def plain(self, status, body, headers=()):
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {
            "content-type": "application/json",
            "content-length": len(data),
            **dict(headers),
        }.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(data)

    def event(self, kind, **fields):
        data = f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        if not self.path.split("?")[0].endswith("/v1/messages"):
            return self.plain(
                404, {"type": "error", "error": {"type": "not_found_error", "message": "no such path"}}
            )
        step = "aux"
        if request.get("tools"):
            self.server.requests.append(request)
            self.server.headers.append(dict(self.headers))
            step = self.server.answer(request, len(self.server.requests))
        step = {"text": step} if isinstance(step, str) else step
        if "status" in step:
            error = {
                "type": step.get("type", "api_error"),
                "message": step.get("message", "told by the stand-in"),
            }
            return self.plain(step["status"], {"type": "error", "error": error}, step.get("headers", {}))
        try:
            return self.message(request, step)
        except OSError:
            self.close_connection = True
            return None

    def message(self, request, step):
        usage = {"input_tokens": 100, "output_tokens": 20, **step.get("usage", {})}
        blocks = [{"type": "text", "text": step["text"]}] if step.get("text") else []
        if "tool" in step:
            blocks.append(
                {
                    "type": "tool_use",
                    "id": f"toolu_{time.time_ns()}",
                    "name": step["tool"],
                    "input": step["input"],
                }
            )
        stop = "tool_use" if "tool" in step else "end_turn"
        message = {
            "id": f"msg_{time.time_ns()}",
            "type": "message",
            "role": "assistant",
            "stop_sequence": None,
            "model": step.get("model", request["model"]),
        }
        if not request.get("stream"):
            return self.plain(200, {**message, "content": blocks, "stop_reason": stop, "usage": usage})
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        start = {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
        self.event("message_start", message=start)
        for index, block in enumerate(blocks):
            empty = {"text": ""} if block["type"] == "text" else {"input": {}}
            self.event("content_block_start", index=index, content_block={**block, **empty})
            for delta in deltas(block):
                self.event("content_block_delta", index=index, delta=delta)
                if step.get("cut"):
                    self.close_connection = True
                    return self.connection.shutdown(2)
                time.sleep(step.get("gap", 0))
            self.event("content_block_stop", index=index)
        if step.get("cut_at_end"):
            time.sleep(1)
            self.close_connection = True
            return self.connection.shutdown(2)
        self.event("message_delta", delta={"stop_reason": stop, "stop_sequence": None}, usage=usage)
        self.event("message_stop")
        return self.wfile.write(b"0\r\n\r\n")


def deltas(block):
    if block["type"] == "tool_use":
        return [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
    return [{"type": "text_delta", "text": word + " "} for word in block["text"].split()]


class Session:
    """One `claude` process in stream-json mode; `work` holds its home, its config folder and its working directory."""

    def __init__(self, api, work, *flags, env=(), cwd="project"):
        package = importlib.util.find_spec("claude_agent_sdk").submodule_search_locations[0]
        binary = f"{package}/_bundled/claude"
        os.makedirs(f"{work}/{cwd}", exist_ok=True)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": f"{work}/home",
            "CLAUDE_CONFIG_DIR": f"{work}/config",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "ANTHROPIC_BASE_URL": api.url if api else "",
            "ANTHROPIC_API_KEY": "dummy-key",
            **dict(env),
        }
        command = [
            binary,
            "--print",
            "--verbose",
            "--output-format=stream-json",
            "--input-format=stream-json",
            *flags,
        ]
        self.frames, self.inbox = [], queue.Queue()
        self.process = subprocess.Popen(
            command,
            stdin=-1,
            stdout=-1,
            stderr=-1,
            env={k: v for k, v in environment.items() if v},
            cwd=f"{work}/{cwd}",
            text=True,
        )
        atexit.register(self.kill)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.inbox.put(json.loads(line))
        self.inbox.put(None)

    def send(self, *frames):
        self.process.stdin.write("".join(json.dumps(frame) + "\n" for frame in frames))
        self.process.stdin.flush()

    def wait(self, wanted, seconds=60):
        """Return the next frame for which `wanted(frame)` is true."""
        end = time.monotonic() + seconds
        while True:
            frame = self.inbox.get(timeout=max(0.01, end - time.monotonic()))
            if frame is None:
                raise EOFError(self.process.stderr.read())
            self.frames.append(frame)
            if os.environ.get("SHOW"):
                print(json.dumps(frame)[:400], file=sys.stderr)
            if wanted(frame):
                return frame

    def turn(self, content, seconds=60, **fields):
        self.send(user(content, **fields))
        return self.wait(lambda frame: frame["type"] == "result", seconds)

    def control(self, subtype, **fields):
        self.send(control(subtype, **fields))
        return self.wait(
            lambda f: f["type"] == "control_response" and f["response"]["request_id"] == subtype
        )["response"]

    def read_for(self, seconds):
        """Return all frames that arrive within `seconds`."""
        first = len(self.frames)
        with contextlib.suppress(queue.Empty, EOFError):
            self.wait(lambda frame: False, seconds)
        return self.frames[first:]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        self.process.stdin.close()
        return self.process.wait(30)


def user(content, **fields):
    return {"type": "user", "message": {"role": "user", "content": content}, **fields}


def control(subtype, **fields):
    return {"type": "control_request", "request_id": subtype, "request": {"subtype": subtype, **fields}}
