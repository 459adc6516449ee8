"""The types of settings: each parses one notation, or says what the value should be."""

import base64
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, SecretStr, ValidationInfo

from greenroomd.domain.events import EPHEMERAL, EventType
from greenroomd.domain.principal import Grants

_DATABASES = ("sqlite", "postgresql+psycopg")
_UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}


def _database(value: SecretStr) -> SecretStr:
    if urlsplit(value.get_secret_value()).scheme not in _DATABASES:
        raise ValueError(f"should start with {' or '.join(f'{name}://' for name in _DATABASES)}")
    return value


def _span(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value
    return span_of(str(value))


def span_of(text: str) -> timedelta:
    """Return the time that a text such as `90s` or `30d` spells; raises ValueError."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)?", text)
    if match is None:
        raise ValueError("should be a time such as 500ms, 60s, 15m or 30d (a bare number means seconds)")
    return timedelta(milliseconds=float(match[1]) * _UNITS[match[2] or "s"])


def _spelled(span: timedelta) -> str:
    milliseconds = span // timedelta(milliseconds=1)
    unit = next(unit for unit, size in _UNITS.items() if milliseconds % size == 0)
    return f"{milliseconds // _UNITS[unit]}{unit}"


def _split_roots(value: object) -> object:
    return tuple(value.split(":")) if isinstance(value, str) else value


def _split_commas(value: object) -> object:
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def _durable(value: frozenset[EventType]) -> frozenset[EventType]:
    if passing := sorted(value & EPHEMERAL):
        raise ValueError(f"{', '.join(passing)}: never stored, so never posted")
    return value


def _ways(value: object) -> object:
    return () if value == "none" else _split_commas(value)


def _distinct(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(value)) < len(value):
        raise ValueError("names a way twice")
    return value


def _needed_for_jwt(value: str | None, info: ValidationInfo) -> str | None:
    if value is None and "jwt" in info.data.get("authentication", ()):
        raise ValueError("is needed, since authentication names jwt")
    return value


def _key_source(value: str | None, info: ValidationInfo) -> str | None:
    if value is not None and not value.startswith("/"):
        parts = urlsplit(value)
        if parts.scheme != "https" or not parts.hostname or not _port_fits(parts):
            raise ValueError("should be an absolute path or https://host/path")
    return _needed_for_jwt(value, info)


def _holders(value: dict[str, tuple[str, ...]], info: ValidationInfo) -> dict[str, tuple[str, ...]]:
    if "mtls" in info.data.get("authentication", ()) and info.data.get("tls_client_ca_file") is None:
        raise ValueError("authentication names mtls, which needs tls_client_ca_file")
    return value


def _grants(value: object) -> object:
    return _split_commas(value) if isinstance(value, str) else value


def _readable(value: tuple[str, ...]) -> tuple[str, ...]:
    Grants.of(value)
    return value


def _signing_secret(value: SecretStr) -> SecretStr:
    marked, _, encoded = value.get_secret_value().partition("_")
    if marked == "whsec":
        try:
            base64.b64decode(encoded, validate=True)
        except ValueError:
            raise ValueError("should have base64 after whsec_") from None
    return value


def _port_fits(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def _receiver(value: SecretStr, info: ValidationInfo) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if not parts.hostname or not _port_fits(parts) or parts.scheme not in ("http", "https"):
        raise ValueError("should be https://host/path")
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme == "http" and not local and not info.data.get("webhook_insecure"):
        raise ValueError("would send conversations in the clear: use https, or set webhook_insecure")
    if info.data.get("webhook_secret") is None:
        raise ValueError("needs a webhook_secret to sign with")
    return value


def _absolute(value: Path) -> Path:
    if not value.is_absolute():
        raise ValueError("should be an absolute path")
    return value


def _key_file(value: Path | None, info: ValidationInfo) -> Path | None:
    if (value is None) != (info.data.get("tls_cert_file") is None):
        raise ValueError("should be set together with tls_cert_file")
    return value


def _client_ca_file(value: Path, info: ValidationInfo) -> Path:
    if info.data.get("tls_cert_file") is None:
        raise ValueError("needs tls_cert_file and tls_key_file")
    return value


def _json_object(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError('should be a JSON object such as {"HTTPS_PROXY": "..."}') from None


Span = Annotated[
    timedelta, BeforeValidator(_span), Field(ge=timedelta(milliseconds=1)), PlainSerializer(_spelled)
]
Count = Annotated[int, Field(ge=1)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database)]
AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
KeyFile = Annotated[AbsolutePath | None, AfterValidator(_key_file)]
ClientCaFile = Annotated[AbsolutePath, AfterValidator(_client_ca_file)]
Roots = Annotated[tuple[AbsolutePath, ...], BeforeValidator(_split_roots), Field(min_length=1)]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Variables = Annotated[dict[VariableName, SecretStr], BeforeValidator(_json_object)]
ImportPath = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
ImportPaths = Annotated[tuple[ImportPath, ...], BeforeValidator(_split_commas)]
EventTypes = Annotated[frozenset[EventType], BeforeValidator(_split_commas), AfterValidator(_durable)]
AuthenticationWays = Annotated[
    tuple[Literal["token", "jwt", "mtls"], ...], BeforeValidator(_ways), AfterValidator(_distinct)
]
NeededForJwt = Annotated[str | None, AfterValidator(_needed_for_jwt)]
KeySource = Annotated[str | None, AfterValidator(_key_source)]
GrantList = Annotated[tuple[str, ...], BeforeValidator(_grants), AfterValidator(_readable)]
GrantTable = Annotated[dict[str, GrantList], BeforeValidator(_json_object)]
HolderGrants = Annotated[GrantTable, AfterValidator(_holders)]
SigningSecret = Annotated[SecretStr, Field(min_length=24), AfterValidator(_signing_secret)]
ReceiverUrl = Annotated[SecretStr, AfterValidator(_receiver)]
