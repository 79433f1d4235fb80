"""Do the certificate files that a configuration names exist, and can they be used? Told before anything listens."""

from collections.abc import Iterator
from typing import Any

from service.connections.certificates import BadCertificate, load
from service.settings.doors import tls
from service.settings.mistakes import Mistake

Tree = dict[str, Any]


def certificate_mistakes(http: Tree) -> Iterator[Mistake]:
    """One for each listener whose certificate cannot be used."""
    for place, options in places_with_tls(http):
        settings = tls(options)
        if settings is None:
            continue
        try:
            load(settings)
        except BadCertificate as bad:
            yield Mistake(f"{place}.{bad.option}", str(bad))


def places_with_tls(http: Tree) -> list[tuple[str, Tree]]:
    """Where TLS options stand."""
    others = [(f"http_server.listeners[{index}].tls", each["tls"]) for index, each in enumerate(http["listeners"])]
    return [("http_server.tls", http["tls"]), ("http_server.internal_tls", http["internal_tls"]), *others]
