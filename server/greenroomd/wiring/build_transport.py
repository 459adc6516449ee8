"""Says how clients reach the server, and warns where that is open to more than the operator may think."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from greenroomd.rpc.listening.tls_files import TlsFiles
from greenroomd.settings.addresses import is_local, lacking
from greenroomd.settings.record import Settings
from greenroomd.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from greenroomd.rpc.listening.certificate_reload import ReloadedCertificates

log = structlog.get_logger(__name__)


def certificates_in_use(settings: Settings, metrics: Metrics) -> ReloadedCertificates | None:
    """Read the certificates with which the server speaks TLS; None if it does not. Raises CertificateUnusable."""
    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return None
    from greenroomd.rpc.listening.certificate_reload import (  # loading it takes 35 ms
        ReloadedCertificates,
        Tls,
    )

    files = TlsFiles(
        certificate=settings.tls_cert_file, key=settings.tls_key_file, client_ca=settings.tls_client_ca_file
    )
    return ReloadedCertificates(
        Tls(files=files, observer=metrics, reload_interval=settings.tls_reload_interval)
    )


def warn_of_open_doors(settings: Settings) -> None:
    """Log what `insecure` leaves unprotected at an address that other machines reach."""
    lacks = lacking(dict(settings))
    if lacks and not is_local(settings.listen):
        log.warning("reachable_without_protection", listen=settings.listen, lacks=lacks)
    if settings.metrics_listen is not None and not settings.metrics_listen.is_loopback:
        log.warning("metrics_reachable_without_protection", listen=str(settings.metrics_listen))
