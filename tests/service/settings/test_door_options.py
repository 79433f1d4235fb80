"""The options of the listeners."""

import pytest

from service.connections.deadlines import PROFILES as CLOCKS
from service.connections.heartbeat import PROFILES as BEATS
from service.settings.door_options import DOORS, SERVER, TLS
from service.settings.kinds import Misfit


def test_every_option_says_what_it_is_for():
    assert all(doc.endswith((".", ".)")) for _, rows in DOORS for *_, doc in rows)


def test_a_further_listener_speaks_tls_as_the_public_one():
    rows = dict(DOORS)
    ours = {name for name, *_ in rows["http_server.listeners[].tls"]}
    assert ours < {name for name, *_ in TLS}
    assert {"enabled", "cert_pem", "key_pem", "client_ca_pem", "mode", "client_certificate", "user_from"} == ours


def test_no_name_stands_twice():
    names = [name for name, *_ in SERVER]
    assert len(names) == len(set(names))


def test_no_profile_of_the_doors_is_one_of_heartbeats_and_the_wrong_one_is_told_where_it_belongs():
    assert not {*CLOCKS} & {*BEATS, "adaptive"}
    takes = {name: convert for name, convert, *_ in SERVER}["deadlines"]
    assert [takes(name) for name in CLOCKS] == [*CLOCKS]
    with pytest.raises(Misfit, match="client.heartbeat"):
        takes("realtime")
