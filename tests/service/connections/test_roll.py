"""Places: given out, taken back, walked through while they change."""

import pytest

from service.connections.roll import NOWHERE, Roll


def test_a_place_is_given_to_the_next_one_when_it_was_left():
    roll = Roll()
    assert [roll.enter(name) for name in "abc"] == [0, 1, 2]
    roll.leave(1)
    assert (len(roll), list(roll)) == (2, ["a", "c"])
    assert roll.enter("d") == 1
    assert list(roll) == ["a", "d", "c"]


def test_nobody_leaves_twice():
    roll = Roll()
    place = roll.enter("a")
    roll.leave(place)
    roll.leave(NOWHERE)
    with pytest.raises(AssertionError, match="left twice"):
        roll.leave(place)


def test_an_empty_roll_is_false():
    roll = Roll()
    assert not roll
    assert roll.page(0, 10) == ([], NOWHERE)


def test_a_walk_meets_everybody_who_stays_once():
    roll = Roll()
    places = {n: roll.enter(n) for n in range(100)}
    met, start, turn = [], 0, 0
    while start != NOWHERE:
        found, start = roll.page(start, 7)
        met += found
        for gone in (turn, 99 - turn):  # some go, others come, while the walk rests
            if gone in places:
                roll.leave(places.pop(gone))
        roll.enter(1000 + turn)
        turn += 1
    assert set(places) <= set(met)
    assert len(met) == len(set(met))
