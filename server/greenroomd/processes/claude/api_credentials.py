"""Gives a process the session's own credential if it has one, otherwise the operator's, never both. Pure.

As observed with the CLI 2.1.330, it sends every credential that it finds: an API key beside a token in one request, and
a header in ANTHROPIC_CUSTOM_HEADERS instead of the session's. If the operator chose a provider (such as Bedrock or
Vertex), the CLI uses that provider's credential, and not the session's token.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from greenroomd.domain.config import Secret

CREDENTIALS = frozenset(
    {
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_AWS_API_KEY",
        "ANTHROPIC_FOUNDRY_API_KEY",
        "ANTHROPIC_FOUNDRY_AUTH_TOKEN",
        "ANTHROPIC_IDENTITY_TOKEN",
        "ANTHROPIC_IDENTITY_TOKEN_FILE",
        "ANTHROPIC_PROFILE",
        "CLAUDE_API_KEY",
        "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR",
        "CLAUDE_CODE_GATEWAY_TOKEN",
        "CLAUDE_CODE_GATEWAY_TOKEN_FILE_DESCRIPTOR",
        "CLAUDE_CODE_HOST_CREDS_FILE",
        "CLAUDE_CODE_OAUTH_REFRESH_TOKEN",
        "CLAUDE_CODE_OAUTH_SCOPES",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR",
        "CLAUDE_CODE_SESSION_ACCESS_TOKEN",
        "CLAUDE_CODE_SESSIONS_OAUTH_TOKEN",
        "CLAUDE_SESSION_INGRESS_TOKEN_FILE",
        "AWS_ACCESS_KEY_ID",
        "AWS_BEARER_TOKEN_BEDROCK",
        "AWS_CONFIG_FILE",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_PROFILE",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AZURE_CLIENT_CERTIFICATE_PASSWORD",
        "AZURE_CLIENT_CERTIFICATE_PATH",
        "AZURE_CLIENT_SECRET",
        "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_PASSWORD",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_OAUTH_ACCESS_TOKEN",
    }
)
"""Variables that contain a credential for the model's API, or point the CLI to one."""

_PROVIDER = "CLAUDE_CODE_USE_"  # chooses another provider's API, which has its own credentials
_HEADERS = "ANTHROPIC_CUSTOM_HEADERS"
_CREDENTIAL_HEADER = re.compile(r"auth|cookie|credential|key|pass|secret|token", re.IGNORECASE)


def without_credentials(environment: Mapping[str, Secret]) -> dict[str, Secret]:
    """Return the operator's environment without credentials, for a process that has its own.

    Keeps the headers in ANTHROPIC_CUSTOM_HEADERS whose names do not suggest a credential.
    """
    kept = {
        name: value
        for name, value in environment.items()
        if name not in CREDENTIALS and not name.startswith(_PROVIDER)
    }
    if _HEADERS in kept:
        headers = _harmless(kept.pop(_HEADERS).reveal())
        if headers:
            kept[_HEADERS] = Secret(headers)
    return kept


def _harmless(headers: str) -> str:
    lines = [line for line in headers.splitlines() if line.strip()]
    return "\n".join(line for line in lines if not _CREDENTIAL_HEADER.search(line.partition(":")[0]))
