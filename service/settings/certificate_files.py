"""Do the certificate files that a configuration names exist, and can they be used? Told before anything listens."""

from collections.abc import Iterator
from typing import Any

from service.connections.certificates import load
from service.outside.pem import BadCertificate
from service.outside.tls import secured
from service.settings.doors import tls
from service.settings.hook_agreement import places_of_hooks
from service.settings.hook_reading import client_tls
from service.settings.mistakes import Mistake

Tree = dict[str, Any]


def certificate_mistakes(values: Tree) -> Iterator[Mistake]:
    """One for each listener, and each hook that is asked, whose certificates cannot be used."""
    for place, options in places_with_tls(values["http_server"]):
        settings = tls(options)
        if settings is None:
            continue
        try:
            load(settings)
        except BadCertificate as bad:
            yield Mistake(f"{place}.{bad.option}", str(bad))
    for place, proxy in places_of_hooks(values):
        client = client_tls(proxy["http"]["tls"])
        if client is None:
            continue
        try:
            secured(client)
        except BadCertificate as bad:
            yield Mistake(f"{place}.http.tls.{bad.option}", str(bad))


def places_with_tls(http: Tree) -> list[tuple[str, Tree]]:
    """Where TLS options stand."""
    others = [(f"http_server.listeners[{index}].tls", each["tls"]) for index, each in enumerate(http["listeners"])]
    return [("http_server.tls", http["tls"]), ("http_server.internal_tls", http["internal_tls"]), *others]
