"""Builds the launch of a session's process, and the facts about a started process that the row keeps."""

from __future__ import annotations

from dataclasses import replace

from greenroomd.app.ports.processes import AgentProcess, Launch
from greenroomd.app.ports.session_reader import SessionReader
from greenroomd.domain.config import PermissionMode
from greenroomd.domain.session import ProcessFacts, Session


async def launch_request(session: Session, store: SessionReader) -> Launch:
    """Return the launch of a session's process; raises StoreUnavailable."""
    token = None
    if session.config.oauth_token_set:
        token = await store.oauth_token(session.session_id)
    return Launch(
        session_id=session.session_id,
        workspace_id=session.workspace_id,
        cli_session_id=session.cli_session_id,
        resume=session.conversation,
        first=session.process.start_time is None and not session.conversation,
        config=session.effective_config,
        may_bypass=session.config.permission_mode is PermissionMode.BYPASS_PERMISSIONS,
        generation=session.config_generation,
        spent_usd=session.spent_usd,
        oauth_token=token,
    )


def process_facts(process: AgentProcess, before: ProcessFacts, node_id: str) -> ProcessFacts:
    """Return the facts of a new process on this node; counters over all processes are carried over from `before`."""
    identity = process.identity
    return replace(
        before,
        node_id=node_id,
        pid=identity.pid,
        kernel_start=identity.kernel_start,
        boot_id=identity.boot_id,
        from_warm_pool=process.warm,
        start_time=identity.start_time,
    )
