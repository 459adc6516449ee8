"""Names the files of a server that speaks TLS, apart from what reads them: loading that takes time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class CertificateUnusable(Exception):
    """The files are no certificate that the server can use; the text names the file and says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """The PEM files of a server that speaks TLS."""

    certificate: Path
    """The server's certificate, followed by those of the authorities between it and one that clients trust."""
    key: Path
    """The certificate's private key, without a password."""
    client_ca: Path | None = None
    """The authorities of client certificates; None: no client is asked for one."""
