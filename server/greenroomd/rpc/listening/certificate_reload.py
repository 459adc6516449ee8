"""Follows the certificate files, so that new connections use what they hold now; open ones go on undisturbed.

The files are compared by content, so it does not matter how they are replaced: in place, by renaming, or as Kubernetes
does it, by pointing the link of a whole directory elsewhere. A pair that does not fit, as while it is being written, is
never handed to gRPC: the certificates before it stay in use.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import grpc
import structlog

from greenroomd.rpc.listening.certificate_files import (
    Certificates,
    has_expired,
    read_certificates,
)
from greenroomd.rpc.listening.tls_files import CertificateUnusable, TlsFiles

log = structlog.get_logger(__name__)


class TlsObserver(Protocol):
    """Is told about the certificate in use."""

    def tls_certificate(self, expires: datetime) -> None:
        """New connections get a certificate that expires then."""
        ...

    def tls_files_usable(self, usable: bool) -> None:
        """Whether the files hold what the server can use; if not, it goes on with what they held before."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How the server speaks TLS."""

    files: TlsFiles
    """Where certificate, key and client authorities are."""
    observer: TlsObserver
    """Is told about the certificate in use."""
    reload_interval: timedelta = timedelta(seconds=10)
    """How often the files are read."""


class ReloadedCertificates:
    """The certificates in use; they follow the files while `follow` runs."""

    def __init__(self, tls: Tls) -> None:
        """Read the files; raises CertificateUnusable."""
        self._files, self._observer, self._pause = (
            tls.files,
            tls.observer,
            tls.reload_interval.total_seconds(),
        )
        self._current = self._told = read_certificates(tls.files)
        self._problem = ""
        self._announce()

    def credentials(self) -> grpc.ServerCredentials:
        """Return credentials that always use the current certificates, for TLS 1.2 and later.

        If there are authorities of clients, every client needs a certificate of one of them.
        """
        asks = self._files.client_ca is not None
        changed: Any = self._changed  # the stubs do not know that None means "as before"
        return grpc.dynamic_ssl_server_credentials(self._current.for_grpc(), changed, asks)

    async def follow(self) -> None:
        """Read the files again and again."""
        while True:
            await asyncio.sleep(self._pause)
            await self._read_again()

    async def _read_again(self) -> None:
        try:
            found = await asyncio.to_thread(read_certificates, self._files)
        except CertificateUnusable as error:
            if self._problem != str(error):
                self._problem = str(error)
                self._observer.tls_files_usable(False)
                log.error("tls_files_unusable", reason=self._problem, in_use_until=self._expires())
            return
        usable_again, self._problem = self._problem != "", ""
        if found != self._current:
            self._current = found
            self._announce()
        elif usable_again:
            self._observer.tls_files_usable(True)
            log.info("tls_files_usable_again")

    def _announce(self) -> None:
        self._observer.tls_certificate(self._current.expires)
        self._observer.tls_files_usable(True)
        tell = log.warning if has_expired(self._current) else log.info
        tell("tls_certificate_in_use", expires=self._expires())

    def _expires(self) -> str:
        return self._current.expires.isoformat()

    def _changed(self) -> grpc.ServerCertificateConfiguration | None:
        """Return the certificates if gRPC does not have them yet; it asks before each handshake, in its own thread."""
        current: Certificates = self._current
        if current is self._told:
            return None
        self._told = current
        return current.for_grpc()
