"""Lost, doubled, reordered, told, void: each is found, and nothing else is called so."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.lab.load.ledger import MOST_HOLES, Holes, Place, Tally, owed


def heard(*numbers):
    tally = Tally()
    place = Place(tally)
    entered(place)
    for number in numbers:
        place.received(number)
    return tally, place


def entered(place, again=False, recovered=False, recoverable=True, offset=0):
    place.subscribed(recoverable=recoverable, recovered=recovered, offset=offset, epoch="e", again=again)


def lost(place, final, void=()):
    holes = Holes()
    holes.add("c", place, final)
    return holes.lost({"c": void})


@pytest.mark.parametrize(
    ("numbers", "final", "found"),
    [
        ((1, 2, 3), 3, (3, 0, 0, 0)),
        ((1, 3), 3, (2, 0, 0, 1)),
        ((1, 2), 4, (2, 0, 0, 2)),
        ((), 2, (0, 0, 0, 2)),
        ((1, 2, 2), 2, (2, 1, 0, 0)),
        ((1, 3, 2), 3, (3, 0, 1, 0)),
        ((1, 3, 2, 2), 3, (3, 1, 1, 0)),
        ((2, 1, 5), 5, (3, 0, 1, 2)),
    ],
)
def test_what_becomes_of_numbers(numbers, final, found):
    tally, place = heard(*numbers)
    assert (tally.delivered, tally.duplicated, tally.reordered, lost(place, final)) == found


@given(st.lists(st.integers(1, 12), max_size=30))
def test_whatever_comes_in_whatever_order_the_sums_are_right(numbers):
    tally, place = heard(*numbers)
    assert tally.delivered == len(set(numbers))
    assert tally.duplicated == len(numbers) - len(set(numbers))
    assert lost(place, 12) == 12 - len(set(numbers))


def test_what_the_server_says_it_cannot_tell_is_not_lost():
    tally, place = heard(1, 2)
    entered(place, again=True, recovered=False, offset=7)
    assert place.offset == 7
    assert lost(place, 9) == 0, "nothing came since"
    place.received(8)
    assert (tally.told, lost(place, 9)) == (5, 1)


def test_what_was_recovered_goes_on_where_it_was():
    tally, place = heard(1, 2)
    entered(place, again=True, recovered=True)
    place.received(4)
    assert (tally.told, lost(place, 4)) == (0, 1)


def test_who_comes_late_is_owed_what_follows():
    tally = Tally()
    place = Place(tally)
    place.late()
    place.received(5)
    place.received(7)
    assert (tally.told, tally.delivered, lost(place, 7)) == (4, 2, 1)


def test_void_numbers_are_not_lost_and_not_owed_at_the_end():
    _, place = heard(1, 3)
    assert lost(place, 3, void=[2]) == 0
    assert owed({"a": 5, "b": 2, "c": 1}, {"a": [5, 4, 2], "c": [1]}) == {"a": 3, "b": 2, "c": 0}


def test_workers_are_added_up():
    holes, other = Holes(), Holes()
    holes.add("c", heard(1, 3)[1], 3)
    other.add("c", heard(1, 3)[1], 4)
    holes.include(json.loads(json.dumps(other.told())))
    assert holes.lost({}) == 3
    assert holes.lost({"c": [2]}) == 1


def test_what_is_too_much_to_keep_is_counted():
    holes = Holes()
    holes.add("c", Place(Tally()), MOST_HOLES + 5)
    assert holes.beyond == 5
    assert holes.lost({}) == MOST_HOLES + 5


def test_the_offset_is_that_of_the_last_that_came():
    _, place = heard()
    place.received(1, offset=11)
    place.received(2)
    assert place.offset == 11


def test_the_order_is_that_of_the_server():
    """A publisher is lost with a number unread in its socket, and the next one is heard first: nobody reordered them."""
    tally = Tally()
    place = Place(tally)
    for number, offset in ((1, 1), (3, 2), (2, 3)):
        place.received(number, offset)
    assert (tally.delivered, tally.reordered) == (3, 0)
    place.received(6, 6)
    place.received(5, 5)
    assert (tally.delivered, tally.reordered) == (5, 1)
