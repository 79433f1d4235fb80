"""TLS towards other servers: whom we believe, what we show, which name we expect. Options as in Centrifugo."""

import ssl
import time
from dataclasses import dataclass
from functools import partial
from math import inf

from observability.observers.outside import OutsideObserver
from service.outside.pem import BadCertificate, described, pem, show, trust
from service.outside.pem_files import PemFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTls:
    """How we speak TLS to a server. Each PEM is a path, the text itself, or its base64 form."""

    server_ca_pem: str = ""  # who may sign the server's certificate; empty: whom the system trusts
    cert_pem: str = ""  # what we show; empty: nothing
    key_pem: str = ""
    server_name: str = ""  # the name in its certificate, and in SNI; empty: the address's
    insecure_skip_verify: bool = False


@dataclass(frozen=True, slots=True)
class Secured:
    """What a request needs of it."""

    context: ssl.SSLContext
    server_name: str | None = None
    told: tuple[str, ...] = ()  # whom we believe and what we show, where that is not the system's affair
    expires: float = inf  # the first of them, Unix time


class CurrentTls:
    """TLS to a backend as its files are now. Questions under way end as they began."""

    __slots__ = ("_backend", "_observe", "_settings", "files", "secured")

    secured: Secured

    def __init__(self, backend: str, settings: ClientTls, observe: OutsideObserver) -> None:
        """Read the files.

        Raises:
            BadCertificate: one cannot be used.

        """
        self._backend = backend
        self._settings = settings
        self._observe = observe
        refused = partial(observe.certificate_refused, backend)
        self.files = PemFiles(self._take, refused, settings.server_ca_pem, settings.cert_pem, settings.key_pem)

    def _take(self) -> None:
        self.secured = found = secured(self._settings)
        if found.told:
            self._observe.certificate_loaded(self._backend, ", ".join(found.told), found.expires - time.time())


def secured(settings: ClientTls) -> Secured:
    """Read the files.

    Raises:
        BadCertificate: with the option and a sentence.

    """
    told, ends = [], []
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.server_ca_pem:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # it alone, not the system's beside it
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        authority = pem("server_ca_pem", settings.server_ca_pem)
        trust(context, "server_ca_pem", authority)
        subject, end = described("server_ca_pem", authority)
        told.append(f"believes {subject}")
        ends.append(end)
    if settings.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.cert_pem or settings.key_pem:
        if not settings.cert_pem or not settings.key_pem:
            missing = "key_pem" if settings.cert_pem else "cert_pem"
            raise BadCertificate(missing, "a certificate is shown together with its key: give both, or none")
        certificate = pem("cert_pem", settings.cert_pem)
        show(context, certificate, pem("key_pem", settings.key_pem))
        subject, end = described("cert_pem", certificate)
        told.append(f"shows {subject}")
        ends.append(end)
    return Secured(context, settings.server_name or None, tuple(told), min(ends, default=inf))
