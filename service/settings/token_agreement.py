"""Pure: what does not go together among the settings of tokens."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from service.access.naming import places
from service.access.public_keys import Unusable, from_pem
from service.settings.mistakes import Mistake

Tree = dict[str, Any]
_SHORTEST_SECRET = 32  # bytes, as RFC 7518 has it for HS256
_KEYS = ("hmac_secret_key", "rsa_public_key", "ecdsa_public_key", "jwks_public_endpoint")


def tokens(client: Tree) -> Iterator[Mistake]:
    """The mistakes of client.token and client.subscription_token."""
    yield from _of_kind(client["token"], "client.token")
    apart = client["subscription_token"]
    if not apart["enabled"]:
        return
    yield from _of_kind(apart, "client.subscription_token")
    if not any(apart[name] for name in _KEYS):
        yield Mistake(
            "client.subscription_token.hmac_secret_key",
            "or another key is needed when client.subscription_token.enabled is on",
        )


def _of_kind(token: Tree, place: str) -> Iterator[Mistake]:
    for name, kind in (("rsa_public_key", "RSA"), ("ecdsa_public_key", "ECDSA")):
        if token[name]:
            try:
                from_pem(token[name], kind)
            except Unusable as useless:
                yield Mistake(f"{place}.{name}", str(useless))
    for name in ("audience", "issuer"):
        if token[name] and token[f"{name}_regex"]:
            yield Mistake(f"{place}.{name}_regex", f"cannot go with {place}.{name}: one of the two")
    groups: set[str] = set()
    for name in ("audience_regex", "issuer_regex"):
        try:
            groups |= set(re.compile(token[name]).groupindex)
        except (re.error, OverflowError) as error:
            yield Mistake(f"{place}.{name}", f"is no regular expression: {getattr(error, 'msg', error)}")
            return
    yield from _endpoint(token, f"{place}.jwks_public_endpoint", groups)


def _endpoint(token: Tree, place: str, groups: set[str]) -> Iterator[Mistake]:
    endpoint = token["jwks_public_endpoint"]
    if not endpoint:
        return
    if (fault := unreachable(endpoint)) is not None:
        yield Mistake(place, fault, f'"{endpoint}"')
    for name in sorted(places(endpoint) - groups):
        yield Mistake(place, f"asks for {name}, which no group of audience_regex or issuer_regex is called")


def weak_secrets(client: Tree) -> Iterator[str]:
    """A note for each secret that somebody with a token can find by trying."""
    for kind in ("token", "subscription_token"):
        for name in ("hmac_secret_key", "hmac_previous_secret_key"):
            if 0 < len(client[kind][name].encode()) < _SHORTEST_SECRET:
                yield f"client.{kind}.{name}: is shorter than {_SHORTEST_SECRET} bytes: who has a token can guess it"


def unreachable(address: str) -> str | None:
    """What is wrong with the address of another server; None when nothing is."""
    try:
        parts = urlsplit(address)
        whole = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        whole, parts = False, urlsplit("")
    if parts.scheme not in ("http", "https") or not whole:
        return "takes an address that begins with http:// or https://"
    if parts.username is not None:
        return "takes no name or password: use a header"
    return None
