"""One scheduler for all channels: order, coalescing, fairness, and a loop that gets its turn."""

import pytest

from service.channels.fanout import FanoutSettings, Flight
from service.channels.hub import HubSettings
from tests.service.channels.world import MADE, Member, Observer, World

COST = 4e-6  # seconds to write to one of ten thousand members


def world(cost=0.0, **fanout):
    return World(HubSettings(fanout=FanoutSettings(**fanout)), cost=cost)


def fill(made, channel, count, variant="json"):
    return [made.join(channel, Member(f"{channel}{n}", variant)) for n in range(count)]


def test_after_a_silence_a_publication_is_sent_at_once():
    made = world()
    (member,) = fill(made, "a", 1)
    made.publish("a", 1)
    assert member.data == [1], "no turn of the loop in between"


def test_what_comes_right_after_is_gathered():
    made = world()
    (member,) = fill(made, "a", 1)
    made.publish("a", *range(1, 12))
    assert member.data == [1]
    made.loop.run()
    assert (member.data, member.writes) == (list(range(1, 12)), 2)


def test_writes_carry_sixteen_messages_at_most():
    made = world()
    (member,) = fill(made, "a", 1)
    made.publish("a", *range(40))
    made.loop.run()
    assert member.data == list(range(40))
    assert [count for _, _, count in made.encoded] == [1, 16, 16, 7]


def test_and_not_too_many_bytes():
    made = world(batch_bytes=2500)
    (member,) = fill(made, "a", 1)
    made.publish("a", *["x" * 600] * 10)
    made.loop.run()
    assert [count for _, _, count in made.encoded] == [1, 2, 2, 2, 2, 1]
    assert len(member.got) == 10


def test_each_variant_is_encoded_once_a_batch():
    made = world(slice_members=2)
    members = fill(made, "a", 5) + fill(made, "a", 5, "other")
    made.publish("a", 1, 2, 3)
    made.loop.run()
    assert made.encoded == [("json", "a", 1), ("other", "a", 1), ("json", "a", 2), ("other", "a", 2)]
    assert all(member.data == [1, 2, 3] for member in members)


def test_nobody_there_nothing_encoded():
    made = world()
    made.publish("a", 1)
    made.loop.run()
    assert made.encoded == []


def test_the_loop_has_its_turn_within_two_milliseconds():
    made = world(cost=COST)
    fill(made, "a", 10_000)
    made.publish("a", 1)
    longest, before = 0.0, made.loop.now
    while made.loop.turn():
        longest, before = max(longest, made.loop.now - before), made.loop.now
    assert longest <= 0.002 + 1e-9
    assert made.loop.turns >= 10_000 * COST / 0.002 * 0.9


def test_a_flood_does_not_starve_small_channels():
    """Ten thousand subscribers under a flood; a hundred channels of two are served within 5 ms."""
    made = world(cost=COST)
    fill(made, "flood", 10_000)
    small = {f"s{n}": fill(made, f"s{n}", 2) for n in range(100)}
    asked, waits = {}, []

    def on_write(member):
        begun = asked.pop(member, None)
        if begun is not None:
            waits.append(made.loop.now - begun)

    made.on_write = on_write
    for turn in range(300):
        made.publish("flood", turn)
        for channel in (f"s{turn % 100}", f"s{(turn * 7) % 100}"):
            for member in small[channel]:
                asked.setdefault(member, made.loop.now)
            made.publish(channel, turn)
        made.loop.turn()
    made.on_write = None
    assert len(waits) > 1000
    waits.sort()
    assert waits[int(len(waits) * 0.99)] <= 0.005


def test_channels_take_turns():
    made = world(cost=1e-3, slice_members=1, tick=1.0)
    order = []
    fill(made, "a", 3)
    fill(made, "b", 3)
    fill(made, "c", 3)
    made.on_write = lambda member: order.append(member.name[0])
    made.publish("a", 0)
    for channel in "bc":
        made.publish(channel, 0)
    made.loop.run()
    assert "".join(order) == "aabcabcbc"


def test_who_leaves_during_a_batch_is_not_served_any_more():
    made = world(slice_members=2)
    members = fill(made, "a", 6)
    made.publish("a", 1)
    made.hub.leave(members[3], "a")
    made.hub.leave(members[5], "a")
    made.loop.run()
    assert [member.data for member in members] == [[1], [1], [1], [], [1], []]


def test_one_that_is_cut_while_it_is_written_to_may_leave_at_once():
    made = world(slice_members=2)
    members = fill(made, "a", 4)
    made.on_write = lambda member: made.hub.leave(members[2], "a") if member is members[0] else None
    made.publish("a", 1, 2)
    made.loop.run()
    assert [member.data for member in members] == [[1, 2], [1, 2], [], [1, 2]]


def test_a_publication_from_within_a_write_is_the_next_batch():
    made = world()
    first, second = fill(made, "a", 1) + fill(made, "b", 1)
    made.on_write = lambda member: made.publish("b", "echo") if member is first else None
    made.publish("a", 1)
    assert (first.data, second.data) == ([1], [])
    made.loop.run()
    assert second.data == ["echo"]


def test_deliveries_are_told_once_a_slice_and_message():
    made = world(slice_members=2)
    fill(made, "rec:a", 3)
    made.publish("rec:a", 1)
    made.loop.run()
    assert made.observer.of("delivered") == [(0.0, 2, None), (0.0, 1, None)]
    ((namespace, entries, members, seconds, more),) = made.observer.of("fanned_out")
    assert (namespace, entries, members, seconds) == ("rec", 1, 3, 0.0)
    assert more == {"traceparents": [], "links": ()}


def test_only_what_the_kernel_took_counts_as_delivered():
    made = world()
    fill(made, "a", 3)
    send = made.send_many
    made.hub._fanout._send_many = lambda members, data, flight: send(members, data, flight) - 1
    made.publish("a", 1)
    assert [count for _, count, _ in made.observer.of("delivered")] == [2]
    assert made.hub.ledger.unaccounted == {"": 1}, "and of the third nobody said what became of it"
    MADE.remove(made)


def test_late_deliveries_are_told_as_late():
    made = world()
    fill(made, "a", 2)
    made.on_write = lambda _member: setattr(made.loop, "now", made.loop.now + 0.2)
    made.publish("a", 1)
    ((namespace, seconds, count, trace, more),) = made.observer.of("delivered_late")
    assert (namespace, count, trace, more["channel"]) == ("a" and "", 2, None, "a")
    assert seconds == pytest.approx(0.4)
    assert more["entry_id"] > 0


def test_sampled_receivers_are_linked():
    made = world()
    members = fill(made, "a", 12)
    for member in members[1:]:
        member.link = member.name

    class Trace:
        traceparent = f"00-{'a' * 32}-{'b' * 16}-01"

    made.observer.trace = Trace()
    made.publish("a", 1)
    assert made.observer.of("fanned_out")[0][4]["links"] == [f"a{n}" for n in range(1, 9)]


def test_lag_is_the_age_of_what_is_not_begun():
    made = world(cost=1.0)
    fill(made, "a", 300)
    fill(made, "b", 1)
    assert made.hub._fanout.lag() == 0.0
    made.publish("a", 1)
    began = made.loop.now
    made.publish("b", 1)
    made.loop.now += 3.0
    assert made.hub._fanout.lag() == pytest.approx(made.loop.now - began)
    made.loop.run()
    assert made.hub._fanout.lag() == 0.0


def test_what_cannot_be_encoded_hurts_only_itself():
    made = world()
    (bad,), (good,) = fill(made, "a", 1, "broken"), fill(made, "b", 1)
    made.publish("a", 1)
    made.publish("b", 1)
    made.loop.run()
    assert (bad.data, good.data) == ([], [1])
    assert made.observer.of("dropped") == [("", "unknown", 1, "a")]
    assert "KeyError" in repr(made.loop.faults[0]["exception"])
    made.publish("a", 2)
    made.loop.run()
    assert len(made.loop.faults) == 2, "the channel goes on"


def test_a_flight_tells_the_oldest_message():
    made = world()
    fill(made, "a", 1)
    seen = []
    made.hub._fanout._send_many = lambda members, data, flight: seen.append(flight) or len(members)
    made.publish("a", 1)
    made.loop.now += 0.0001
    made.publish("a", 2)
    made.loop.now += 0.0001
    made.publish("a", 3)
    made.loop.run()
    flight = seen[1]
    assert (flight.messages, flight.channel, flight.namespace) == (2, "a", "")
    assert flight.accepted == pytest.approx(100.0001)
    assert flight.traceparent is None
    observer = Observer()
    flight.delivered(observer, 1, 100.5)
    assert [round(seconds, 4) for _, seconds, *_ in observer.of("delivered_late")] == [0.4999, 0.4998]
    assert made.hub.ledger.unaccounted == {"": -2}, "they were delivered already"
    MADE.remove(made)
    assert isinstance(flight, Flight)


# ------------------------------------------------------------------- tags filters

ODD = {"key": "odd", "cmp": "eq", "val": "yes"}
EVEN = {"op": "not", "nodes": [ODD]}


def number(made, channel, *numbers):
    for each in numbers:
        made.publish(channel, each, tags={"odd": "yes" if each % 2 else "no"})


def test_subscribers_get_what_their_filters_take():
    made = world()
    whole = made.join("rec:a", positioned=True)
    odd, even = made.join("rec:a", positioned=True, filter=ODD), made.join("rec:a", positioned=True, filter=EVEN)
    number(made, "rec:a", *range(1, 8))
    made.loop.run()
    assert (whole.data, odd.data, even.data) == (list(range(1, 8)), [1, 3, 5, 7], [2, 4, 6])
    assert odd.offsets == [1, 3, 5, 7], "offsets have gaps, the stream has none"


def test_each_filter_is_asked_once_a_publication_whatever_the_number_of_its_subscribers(monkeypatch):
    made, asked = world(), []
    for count in range(40):
        made.join("a", Member(variant=("json", "other")[count % 2]), filter=(ODD, EVEN)[count % 4 // 2])
    for wanted in {terms.filter for terms in made.hub._channels["a"].members.values()}:
        monkeypatch.setattr(wanted, "takes", lambda tags, takes=wanted.takes: asked.append(tags) or takes(tags))
    number(made, "a", *range(1, 11))
    made.loop.run()
    assert len(asked) == 2 * 10


def test_the_filters_of_many_are_kept_once():
    made = world()
    for _ in range(20):
        made.join("a", filter=dict(ODD))
    assert len({id(terms.filter) for terms in made.hub._channels["a"].members.values()}) == 1


def test_filters_that_take_the_same_share_its_bytes():
    made = world()
    members = [made.join("a", filter={"key": "odd", "cmp": "neq", "val": f"never {n}"}) for n in range(12)]
    number(made, "a", 1)
    made.loop.run()
    assert [member.data for member in members] == [[1]] * 12
    assert made.encoded == [("json", "a", 1)]


def test_many_different_filters_leave_the_loop_its_turns():
    made = world(cost=1e-5)
    members = [made.join("a", filter={"key": "n", "cmp": "eq", "val": str(n)}) for n in range(1000)]
    for each in range(0, 1000, 2):
        made.publish("a", each, tags={"n": str(each)})
    made.loop.run()
    assert [member.data for member in members] == [[n] if not n % 2 else [] for n in range(1000)]


def test_who_joins_while_something_is_on_its_way_gets_the_rest_that_its_filter_takes():
    made = world(quiet=1.0)
    made.join("rec:a", positioned=True)
    number(made, "rec:a", 1, 2, 3)
    late = made.join("rec:a", positioned=True, filter=ODD)
    number(made, "rec:a", 4, 5)
    made.loop.run()
    assert late.joined.offset == 3
    assert late.data == [5]


def test_a_filter_without_takers_writes_nothing():
    made = world()
    member = made.join("a", filter={"key": "x", "cmp": "ex"})
    number(made, "a", 1, 2, 3)
    made.loop.run()
    assert (member.data, member.writes, made.encoded) == ([], 0, [])
