"""What is confirmed: cumulative, bounded, in time."""

from hypothesis import given
from hypothesis import strategies as st

from service.channels.receipts import Kept, Positions, Reader, Trail, in_time


def kept(offset=1, until=100.0, epoch="e"):
    return Kept(offset, epoch, until)


def test_a_position_is_kept_until_its_time_is_over():
    positions = Positions(10)
    positions.keep("c", "ada", kept())
    assert positions.find("c", "ada", 99.9) is not None
    assert positions.find("c", "bob", 0.0) is None
    assert positions.find("d", "ada", 0.0) is None
    assert positions.find("c", "ada", 100.0) is None
    assert (len(positions), positions._channels) == (0, {})


def test_the_one_confirmed_longest_ago_is_forgotten_first():
    positions = Positions(2)
    for who in ("ada", "bob", "ada", "eve"):
        positions.keep("c", who, kept())
    assert [who for who in ("ada", "bob", "eve") if positions.find("c", who, 0.0)] == ["ada", "eve"]
    assert len(positions) == 2


def test_the_old_are_forgotten_some_at_a_time():
    positions = Positions(100)
    for number in range(10):
        positions.keep(f"c{number % 2}", str(number), kept(until=float(number)))
    positions.expire(6.0, 3)
    assert len(positions) == 7
    positions.expire(6.0, 100)
    assert len(positions) == 3


def test_who_has_confirmed_is_counted_in_the_epoch_and_in_time():
    positions = Positions(10)
    for who, offset, until, epoch in (("a", 5, 9, "e"), ("b", 6, 9, "e"), ("c", 7, 1, "e"), ("d", 7, 9, "old")):
        positions.keep("c", who, kept(offset, until, epoch))
    assert [positions.confirmed("c", offset, "e", 2.0) for offset in (5, 6, 7)] == [2, 1, 0]
    assert positions.confirmed("other", 1, "e", 0.0) == 0


@given(st.lists(st.tuples(st.sampled_from(["enter", "confirm", "leave"]), st.integers(0, 4), st.integers(0, 50))))
def test_the_sum_is_that_of_the_readers(steps):
    trail = Trail()
    for step, member, offset in steps:
        if step == "enter":
            trail.enter(member, "who", offset)
        elif step == "leave":
            trail.leave(member)
        elif member in trail.readers:
            before = trail.readers[member].offset
            assert trail.confirm(trail.readers[member], offset) == (offset > before)
            assert trail.readers[member].offset == max(before, offset)
        assert trail.total == sum(reader.offset for reader in trail.readers.values())
        assert trail.unconfirmed(50) == sum(50 - reader.offset for reader in trail.readers.values())
        assert trail.received(20) == sum(reader.offset >= 20 for reader in trail.readers.values())


def test_where_the_top_was_when():
    trail = Trail()
    assert trail.top_at(5.0) == 0
    for now, top in ((10.0, 3), (11.0, 3), (12.0, 7), (13.0, 9)):
        trail.note(now, top, 100.0)
    assert [trail.top_at(then) for then in (9.9, 10.0, 11.9, 12.0, 99.0)] == [0, 3, 3, 7, 9]


def test_what_was_long_ago_is_forgotten_but_for_the_last_of_it():
    trail = Trail()
    for second in range(100):
        trail.note(float(second), second, 5.0)
    assert len(trail._tops) <= 7
    assert trail.top_at(94.0) == 94


def test_two_at_once_then_one_a_second():
    reader = Reader("ada", 0)
    assert [in_time(reader, 10.0) for _ in range(4)] == [True, True, False, False]
    assert [in_time(reader, 10.0 + n) for n in range(1, 9)] == [True] * 8
    assert [in_time(reader, 18.5), in_time(reader, 19.0), in_time(reader, 30.0)] == [False, True, True]
