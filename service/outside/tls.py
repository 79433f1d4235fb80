"""TLS towards other servers: whom we believe, what we show, which name we expect. Options as in Centrifugo."""

import ssl
from dataclasses import dataclass

from service.outside.pem import BadCertificate, pem, show, trust


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


def secured(settings: ClientTls) -> Secured:
    """Read the files.

    Raises:
        BadCertificate: with the option and a sentence.

    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.server_ca_pem:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # it alone, not the system's beside it
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        trust(context, "server_ca_pem", pem("server_ca_pem", settings.server_ca_pem))
    if settings.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.cert_pem or settings.key_pem:
        if not settings.cert_pem or not settings.key_pem:
            missing = "key_pem" if settings.cert_pem else "cert_pem"
            raise BadCertificate(missing, "a certificate is shown together with its key: give both, or none")
        show(context, pem("cert_pem", settings.cert_pem), pem("key_pem", settings.key_pem))
    return Secured(context, settings.server_name or None)
