"""Pure: whose connection is it? The socket's address, or what a proxy that we trust says of it.

A header says whatever its sender likes. It counts only when the socket's own peer is in a trusted network, and it is
read from its end: each trusted proxy added one entry, the first that is not a trusted proxy is the client.
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
IPV6_GROUP: Final = 64  # bits: what one household or one phone has
MOST_HOPS: Final = 20  # entries of a header that are looked at


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """Which proxies stand before us, and how they tell."""

    trusted: tuple[Network, ...] = ()
    header: str = "X-Forwarded-For"  # or Forwarded (RFC 7239); one of them, a proxy hands on the other unread


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks as a configuration writes them: ``10.0.0.0/8``, ``fd00::/8``, a single address.

    Raises:
        ValueError: one is none.

    """
    return tuple(ipaddress.ip_network(text.strip(), strict=False) for text in texts)


def client_address(peer: str, headers: Mapping[str, str], settings: ProxySettings) -> str:
    """The client's address.

    Args:
        peer: the socket's peer, an address without port.
        headers: of the request; several of one name are joined by a comma (RFC 9110, 5.3).
        settings: whom to trust.

    """
    if not settings.trusted or not is_trusted(peer, settings):
        return peer
    said = headers.get(settings.header, "")
    hops = _forwarded(said) if settings.header.lower() == "forwarded" else said.split(",")
    client = peer
    for hop in reversed(hops[-MOST_HOPS:]):
        address = _plain(hop)
        if address is None:
            return client  # unknown or hidden (RFC 7239, 6): the last one that is known
        client = address
        if not is_trusted(client, settings):
            return client
    return client


def is_trusted(address: str, settings: ProxySettings) -> bool:
    """Whether this address is a proxy of ours."""
    try:
        found = _unmapped(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    return any(found.version == network.version and found in network for network in settings.trusted)


def group(address: str) -> str:
    """What counts as one client: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        found = _unmapped(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    return str(ipaddress.ip_network((int(found) >> IPV6_GROUP << IPV6_GROUP, IPV6_GROUP)))


def _unmapped(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """``::ffff:192.0.2.1`` is 192.0.2.1: a listener for both families sees it so."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return address if mapped is None else mapped


def _forwarded(said: str) -> Sequence[str]:
    """The ``for`` of each element of a Forwarded header (RFC 7239, section 4)."""
    found = []
    for element in said.split(","):
        pairs = (pair.strip().partition("=") for pair in element.split(";"))
        found.append(next((value for name, _, value in pairs if name.lower() == "for"), ""))
    return found


def _plain(hop: str) -> str | None:
    """An address without quotes, brackets and port; None when it is none."""
    text = hop.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(_unmapped(ipaddress.ip_address(text)))
    except ValueError:
        return None
