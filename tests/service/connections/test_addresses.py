"""Whose connection is it? Headers count from trusted proxies alone, and are read from their end."""

import pytest

from service.connections.addresses import ProxySettings, client_address, group, is_trusted, networks

TRUSTED = ProxySettings(networks(["10.0.0.0/8", "fd00::/8"]))
RFC_7239 = ProxySettings(TRUSTED.trusted, "Forwarded")


def said(value, settings=TRUSTED, peer="10.0.0.1"):
    return client_address(peer, {settings.header: value}, settings)


def test_nobody_is_trusted_by_default():
    assert client_address("10.0.0.1", {"X-Forwarded-For": "192.0.2.1"}, ProxySettings()) == "10.0.0.1"


def test_a_stranger_s_header_does_not_count():
    assert said("192.0.2.1", peer="203.0.113.9") == "203.0.113.9"


@pytest.mark.parametrize(
    ("value", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("198.51.100.7, 192.0.2.1", "192.0.2.1"),  # the first is what the client said itself
        ("192.0.2.1, 10.0.0.2, 10.0.0.3", "192.0.2.1"),
        ("10.0.0.9, 10.0.0.2", "10.0.0.9"),  # all ours: the farthest
        ("192.0.2.1:4711", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown", "10.0.0.1"),
        ("192.0.2.1, garbage, 10.0.0.2", "10.0.0.2"),
        ("", "10.0.0.1"),
    ],
)
def test_x_forwarded_for(value, client):
    assert said(value) == client


@pytest.mark.parametrize(
    ("value", "client"),
    [
        ("for=192.0.2.1", "192.0.2.1"),
        ('for="[2001:db8:cafe::17]:4711";proto=https, for=10.0.0.2', "2001:db8:cafe::17"),
        ("proto=http;For=192.0.2.60;by=203.0.113.43", "192.0.2.60"),
        ("for=_hidden", "10.0.0.1"),
        ("proto=https", "10.0.0.1"),
    ],
)
def test_forwarded(value, client):
    assert said(value, RFC_7239) == client


def test_only_the_header_that_was_chosen_counts():
    assert client_address("10.0.0.1", {"Forwarded": "for=192.0.2.1"}, TRUSTED) == "10.0.0.1"


def test_an_endless_header_is_read_from_its_end():
    assert said("192.0.2.1, " + ", ".join(["10.0.0.2"] * 10_000)) == "10.0.0.2"


@pytest.mark.parametrize(
    ("address", "trusted"),
    [("10.1.2.3", True), ("11.0.0.1", False), ("fd00::1", True), ("::ffff:10.0.0.1", True), ("", False), ("x", False)],
)
def test_trust(address, trusted):
    assert is_trusted(address, TRUSTED) is trusted


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("a socket", "a socket"),
    ],
)
def test_what_counts_as_one_client(address, same):
    assert group(address) == same


def test_a_network_that_is_none():
    with pytest.raises(ValueError, match="nonsense"):
        networks(["nonsense"])
