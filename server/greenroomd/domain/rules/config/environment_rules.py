"""The environment variables that a session may set, and the reserved names with the reason for each.

A caller that can create a session can have its tools run commands, so these rules do not protect the host. They protect
the trust in the CLI itself: its frames, its session id and its permission requests can be believed only if nobody loads
code into it, and its credentials must only go where the operator sends them. Variables that only affect tools
(PYTHONPATH, GIT_SSH_COMMAND, JAVA_TOOL_OPTIONS, AWS_PROFILE, NODE_ENV, LANG, TZ …) are therefore free.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from greenroomd.domain.errors import Violation
from greenroomd.domain.rules.checks import KIB, key, shown, size_of

MAX_ENTRIES = 128
MAX_NAME_LENGTH = 128
MAX_VALUE_BYTES = 32 * KIB
MAX_TOTAL_BYTES = 1024 * KIB  # Linux allows 2 MiB for arguments and environment together by default

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_LOADER = "the dynamic loader would load code into the CLI"
_RUNTIME = "the CLI's JavaScript runtime would load code or change its behaviour"
_SHELL = "it would run in or as the shell of the Bash tool, unseen by tool rules"
_REACH = "where and how the CLI reaches its API is the operator's choice (GREENROOM_CLI_ENVIRONMENT)"
_CLI = "it steers the CLI itself; what sessions may choose has an option of its own"
_SERVICE = "the service sets it"
_PLACE = "the service sets it, so that a process finds its own files and programs"
_TIMEOUT = "the service sets it from tool_timeout"
_MCP_TIMEOUT = "the service sets it from mcp_connect_timeout"

# A name that ends in * stands for all names with this prefix.
RESERVED: Mapping[str, str] = {
    "LD_*": _LOADER,
    "DYLD_*": _LOADER,
    "GCONV_PATH": _LOADER,
    "GLIBC_TUNABLES": _LOADER,
    "BUN_*": _RUNTIME,
    "JSC_*": _RUNTIME,
    "NODE_OPTIONS": _RUNTIME,
    "NODE_PATH": _RUNTIME,
    "NODE_COMPILE_CACHE": _RUNTIME,
    "NODE_CHANNEL_FD": _RUNTIME,
    "BASH_ENV": _SHELL,
    "ENV": _SHELL,
    "SHELL": _SHELL,
    "ANTHROPIC_*": _REACH,
    "AWS_BEARER_TOKEN_BEDROCK": _REACH,
    "AWS_ENDPOINT_URL*": _REACH,
    "CLOUD_ML_REGION": _REACH,
    "VERTEX_*": _REACH,
    "NODE_EXTRA_CA_CERTS": _REACH,
    "NODE_TLS_REJECT_UNAUTHORIZED": _REACH,
    "NODE_USE_*": _REACH,
    "SSL_CERT_FILE": _REACH,
    "SSL_CERT_DIR": _REACH,
    "HTTP_PROXY": _REACH,
    "HTTPS_PROXY": _REACH,
    "ALL_PROXY": _REACH,
    "NO_PROXY": _REACH,
    "http_proxy": _REACH,
    "https_proxy": _REACH,
    "all_proxy": _REACH,
    "no_proxy": _REACH,
    "CLAUDECODE": _CLI,
    "CLAUDE_*": _CLI,
    "FALLBACK_FOR_ALL_PRIMARY_MODELS": _CLI,
    "IS_SANDBOX": _CLI,
    "DISABLE_ERROR_REPORTING": _CLI,
    "DISABLE_TELEMETRY": _CLI,
    "API_TIMEOUT_MS": _SERVICE,
    "DISABLE_AUTOUPDATER": _SERVICE,
    "GREENROOM_*": _SERVICE,
    "HOME": _PLACE,
    "PATH": _PLACE,
    "TMPDIR": _PLACE,
    "BASH_DEFAULT_TIMEOUT_MS": _TIMEOUT,
    "BASH_MAX_TIMEOUT_MS": _TIMEOUT,
    "MCP_TOOL_TIMEOUT": _TIMEOUT,
    "MCP_TIMEOUT": _MCP_TIMEOUT,
}

_PREFIXES = tuple(name[:-1] for name in RESERVED if name.endswith("*"))


def why_reserved(name: str) -> str | None:
    """Return why a session may not set `name`, None if it may; names are case-sensitive, as in the kernel."""
    if name.startswith(_PREFIXES):
        return next(RESERVED[f"{prefix}*"] for prefix in _PREFIXES if name.startswith(prefix))
    return RESERVED.get(name)


def environment_violations(
    environment: Mapping[str, str], *, path: str = "config.environment"
) -> list[Violation]:
    """Return every broken rule, without showing values; entries beyond MAX_ENTRIES are only counted."""
    found = []
    if len(environment) > MAX_ENTRIES:
        found.append(Violation(path, f"must have at most {MAX_ENTRIES} entries, has {len(environment)}"))
    total = 0
    for name, value in list(environment.items())[:MAX_ENTRIES]:
        size = size_of(value)
        total += size
        problem = _name_problem(name) or _value_problem(value, size)
        if problem is not None:
            found.append(Violation(key(path, name), problem))
    if total > MAX_TOTAL_BYTES:
        found.append(Violation(path, f"must hold at most {MAX_TOTAL_BYTES} bytes in all, holds {total}"))
    return found


def _name_problem(name: str) -> str | None:
    if len(name) > MAX_NAME_LENGTH:
        return f"must have a name of at most {MAX_NAME_LENGTH} characters, has {len(name)}"
    if not _NAME.fullmatch(name):
        return f"must have a name of letters, digits and _, not beginning with a digit, is {shown(name)}"
    reason = why_reserved(name)
    return f"is reserved: {reason}" if reason else None


def _value_problem(value: str, size: int) -> str | None:
    if "\0" in value:
        return "must not hold the NUL character"
    return f"must be at most {MAX_VALUE_BYTES} bytes, is {size}" if size > MAX_VALUE_BYTES else None
