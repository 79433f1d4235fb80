"""A listener's certificate: read, checked, in use, and replaced while connections go on.

A replaced file makes a new context for the connections that come; those that are there keep theirs. Files that cannot
be used change nothing, and are told.
"""

import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from observability import names
from observability.names import Figure
from observability.observers.door import DoorObserver
from service.outside.pem import described, pem, show, trust
from service.outside.pem_files import PemFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """How a listener speaks TLS. Each PEM is a path, the text itself, or its base64 form, as in Centrifugo."""

    cert_pem: str
    key_pem: str
    client_ca_pem: str = ""  # who may sign clients' certificates; empty: none is asked for
    client_required: bool = True  # with client_ca_pem: nobody comes in without one
    permissive: bool = False  # the same port answers plain HTTP, too
    user_from: str = ""  # the field of a client's certificate that is its user's id


class Certificate:
    """One listener's."""

    context: ssl.SSLContext
    expires: float  # Unix time

    def __init__(self, listener: str, settings: TlsSettings, observe: DoorObserver) -> None:
        """Read it.

        Raises:
            BadCertificate: it cannot be used.

        """
        self.settings = settings
        self._listener = listener
        self._observe = observe
        refused = partial(observe.certificate_refused, listener)
        self.files = PemFiles(self._take, refused, settings.cert_pem, settings.key_pem, settings.client_ca_pem)

    def figures(self) -> Iterator[Figure]:
        """For the scrape."""
        yield Figure(names.CERTIFICATE_EXPIRY.name, (self._listener,), self.expires - time.time())

    def _take(self) -> None:
        self.context, subject, self.expires = load(self.settings)
        self._observe.certificate_loaded(self._listener, subject, self.expires - time.time())


def load(settings: TlsSettings) -> tuple[ssl.SSLContext, str, float]:
    """A context for a server, the certificate's subject, and when it expires (Unix time).

    Raises:
        BadCertificate: with the option and a sentence.

    """
    certificate, key = pem("cert_pem", settings.cert_pem), pem("key_pem", settings.key_pem)
    subject, expires = described("cert_pem", certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    show(context, certificate, key)
    if settings.client_ca_pem:
        trust(context, "client_ca_pem", pem("client_ca_pem", settings.client_ca_pem))
        context.verify_mode = ssl.CERT_REQUIRED if settings.client_required else ssl.CERT_OPTIONAL
    return context, subject, expires
