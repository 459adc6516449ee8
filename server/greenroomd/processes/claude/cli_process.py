"""One `claude` process: what can be said to it, in its control protocol, and how it is ended.

This file, `launch_command.py` and `late_binding.py` know the CLI's requests; as observed with the CLI 2.1.330.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from greenroomd.app.ports.processes import (
    Handshake,
    Launch,
    ProcessExit,
    ProcessFailed,
    ProcessIdentity,
    ShutdownTimeouts,
)
from greenroomd.domain.config import Effort, JsonObject, Limits, PermissionMode
from greenroomd.domain.frames.frame import Frame
from greenroomd.domain.mcp import McpServer
from greenroomd.processes.claude.command_output import CommandOutput
from greenroomd.processes.claude.late_binding import Binding, Request, refusal_in
from greenroomd.processes.claude.launch_command import initialization
from greenroomd.processes.claude.parsing.stream_json import encode
from greenroomd.processes.claude.project_context import ProjectFiles
from greenroomd.processes.claude.protocol.control_channel import ControlChannel
from greenroomd.processes.claude.protocol.handshake import handshake_of
from greenroomd.processes.claude.protocol.mcp_status import mcp_servers_of, secrets_of_servers
from greenroomd.processes.claude.protocol.output_reader import OutputReader
from greenroomd.processes.claude.protocol.permission_ids import PermissionIds
from greenroomd.processes.filesystem.directory import Directory, WorkingDirectories
from greenroomd.processes.filesystem.filesystem_pool import FilesystemHangs, FilesystemPool
from greenroomd.processes.filesystem.mount_table import mount_table
from greenroomd.processes.host.child import Child
from greenroomd.processes.host.redaction import Redactor
from greenroomd.processes.host.resource_limits import ResourceLimits

INPUT_TIMEOUT = timedelta(seconds=30)
CONTROL_TIMEOUT = timedelta(seconds=10)  # answers took 5 ms; set_model may first ask the API
_NOTHING_TO_RESUME = "No conversation found"  # on stderr, before it exits with 1
_AFTER_FAILED_HANDSHAKE = ShutdownTimeouts(
    after_eof=timedelta(milliseconds=500), after_term=timedelta(seconds=1)
)


class ClaudeProcess:
    """The AgentProcess that `ClaudeCli.running` yields, and the OutputListener of its child.

    `model` is the one that `launch` starts with, `tmp` the CLI's TMPDIR.
    """

    def __init__(
        self,
        launch: Launch,
        model: str,
        redactor: Redactor,
        confinement: ResourceLimits,
        directories: WorkingDirectories,
        filesystem: FilesystemPool,
        tmp: Path,
    ) -> None:
        self._launch = launch
        self._model = model
        self.project = ProjectFiles()
        """What the process is told of its project."""
        self._handshake: Handshake | None = None
        self._bound = False
        self._redactor = redactor
        self._secrets_of_servers = secrets_of_servers(launch.config)
        self._permission_ids = PermissionIds()
        self._control = ControlChannel(self._write, redactor)
        self._commands = CommandOutput(tmp, filesystem, redactor, self._show)
        self._output = OutputReader(
            self._control, self._permission_ids, redactor, self._post, self._commands.heard
        )
        self._child: Child | None = None
        self._confinement = confinement
        self._directories = directories
        self._filesystem = filesystem

    async def bind(self, binding: Binding, timeout: timedelta) -> None:
        """Serve a session that came after the start: shake hands, and tell the CLI how the session's config differs.

        Call it once, before anything is said. Raises ProcessFailed, and ends the process, if the CLI does not accept
        all of it.
        """
        self._redactor.learn(binding.redactor)
        self._model, self._bound = binding.model, True
        await self.hold_to(binding.launch.config.limits)
        with await self._directories.open(binding.launch.config.working_dir) as directory:
            # A process that was started for this path may wait where the path led then.
            there = await self._works_in(directory)
            self._handshake = await self._shake_hands(
                binding.requests(None if there else directory.path), timeout
            )
            if not there and not await self._works_in(directory):
                ended = await self.end(_AFTER_FAILED_HANDSHAKE)
                working_dir = binding.launch.config.working_dir
                text = f"{working_dir} led elsewhere when the process went there"
                facts = {"working_dir": working_dir}
                raise ProcessFailed("WORKING_DIR_GONE", text, exit=ended, facts=facts)
        self._secrets_of_servers = secrets_of_servers(binding.launch.config)
        if binding.servers:  # answered when all have connected or failed, which a session does not wait for
            await self._control.tell("mcp_set_servers", servers=binding.servers)

    async def _works_in(self, directory: Directory) -> bool:
        try:
            there = mount_table().filesystem(directory.path)
            return await self._filesystem.run(there, partial(directory.is_cwd_of, self.identity.pid))
        except (FilesystemHangs, OSError) as error:
            raise ProcessFailed("SPAWN_FAILED", f"{directory.path} cannot be looked at: {error}") from None

    def following_commands(self) -> AbstractAsyncContextManager[None]:
        """Show what its commands write, until the block ends."""
        return self._commands.following()

    async def exited(self) -> None:
        """Wait until the process has ended, by itself or not."""
        await self._started.exited.wait()

    # AgentProcess

    @property
    def conversation(self) -> str:
        """The id under which the CLI was started."""
        return self._launch.cli_session_id

    @property
    def warm(self) -> bool:
        """Return whether it was bound to a session that came later."""
        return self._bound

    @property
    def identity(self) -> ProcessIdentity:
        """Pid, start time and boot id."""
        identity = self._started.identity
        assert identity is not None
        return identity

    async def handshake(self, timeout: timedelta) -> Handshake:
        """Send the initialize request and wait for its answer, if that was not done; one that fails here is ended."""
        if self._handshake is None:
            initialize = ("initialize", initialization(self._launch.config, self.project))
            self._handshake = await self._shake_hands([initialize], timeout)
        return self._handshake

    async def _shake_hands(self, asked: Sequence[Request], timeout: timedelta) -> Handshake:
        try:
            answered = await self._control.requests(asked, timeout)
            answers = dict(zip((subtype for subtype, _ in asked), answered, strict=True))
            for subtype, answer in answers.items():
                if why := refusal_in(subtype, answer):
                    raise ProcessFailed("CONTROL_REFUSED", self._redactor.text(f"{subtype}: {why}"))
        except ProcessFailed as failure:
            reason = "HANDSHAKE_TIMEOUT" if failure.reason == "CONTROL_TIMEOUT" else "HANDSHAKE_FAILED"
            ended = await self.end(_AFTER_FAILED_HANDSHAKE)
            facts = {}
            if _NOTHING_TO_RESUME in ended.stderr_tail:
                reason, facts = "CONVERSATION_LOST", {"cli_session_id": self._launch.cli_session_id}
            said = f"{failure}; it said: {ended.stderr_tail}" if ended.stderr_tail else str(failure)
            raise ProcessFailed(reason, said, exit=ended, facts=facts) from None
        return handshake_of(answers["initialize"], self._model)

    async def frames(self) -> AsyncIterator[Sequence[Frame]]:
        """Yield all that is there at once, in order; ends when the process closed its output."""
        while batch := await self._output.frames.take():
            self._started.resume()
            yield batch

    async def say(self, message_uuid: str, prompt: str, content: Sequence[JsonObject]) -> None:
        """Send one user message under our uuid."""
        message: dict[str, Any] = {
            "type": "user",
            "uuid": message_uuid,
            "message": {"role": "user", "content": list(content) or prompt},
            "parent_tool_use_id": None,
            "session_id": "default",  # ignored by the CLI, but wanted
            "client_composed": True,  # text that begins with a slash is text
        }
        await self._write(encode(message))

    async def interrupt(self) -> None:
        """Stop the running turn."""
        await self._ask("interrupt")

    async def stop_task(self, task_id: str) -> None:
        """Stop a background task."""
        await self._ask("stop_task", task_id=task_id)

    async def allow(self, request_id: str, tool_input: JsonObject) -> None:
        """Answer a permission question with yes."""
        await self._decide(request_id, {"behavior": "allow", "updatedInput": tool_input})

    async def deny(self, request_id: str, message: str) -> None:
        """Answer a permission question with no."""
        await self._decide(request_id, {"behavior": "deny", "message": message})

    async def set_model(self, model: str | None) -> str:
        """Use another model from the next request on; return its full name, "" if the CLI does not say."""
        return str((await self._ask("set_model", model=model)).get("model") or "")

    async def set_permission_mode(self, mode: PermissionMode) -> str:
        """Use another permission mode from now on; return the mode in force."""
        return str((await self._ask("set_permission_mode", mode=mode.value)).get("mode") or mode.value)

    async def mcp_servers(self, within: timedelta) -> Sequence[McpServer]:
        """Ask for the MCP servers."""
        self._started.resume()
        return mcp_servers_of(await self._control.request("mcp_status", within), self._hide)

    async def reconnect_mcp(self, name: str, within: timedelta) -> None:
        """Connect to an MCP server anew."""
        self._started.resume()
        await self._control.request("mcp_reconnect", within, serverName=name)

    def _hide(self, text: str) -> str:
        return self._secrets_of_servers.text(self._redactor.text(text))

    async def set_effort(self, effort: Effort | None) -> None:
        """Use another effort from the next request on."""
        settings = {"effortLevel": None if effort is None else effort.value}
        await self._ask("apply_flag_settings", settings=settings)

    async def set_max_thinking_tokens(self, tokens: int | None) -> None:
        """Use another budget for thinking from the next request on."""
        await self._ask("set_max_thinking_tokens", max_thinking_tokens=tokens)

    async def end(self, timeouts: ShutdownTimeouts) -> ProcessExit:
        """Walk the end ladder."""
        ended = await self._started.end(timeouts)
        return replace(ended, memory_limit_hit=self._confinement.memory_limit_hit())

    async def hold_to(self, limits: Limits) -> None:
        """Apply limits of memory and processors."""
        await self._confinement.hold_to(limits)

    # OutputListener

    def started(self, running: Child) -> None:
        """Receive the child; called first."""
        self._child = running

    def received(self, data: bytes) -> bool:
        """Parse output; False asks to stop reading until `frames` is read."""
        return self._output.received(data)

    def closed(self) -> None:
        """End `frames` after what is left of a last line."""
        self._output.closed()

    def complained(self, data: bytes) -> None:
        """Show error output."""
        self._output.complained(data)

    def _show(self, frame: Frame) -> None:
        self._output.show(frame)

    async def _ask(self, subtype: str, **fields: Any) -> JsonObject:
        self._started.resume()
        return await self._control.request(subtype, CONTROL_TIMEOUT, **fields)

    async def _decide(self, request_id: str, decision: JsonObject) -> None:
        asked_as = self._permission_ids.close(request_id)
        if asked_as is None:
            return  # withdrawn: the frame that says so waits to be read
        response = {"subtype": "success", "request_id": asked_as, "response": decision}
        await self._write(encode({"type": "control_response", "response": response}))

    async def _write(self, line: bytes) -> None:
        await self._started.input.write(line, INPUT_TIMEOUT)

    def _post(self, line: bytes) -> None:
        self._started.input.post(line)

    @property
    def _started(self) -> Child:
        assert self._child is not None
        return self._child
