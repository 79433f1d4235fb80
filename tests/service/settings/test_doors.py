"""Checked values -> the settings of the doors."""

import pytest

from service.connections.addresses import networks
from service.protocol.deflate import Squeeze
from service.settings.checking import check
from service.settings.doors import admission, beat_of, clocks_of, frames, http_settings, inflated, squeeze
from service.settings.options import ours


def values(**sections):
    checked = check(sections, ours(), {})
    assert not checked.mistakes
    return checked.values


def test_the_defaults():
    usual = values()
    http = http_settings(usual)
    assert (http.limits.url_length, http.limits.header_bytes, http.limits.header_count) == (8192, 32768, 100)
    assert (http.public.clocks.door, http.public.clocks.greeting) == (5.0, 10.0)
    assert not http.proxies.trusted
    assert admission(usual["client"]).connections == admission(usual["client"]).rate == 0
    assert frames(usual["websocket"]) == (65_536, 0, 64, 0)
    assert squeeze(usual["websocket"]) is None


def test_compression():
    on = values(websocket={"compression": True, "message_size_limit": 1000})["websocket"]
    assert (squeeze(on), inflated(on)) == (Squeeze(1, 512), 1000)
    given = {"compression": True, "compression_level": 9, "compression_min_size": 100}
    told = values(websocket={**given, "decompressed_message_size_limit": 5000})["websocket"]
    assert (squeeze(told), inflated(told)) == (Squeeze(9, 100), 5000)


@pytest.mark.parametrize(
    ("sections", "door", "greeting"),
    [
        ({"http_server": {"deadlines": "lan"}}, 0.5, 3.0),
        ({"http_server": {"deadlines": "bulk"}}, 10.0, 25.0),
        ({"http_server": {"deadlines": "lan", "door_timeout": "2s"}}, 2.0, 3.0),
        ({"http_server": {"deadlines": "lan"}, "client": {"stale_close_delay": "20s"}}, 0.5, 20.0),
    ],
)
def test_clocks_by_profile(sections, door, greeting):
    assert tuple(getattr(clocks_of(values(**sections)), name) for name in ("door", "greeting")) == (door, greeting)


def test_admission_takes_centrifugo_s_names():
    client = {
        "connection_limit": 10,
        "connection_rate_limit": 5,
        "connection_ramp": "1m",
        "address_connection_limit": 3,
    }
    told = admission(values(client=client)["client"])
    assert (told.connections, told.rate, told.ramp, told.address_connections) == (10, 5, 60.0, 3)


def test_proxies():
    http = {"trusted_proxies": ["10.0.0.0/8"], "client_address_header": "Forwarded"}
    proxies = http_settings(values(http_server=http)).proxies
    assert (proxies.trusted, proxies.header) == (networks(["10.0.0.0/8"]), "Forwarded")


def test_no_pong_timeout_is_ten_seconds_as_in_centrifugo():
    assert beat_of(values(client={"pong_timeout": "0s"})["client"]).settings.timeout == 10.0


def test_the_kernel_is_more_patient_than_we_are():
    told = http_settings(values(client={"ping_interval": "60s", "pong_timeout": "20s", "pong_misses": 3}))
    assert told.public.sockets.user_timeout > 60 * 3 + 20
