"""The timing wheel: nobody early, nobody forgotten, nobody twice."""

from math import ceil, inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.connections.wheel import NOWHERE, Wheel


class Item:
    def __init__(self, name=""):
        self.name = name
        self.wheel_tick = NOWHERE

    def __repr__(self):
        return f"Item({self.name})"


def wheel_at(now: float, tick: float = 0.05, slots: int = 1024) -> Wheel[Item]:
    return Wheel(now, tick, slots)


def test_an_item_comes_at_its_deadline_and_once():
    wheel, item = wheel_at(100.0), Item()
    wheel.place(item, 101.0)
    assert len(wheel) == 1
    assert wheel.advance(100.9) == []
    assert wheel.advance(101.05) == [item]
    assert wheel.advance(200) == []
    assert (len(wheel), item.wheel_tick) == (0, NOWHERE)


def test_moving_leaves_the_old_place():
    wheel, item = wheel_at(0.0), Item()
    wheel.place(item, 1)
    wheel.place(item, 5)
    wheel.place(item, 3)
    assert len(wheel) == 1
    assert wheel.advance(2.9) == []
    assert wheel.advance(3.05) == [item]


def test_removing_and_placing_again():
    wheel, item = wheel_at(0.0), Item()
    wheel.place(item, 1)
    wheel.remove(item)
    wheel.remove(item)
    assert (len(wheel), wheel.advance(2)) == (0, [])
    wheel.place(item, 3)
    assert wheel.advance(3.05) == [item]


def test_a_deadline_that_never_comes_takes_it_out():
    wheel, item = wheel_at(0.0), Item()
    wheel.place(item, 1)
    wheel.place(item, inf)
    assert (len(wheel), item.wheel_tick) == (0, NOWHERE)
    assert wheel.advance(1000) == []


def test_a_past_deadline_comes_with_the_next_visit():
    wheel, item = wheel_at(50.0), Item()
    wheel.advance(50.0)
    wheel.place(item, 3)
    assert wheel.advance(50.1) == [item]


def test_long_deadlines_go_round():
    wheel, soon, late = wheel_at(0.0, tick=0.05, slots=16), Item("soon"), Item("late")
    wheel.place(late, 3600 + 0.8 * 3)  # the same slot, 4,500 rounds later
    wheel.place(soon, 2.4)
    assert late.wheel_tick % 16 == soon.wheel_tick % 16
    assert wheel.advance(2.45) == [soon]
    for second in range(3, 3602):
        assert wheel.advance(second) == []
    assert wheel.advance(3602.45) == [late]


def test_a_visit_is_bounded_and_the_rest_comes_next():
    wheel, items = wheel_at(0.0), [Item(i) for i in range(10)]
    for item in items:
        wheel.place(item, 1)
    first = wheel.advance(2, limit=4)
    second = wheel.advance(2, limit=4)
    third = wheel.advance(2, limit=4)
    assert [len(first), len(second), len(third)] == [4, 4, 2]
    assert set(first + second + third) == set(items)
    assert len(wheel) == 0


def test_a_bounded_visit_takes_the_earliest_first():
    wheel, early, late = wheel_at(0.0), Item("early"), Item("late")
    wheel.place(late, 5)
    wheel.place(early, 1)
    assert wheel.advance(10, limit=1) == [early]
    assert wheel.advance(10, limit=1) == [late]


def test_an_empty_wheel_skips_time():
    wheel, item = wheel_at(0.0), Item()
    wheel.advance(1e9)
    wheel.place(item, 1e9 + 1)
    assert wheel.advance(1e9 + 0.9) == []
    assert wheel.advance(1e9 + 1.05) == [item]


def test_the_number_of_slots_must_be_a_power_of_two():
    with pytest.raises(AssertionError):
        Wheel(0.0, slots=1000)


HAPPENINGS = st.lists(
    st.one_of(
        st.tuples(st.just("place"), st.integers(0, 7), st.floats(-5, 60)),
        st.tuples(st.just("remove"), st.integers(0, 7), st.just(0.0)),
        st.tuples(st.just("advance"), st.integers(1, 8), st.floats(0, 10)),
    ),
    max_size=60,
)


@settings(max_examples=150)
@given(HAPPENINGS, st.floats(0, 1e6), st.sampled_from([4, 64, 1024]))
def test_it_does_what_a_sorted_list_would(happenings, now, slots):
    tick = 0.05
    wheel = wheel_at(now, tick=tick, slots=slots)
    items = [Item(i) for i in range(8)]
    model: dict[Item, int] = {}
    cursor = int(now / tick)
    for what, number, value in happenings:
        if what == "place":
            wheel.place(items[number], now + value)
            model[items[number]] = max(ceil((now + value) / tick), cursor)
        elif what == "remove":
            wheel.remove(items[number])
            model.pop(items[number], None)
        else:
            now += value
            last = int(now / tick)
            due = sorted(t for t in model.values() if t <= last)
            came = wheel.advance(now, limit=number)
            assert sorted(model[item] for item in came) == due[:number]
            for item in came:
                del model[item]
            cursor = wheel._cursor
            assert cursor == last + 1 or len(came) == number or cursor > last
        assert len(wheel) == len(model)
        assert {item for item in items if item.wheel_tick != NOWHERE} == set(model)


@given(st.floats(0, 1e5), st.lists(st.floats(0.0, 60.0), min_size=1, max_size=20))
def test_far_deadlines_are_gathered_and_none_comes_early_or_much_later(now, waits):
    wheel: Wheel[Item] = Wheel(now, gathered=5)
    items = {Item(): now + wait for wait in waits}
    for item, deadline in items.items():
        wheel.place(item, deadline)
    while len(wheel):
        visit = wheel.next_visit(5)
        assert visit <= now + 5 * 0.05 + 1e-6 or visit <= now + 0.3
        now = max(now, visit) + 0.001
        for item in wheel.advance(now):
            assert items[item] <= now
            late = now - items[item]
            assert late <= (0.3 if items[item] > visit else 0.31)


def test_far_ones_share_a_slot():
    wheel: Wheel[Item] = Wheel(0.0, gathered=5)
    items = [Item() for _ in range(100)]
    for number, item in enumerate(items):
        wheel.place(item, 10.0 + number * 0.01)
    assert len({item.wheel_tick for item in items}) <= 5
    near = [Item() for _ in range(5)]
    for number, item in enumerate(near):
        wheel.place(item, 1.0 + number * 0.05)
    assert len({item.wheel_tick for item in near}) == 5


def test_who_sleeps_hears_of_what_is_due_sooner():
    wheel, heard = wheel_at(0.0), []
    wheel.on_sooner = heard.append
    wheel.place(Item(), 0.1)
    assert heard == []  # nobody sleeps
    assert wheel.next_visit(5) == pytest.approx(0.1)
    wheel.place(Item(), 0.2)
    wheel.place(Item(), 0.05)
    assert heard == [pytest.approx(0.05)]
    wheel.advance(0.3)
    wheel.place(Item(), 0.0)
    assert len(heard) == 1
    assert wheel.next_visit(5) <= 0.35
