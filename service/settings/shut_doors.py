"""A configuration can be right and let nobody in. Said by ``check-config`` alone: at work it may be meant."""

from collections.abc import Iterator
from typing import Any, Final

from service.settings.certificate_files import places_with_tls

Tree = dict[str, Any]
_KEYS: Final = ("hmac_secret_key", "rsa_public_key", "ecdsa_public_key", "jwks_public_endpoint")


def shut_doors(values: Tree) -> Iterator[str]:
    """A sentence for each door that nobody can pass."""
    client = values["client"]
    if not (
        client["insecure"]
        or client["allow_anonymous_connect_without_token"]
        or client["proxy"]["connect"]["enabled"]
        or any(client["token"][name] for name in _KEYS)
        or any(tls["user_from"] for _, tls in places_with_tls(values["http_server"]))
    ):
        yield (
            "nobody can connect: set a key in client.token (such as hmac_secret_key), client.proxy.connect, "
            "or client.allow_anonymous_connect_without_token"
        )
    if not (values["http_api"]["key"] or values["http_api"]["insecure"] or values["http_api"]["disabled"]):
        yield "nobody can use the server API: set http_api.key"
