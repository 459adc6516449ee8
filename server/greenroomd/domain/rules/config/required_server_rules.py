"""Rules of `required_mcp_servers`: each is a server of the session's `mcp_config`, named once."""

from __future__ import annotations

from collections.abc import Iterator

from greenroomd.domain.config import SessionConfig
from greenroomd.domain.errors import Violation
from greenroomd.domain.rules.checks import shown
from greenroomd.domain.rules.json_rules import MAX_SERVERS


def required_server_violations(config: SessionConfig, *, path: str) -> Iterator[Violation]:
    """Yield every broken rule of the list of required MCP servers."""
    names = config.required_mcp_servers
    if len(names) > MAX_SERVERS:
        yield Violation(path, f"must have at most {MAX_SERVERS} entries, has {len(names)}")
        return
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Violation(f"{path}[{index}]", f"repeats {shown(name)}")
        elif name not in config.mcp_servers:
            yield Violation(f"{path}[{index}]", f"must name a server of mcp_config, is {shown(name)}")
