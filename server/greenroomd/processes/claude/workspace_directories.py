"""Where the CLI keeps its files for a workspace and for each conversation in it. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from greenroomd.domain.config import HomeScope

CONVERSATION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LONGEST_FILE_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The CLI's directories for one workspace; workspaces never share them."""

    root: Path

    @property
    def config_dir(self) -> Path:
        """The folder that all sessions share: `projects`, with conversations and the memory of directories."""
        return self.root / "claude"

    def config_of(self, conversation: str) -> Path:
        """Return the CLAUDE_CONFIG_DIR of a process by its conversation: plans, tasks, histories, names of sessions.

        The id comes from the CLI and becomes part of a path.
        """
        known = CONVERSATION_ID.fullmatch(conversation)
        return self.root / "configs" / conversation if known else self.config_dir

    @property
    def home(self) -> Path:
        """HOME of the sessions that share one, and where a process waits that has no working directory yet."""
        return self.root / "home"

    def home_of(self, conversation: str, scope: HomeScope) -> Path:
        """Return the HOME of a process by its conversation, whose id comes from the CLI and becomes part of a path."""
        own = scope is HomeScope.SESSION and CONVERSATION_ID.fullmatch(conversation)
        return self.root / "homes" / conversation if own else self.home

    @classmethod
    def within(cls, state_dir: Path, workspace_id: str) -> Workspace:
        """Return the directories of a workspace; different ids have different ones."""
        name = quote(workspace_id, safe="").replace(".", "%2E")
        if len(name) > _LONGEST_FILE_NAME:
            name = "%" + hashlib.sha256(workspace_id.encode()).hexdigest()
        return cls(root=state_dir / "workspaces" / (name or "%"))
