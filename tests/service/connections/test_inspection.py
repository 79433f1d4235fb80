"""A look at live connections: each found once, in slices, with what TCP says. See also tests/service/api/test_debug.py."""

from service.connections import inspection
from service.connections.inspection import Inspection, Wanted


def last(steps):
    *pauses, found = steps
    assert not any(pauses)
    return found


async def test_a_page_of_everybody_goes_on_where_it_stopped(node):
    peers = [await node.greeted(f"user{n}") for n in range(5)]
    look = Inspection(node.station)
    first = last(look.connections(Wanted(limit=3)))
    second = last(look.connections(Wanted(limit=3, after=first.next)))
    assert [row["id"] for row in first.rows + second.rows] == [peer.client for peer in peers]
    assert second.next is None


async def test_of_many_connections_of_a_user_a_page_is_taken_in_slices(node, monkeypatch):
    monkeypatch.setattr(inspection, "SLICE", 2)
    peers = [await node.greeted("ann") for _ in range(7)]
    look, rows, after = Inspection(node.station), [], 0
    while after is not None:
        steps = list(look.connections(Wanted(user="ann", limit=3, after=after)))
        assert len(steps) == 5  # four slices of seven, and what was found
        rows += steps[-1].rows
        after = steps[-1].next
    assert [row["id"] for row in rows] == [peer.client for peer in peers]


async def test_who_leaves_during_the_walk_is_not_shown(node, monkeypatch):
    monkeypatch.setattr(inspection, "SLICE", 1)
    peers = [await node.greeted("ann") for _ in range(3)]
    steps = Inspection(node.station).connections(Wanted(user="ann"))
    next(steps)
    node.station.registry.get(peers[0].client).connection_lost(None)
    *_, found = steps
    assert [row["id"] for row in found.rows] == [peer.client for peer in peers[1:]]


async def test_one_is_found_by_its_id_in_any_state(node):
    greeted, silent = await node.greeted(), await node.peer()
    assert silent.reader
    look = Inspection(node.station)
    assert last(look.one(greeted.client))["user"] == "ann"
    (other,) = [row for row in last(look.connections(Wanted())).rows if row["id"] != greeted.client]
    assert last(look.one(other["id"]))["state"] == "greeting"
    assert last(look.one("nobody")) == {}


async def test_nobody_is_slow_when_nothing_waits(node):
    await node.greeted()
    assert last(Inspection(node.station).slowest()) == []
    assert Inspection(node.station).channel("nothing") == {}
