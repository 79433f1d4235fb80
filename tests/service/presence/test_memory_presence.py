"""What the suite of tests/contracts cannot see: nothing is left behind, and counting does not walk."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from service.presence.contract import Counts
from service.presence.memory_presence import MemoryPresence
from service.protocol.messages import ClientInfo

STEPS = st.lists(st.tuples(st.booleans(), st.sampled_from("12345"), st.sampled_from(["", "ann", "bob"]), st.booleans()))


@given(STEPS)
def test_it_is_a_map_of_clients_whenever_it_is_asked(steps):
    presence, clients = MemoryPresence(), {}
    for comes, client, user, asked in steps:
        if comes:
            clients[client] = user
            presence.add("a", ClientInfo(user=user, client=client))
        else:
            clients.pop(client, None)
            presence.remove("a", client)
        if asked:
            assert presence.counts("a") == Counts(len(clients), len(set(clients.values())))
    assert {client: info.user for client, info in presence.present("a").items()} == clients


def test_an_empty_channel_costs_nothing():
    presence = MemoryPresence()
    for number in range(1000):
        presence.add(f"c{number}", ClientInfo(user="u", client="1"))
        presence.counts(f"c{number}")
        presence.remove(f"c{number}", "1")
    assert (presence._channels, presence._users) == ({}, {})


def test_one_client_in_a_channel_of_its_own_fits_the_budget():
    presence = MemoryPresence()
    presence.add("own", ClientInfo(user="u", client="1"))
    (here,) = presence._channels.values()
    (info,) = here.values()
    assert sys.getsizeof(here) + sys.getsizeof(info) <= 320


def test_nobody_is_left_after_the_end():
    presence = MemoryPresence()
    presence.start()
    presence.add("a", ClientInfo(user="u", client="1"))
    presence.stop()
    assert presence.present("a") == {}


def test_who_asks_cannot_change_the_empty_answer():
    assert not hasattr(MemoryPresence().present("a"), "__setitem__")
