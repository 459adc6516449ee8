"""The fake itself: the stream-json protocol of `claude --print`, with no model behind it. Standard library only.

A turn plays the script in its prompt, `[[fake {...}]]`; the environment's FAKE_CLI is played before the handshake.
Keys, in the order in which they act; all are optional and combine:

    ignore_term: true       SIGTERM has no effect from now on
    refuse: [SUBTYPE, …]    answer these control requests with an error from now on
    ignore: [SUBTYPE, …]    never answer these
    die_of: SUBTYPE         exit when this one comes
    astray: PATH            go there instead when sent to a directory, as if that one had been swapped meanwhile
    fork: "marked" | "clean" | "escaped"  start a child in a session of its own that holds stdout and lives on; "clean"
                            has no environment but stays in our session, "escaped" has neither
    stderr: N               write N bytes to stderr
    background: {lasts: SECONDS, then: SCRIPT}  start a task that works on for so long; if its end finds us idle, we
                            begin to work by ourselves, and play SCRIPT
    mcp: {NAME: STATUS or [STATUS, ERROR]}  say so of these MCP servers from now on; else they are connected
    session: ID             say that every frame from now on belongs to this session
    garbage: TEXT           print TEXT as a line of its own
    memory: N               hold N bytes of memory from now on
    burn: SECONDS           use that much time of a processor
    bytes: N                print one assistant frame with N bytes of text
    pieces: N               stream N pieces of a message before the message itself
    events: N               print N assistant frames, as fast as they are read
    ask: {name, input}      ask for permission to use a tool, and echo the decision in an assistant frame
    request: SUBTYPE        send a control request, and echo the answer in an assistant frame
    until: FILE             say nothing before this file is there
    wait: SECONDS           take that long; an interrupt ends it
    half_line: true         print half a frame and exit
    close_stdout: true      close stdout and live on, deaf
    hang: true              never go on; not even an interrupt helps
    exit: CODE              exit at once
    kill: NUMBER            send that signal to ourselves
    digest: NAME            answer with the SHA-256 of that environment variable, in hexadecimal
    text: TEXT              the answer; else it repeats how many prompts this conversation had
"""

import hashlib
import json
import os
import re
import select
import signal
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

STDIN = 0
STDOUT = 1
FOREVER = 3600.0

Message = dict[str, Any]


class Fake:
    """One process, one conversation."""

    def __init__(self, arguments: list[str]) -> None:
        flags = dict(argument.removeprefix("--").partition("=")[::2] for argument in arguments)
        self.resumed = flags.get("resume", "")
        self.session = self.resumed or flags.get("session-id") or str(uuid.uuid4())
        self.model = flags.get("model", "default")
        self.mode = flags.get("permission-mode") or "default"
        self.history = Path(os.environ["CLAUDE_CONFIG_DIR"], "fake", self.session)
        self.prompts = 0
        self.held = b""
        self.refused: list[str] = []
        self.ignored: list[str] = []
        self.deadly = ""
        config = Path(flags["mcp-config"]).read_text(encoding="utf-8") if "mcp-config" in flags else "{}"
        self.servers: list[str] = list(json.loads(config).get("mcpServers", {}))
        self.scripted: dict[str, Any] = {}
        self.astray = ""
        self.input = b""
        self.input_open = True
        self.busy = False
        self.interrupted = False
        self.waiting: list[Message] = []
        self.answers: dict[str, Message] = {}
        self.tasks: dict[str, tuple[float, Message]] = {}
        self.wakes: list[Message] = []
        self.results = 0

    def run(self) -> int:
        """Serve until the input ends."""
        if self.resumed:
            try:
                self.prompts = int(self.history.read_text(encoding="utf-8"))
            except FileNotFoundError:
                print(f"No conversation found with session ID: {self.resumed}", file=sys.stderr)
                return 1
        self.play(json.loads(os.environ.get("FAKE_CLI", "{}")))
        while self.input_open or self.waiting:
            while self.wakes or self.waiting:
                if self.wakes:
                    self.wake(self.wakes.pop(0))
                else:
                    self.turn(self.waiting.pop(0))
            self.listen(FOREVER)
        return 0

    def turn(self, message: Message) -> None:
        """Answer one user message."""
        self.begin()
        lifecycle = {"type": "command_lifecycle", "command_uuid": message.get("uuid")}
        self.say({**lifecycle, "state": "queued"}, {**lifecycle, "state": "started"})
        self.init()
        self.prompts += 1
        self.history.parent.mkdir(parents=True, exist_ok=True)
        self.history.write_text(str(self.prompts), encoding="utf-8")
        prompt = message["message"]["content"]
        if not isinstance(prompt, str):
            prompt = " ".join(block.get("text", "") for block in prompt)
        found = re.search(r"\[\[fake (\{.*\})\]\]", prompt, re.DOTALL)
        script = json.loads(found[1]) if found else {}
        self.play(script)
        text = script.get("text", f"prompt {self.prompts}")
        if name := script.get("digest"):
            text = hashlib.sha256(os.environ.get(name, "").encode()).hexdigest()
        if not self.interrupted:
            self.speak(text)
        self.result(message.get("uuid"), text)
        self.say({**lifecycle, "state": "completed"})
        self.rest()

    def wake(self, script: Message) -> None:
        """Work by ourselves, since a task has ended."""
        self.begin()
        self.init()
        self.play(script)
        if not self.interrupted:
            self.speak("woken")
        self.result(None, "woken")
        self.rest()

    def begin(self) -> None:
        """Say that we work."""
        self.busy = True
        self.activity("running")

    def rest(self) -> None:
        """Say that we are free again."""
        self.busy = self.interrupted = False
        self.activity("idle")

    def init(self) -> None:
        """Say what is in force."""
        version = os.environ["FAKE_CLI_VERSION"]
        init = {"model": self.model, "permissionMode": self.mode, "claude_code_version": version}
        self.say(
            {"type": "system", "subtype": "init", "cwd": str(Path.cwd()), "tools": ["Bash", "Read"], **init}
        )

    def result(self, message_uuid: str | None, text: str) -> None:
        """Say how the turn ended."""
        ended = (
            {
                "subtype": "error_during_execution",
                "terminal_reason": "aborted_streaming",
                "errors": ["aborted"],
            }
            if self.interrupted
            else {
                "subtype": "success",
                "terminal_reason": "completed",
                "result": text,
                "stop_reason": "end_turn",
            }
        )
        usage = {"input_tokens": 10, "output_tokens": 5}
        self.results += 1
        cost: Message = {"total_cost_usd": 0.001 * self.results}
        cost["model_usage_since_last_result"] = {
            self.model: {"costUSD": 0.001, "inputTokens": 10, "outputTokens": 5}
        }
        self.say(
            {"type": "result", "is_error": self.interrupted, "num_turns": 1, "usage": usage, **ended, **cost}
            | {"user_message_uuids": [message_uuid] if message_uuid else []}
        )

    def play(self, script: Message) -> None:
        """Do what the script says."""
        if script.get("ignore_term"):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.refused = script.get("refuse", self.refused)
        self.ignored = script.get("ignore", self.ignored)
        self.deadly = script.get("die_of", self.deadly)
        self.scripted |= script.get("mcp", {})
        self.astray = script.get("astray", self.astray)
        if kind := script.get("fork"):
            import subprocess  # half of all that the start would take

            outlive = [sys.executable, "-IS", "-c", f"import time; time.sleep({FOREVER})"]
            environment = dict(os.environ) if kind == "marked" else {}
            subprocess.Popen(outlive, start_new_session=kind != "clean", env=environment)
        if size := script.get("stderr"):
            os.write(2, b"noise " * (size // 6) + b"\n")
        self.session = script.get("session", self.session)
        if "garbage" in script:
            self.write(script["garbage"].encode() + b"\n")
        self.take(script)
        if task := script.get("background"):
            self.start_task(task)
        self.talk(script)
        if tool := script.get("ask"):
            self.ask({"subtype": "can_use_tool", "tool_name": tool["name"], "input": tool["input"]})
        if subtype := script.get("request"):
            self.ask({"subtype": subtype})
        while (file := script.get("until")) and not Path(file).exists():
            time.sleep(0.01)
        if seconds := script.get("wait"):
            self.until(time.monotonic() + seconds, lambda: self.interrupted)
        self.die(script)

    def talk(self, script: Message) -> None:
        """Say what the script has us say before the answer."""
        if size := script.get("bytes"):
            self.speak("x" * size)
        if pieces := script.get("pieces"):
            self.stream([f"piece {number} " for number in range(pieces)])
        for number in range(script.get("events", 0)):
            self.speak(f"event {number}")

    def start_task(self, task: Message) -> None:
        """Start a task in the background."""
        task_id = uuid.uuid4().hex[:9]
        self.tasks[task_id] = (time.monotonic() + task["lasts"], task.get("then", {}))
        named = {"task_id": task_id, "task_type": "local_bash", "description": "works"}
        self.say({"type": "system", "subtype": "task_started", "is_backgrounded": True, **named})
        self.list_tasks()

    def end_task(self, task_id: str, *, stopped: bool = False) -> None:
        """Report the end of a task."""
        _, then = self.tasks.pop(task_id)
        status, patch = ("stopped", "killed") if stopped else ("completed", "completed")
        about = {"type": "system", "task_id": task_id}
        self.say({**about, "subtype": "task_updated", "patch": {"status": patch}})
        self.say({**about, "subtype": "task_notification", "status": status, "summary": f"it is {status}"})
        self.list_tasks()
        if not self.busy and not stopped:
            self.wakes.append(then)

    def list_tasks(self) -> None:
        """Say what works in the background."""
        tasks = [
            {"task_id": task_id, "task_type": "local_bash", "description": "works"} for task_id in self.tasks
        ]
        self.say({"type": "system", "subtype": "background_tasks_changed", "tasks": tasks})

    def take(self, script: Message) -> None:
        """Use what the script says of the machine."""
        self.held += b"x" * script.get("memory", 0)
        enough = time.process_time() + script.get("burn", 0)
        while time.process_time() < enough:
            pass

    def die(self, script: Message) -> None:
        """Do the part of the script after which there is nothing more."""
        if script.get("half_line"):
            self.write(
                f'{{"type":"assistant","message":{{"model":{json.dumps(self.model)},"id":"half'.encode()
            )
            os._exit(0)
        if script.get("close_stdout"):
            os.close(STDOUT)
            time.sleep(FOREVER)
        if script.get("hang"):
            time.sleep(FOREVER)
        if "exit" in script:
            os._exit(script["exit"])
        if number := script.get("kill"):
            os.kill(os.getpid(), number)

    def ask(self, request: Message) -> None:
        """Send a control request, wait for its answer, and repeat that as an assistant's text."""
        request_id = str(uuid.uuid4())
        self.say({"type": "control_request", "request_id": request_id, "request": request})
        self.activity("requires_action")
        self.until(time.monotonic() + FOREVER, lambda: self.interrupted or request_id in self.answers)
        self.activity("running")
        if request_id in self.answers:
            self.speak(json.dumps(self.answers[request_id]))
        else:
            self.say({"type": "control_cancel_request", "request_id": request_id})

    def until(self, deadline: float, done: Callable[[], bool]) -> None:
        """Listen until *done* or the deadline."""
        while not done() and self.input_open and (left := deadline - time.monotonic()) > 0:
            self.listen(left)

    def listen(self, seconds: float) -> None:
        """Take what comes in the next moments; user messages wait their turn, control requests are answered."""
        now = time.monotonic()
        ends = [due for due, _ in self.tasks.values()]
        ready = (
            self.input_open
            and select.select([STDIN], [], [], max(0, min([seconds, *[due - now for due in ends]])))[0]
        )
        for task_id in [key for key, (due, _) in self.tasks.items() if due <= time.monotonic()]:
            self.end_task(task_id)
        if not ready:
            return
        data = os.read(STDIN, 1 << 16)
        self.input_open = bool(data)
        *lines, self.input = (self.input + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if message["type"] == "user":
                self.waiting.append(message)
            elif message["type"] == "control_response":
                self.answers[message["response"]["request_id"]] = message["response"]
            elif message["type"] == "control_request":
                self.obey(message["request_id"], message["request"])

    def obey(self, request_id: str, request: Message) -> None:
        """Answer a control request."""
        subtype = request["subtype"]
        if subtype == self.deadly:
            os._exit(1)
        if subtype in self.ignored:
            return
        answer: Message = {"subtype": "success", "request_id": request_id}
        response = None if subtype in self.refused else self.comply(subtype, request)
        if response is None:
            answer |= {"subtype": "error", "error": f"Unsupported control request subtype: {subtype}"}
        else:
            answer["response"] = response
        self.write(json.dumps({"type": "control_response", "response": answer}).encode() + b"\n")

    def comply(self, subtype: str, request: Message) -> Message | None:
        """Do what a control request wants, and return what to answer; None if we do not know how."""
        response: Message = {}
        if subtype == "initialize":
            version = {"claude_code_version": os.environ["FAKE_CLI_VERSION"], "models": []}
            response = {"pid": os.getpid(), "current_permission_mode": self.mode, **version}
        elif subtype == "interrupt":
            self.interrupted = self.busy or bool(self.waiting)  # also what came just before it
        elif subtype == "set_model":
            self.model = request["model"] or "default"
        elif subtype == "set_permission_mode":
            self.mode = request["mode"]
        elif subtype == "set_cwd":
            if trusted := request.get("trusted_directory") == request["path"]:
                os.chdir(self.astray or request["path"])
            response = {"status": "ok" if trusted else "needs_trust", "cwd": str(Path.cwd())}
        elif subtype == "stop_task":
            if request["task_id"] in self.tasks:
                self.end_task(request["task_id"], stopped=True)
        elif subtype == "apply_flag_settings":
            os.environ.update(request["settings"].get("env", {}))
        else:
            return self.comply_about_servers(subtype, request)
        return response

    def comply_about_servers(self, subtype: str, request: Message) -> Message | None:
        """Do what a control request about MCP servers wants, like `comply`."""
        if subtype == "mcp_status":
            return {"mcpServers": [self.mcp_server(name) for name in self.servers]}
        if subtype == "mcp_reconnect":
            self.scripted.pop(request["serverName"], None)
            return {}
        if subtype == "mcp_set_servers":
            self.servers += list(request["servers"])
            return {"added": list(request["servers"]), "removed": [], "errors": {}}
        return None

    def mcp_server(self, name: str) -> Message:
        """Return what to say of an MCP server."""
        said = self.scripted.get(name, "connected")
        status, error = (said, "") if isinstance(said, str) else said
        return {"name": name, "status": status, **({"error": error} if error else {})}

    def stream(self, pieces: list[str]) -> None:
        """Say something piece by piece, and then as a whole; all of it can be read at once."""
        message_id = f"msg_{uuid.uuid4().hex}"
        for piece in pieces:
            delta = {"type": "text_delta", "text": piece}
            event = {"type": "content_block_delta", "index": 0, "delta": delta}
            self.say({"type": "stream_event", "event": event, "api_message_id": message_id})
        self.speak("".join(pieces), message_id)

    def speak(self, text: str, message_id: str = "") -> None:
        """Say something as the assistant."""
        message_id = message_id or f"msg_{uuid.uuid4().hex}"
        message = {"id": message_id, "role": "assistant", "model": self.model}
        self.say({"type": "assistant", "message": {**message, "content": [{"type": "text", "text": text}]}})

    def activity(self, state: str) -> None:
        """Say what we are doing."""
        self.say({"type": "system", "subtype": "session_state_changed", "state": state})

    def say(self, *frames: Message) -> None:
        """Print frames of our session."""
        own = {"session_id": self.session, "uuid": str(uuid.uuid4())}
        self.write(b"".join(json.dumps({**frame, **own}).encode() + b"\n" for frame in frames))

    def write(self, data: bytes) -> None:
        """Write all of it, however long the reader takes."""
        while data:
            data = data[os.write(STDOUT, data) :]


if __name__ == "__main__":
    if "--version" in sys.argv:
        print(f"{os.environ['FAKE_CLI_VERSION']} (Claude Code)")
        sys.exit(0)
    sys.exit(Fake(sys.argv[1:]).run())
