"""How many files and sockets the server may hold open at once."""

from __future__ import annotations

import resource

import structlog

log = structlog.get_logger(__name__)


def raise_descriptor_limit(needed: int) -> None:
    """Raise the soft limit of open descriptors to the hard one, and log both; warn if fewer than `needed` are allowed.

    The soft limit is usually 1,024, for programs that use `select`. A server with 10,000 watchers needs more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    log.info("descriptor_limit", was=soft, now=hard)
    if hard != resource.RLIM_INFINITY and hard < needed:
        log.warning(
            "descriptors_short",
            allowed=hard,
            needed=needed,
            advice="raise the hard limit (ulimit -Hn, LimitNOFILE=), or lower GREENROOM_MAX_PROCESSES or "
            "GREENROOM_MAX_CONNECTIONS",
        )
