"""Members, arrivals and leavers around batches."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.broker.contract import PublishOptions
from service.broker.stream import Entry, Tally
from service.channels.channel import FEW, Channel
from service.channels.namespaces import Namespace
from service.protocol.messages import Publication
from tests.service.channels.world import Member


def channel():
    return Channel("c", Namespace(), PublishOptions(), Tally())


def say(into, *numbers):
    for number in numbers:
        into.ring.append(Entry(Publication(), 0, "", number, 0.0, 1))


def ids(batch):
    return [entry.id for entry in batch.entries]


def audience(batch):
    return [(run.variant, run.skip, list(run.members)) for run in batch.runs]


def test_members_are_grouped_by_what_they_take():
    made = channel()
    a, b, c = Member("a"), Member("b", "other"), Member("c")
    for member in (a, b, c):
        made.add(member, positioned=False)
    say(made, 1, 2)
    batch = made.next_batch(16, 999)
    assert audience(batch) == [("json", 0, [a, c]), ("other", 0, [b])]
    assert (ids(batch), batch.stop, batch.members) == ([1, 2], 2, 3)


def test_nothing_pending_is_no_batch():
    made = channel()
    made.add(Member(), positioned=False)
    assert made.next_batch(16, 999) is None


def test_without_members_what_is_pending_is_passed_over():
    made = channel()
    say(made, *range(40))
    assert made.next_batch(16, 999) is None
    assert made.ring.pending == 0


def test_groups_are_kept_until_somebody_comes_or_goes():
    made = channel()
    members = [Member(str(n)) for n in range(FEW + 1)]
    for member in members:
        made.add(member, positioned=False)
    assert made._live() is made._live()
    kept = made._live()
    made.remove(members[0])
    assert members[0] not in made._live()["json", "", None]
    assert members[0] in kept["json", "", None], "a batch's list does not change under it"


def test_few_members_are_not_worth_a_list():
    made = channel()
    made.add(Member(), positioned=False)
    made._live()
    assert made._groups is None


def test_who_comes_during_a_batch_waits_for_the_boundary():
    made = channel()
    old, new = Member("old"), Member("new")
    made.add(old, positioned=False)
    say(made, 1, 2)
    made.next_batch(1, 999)
    made.add(new, positioned=False)
    assert made.joining == {new: 2}
    made.finish(0)
    say(made, 3)
    second = made.next_batch(1, 999)
    assert (ids(second), audience(second)) == ([2], [("json", 0, [old])])
    made.finish(0)
    third = made.next_batch(1, 999)
    assert (ids(third), audience(third)) == ([3], [("json", 0, [old, new])])
    assert made.joining == {}


def test_who_comes_in_the_middle_of_the_next_batch_gets_its_part():
    made = channel()
    old, new, same = Member("old"), Member("new"), Member("same")
    made.add(old, positioned=False)
    say(made, 1)
    made.next_batch(16, 999)
    say(made, 2, 3)
    made.add(new, positioned=False)
    made.add(same, positioned=False)
    say(made, 4, 5)
    made.finish(0)
    batch = made.next_batch(16, 999)
    assert ids(batch) == [2, 3, 4, 5]
    assert audience(batch) == [("json", 0, [old]), ("json", 2, [new, same])]
    made.finish(0)
    say(made, 6)
    assert audience(made.next_batch(16, 999)) == [("json", 0, [old, new, same])]


def test_who_leaves_is_in_no_list():
    made = channel()
    a, b = Member("a"), Member("b")
    made.add(a, positioned=True)
    say(made, 1)
    batch = made.next_batch(16, 999)
    made.add(b, positioned=True)
    assert made.positioned == 2
    assert made.remove(a)
    assert made.remove(b)
    assert not made.remove(b)
    assert (made.members, made.joining, made.positioned, set(batch.gone)) == ({}, {}, 0, {a, b})


def test_a_member_enters_once():
    made, member = channel(), Member()
    made.add(member, positioned=False)
    with pytest.raises(AssertionError):
        made.add(member, positioned=False)


def test_who_comes_back_during_a_batch_gets_nothing_of_it_again():
    made, member = channel(), Member()
    made.add(member, positioned=False)
    say(made, 1, 2)
    batch = made.next_batch(1, 999)
    made.remove(member)
    made.add(member, positioned=False)
    assert member in batch.gone
    made.finish(0)
    assert made.next_batch(1, 999) is None, "it was given 2 when it came back"
    say(made, 3)
    assert ids(made.next_batch(1, 999)) == [3]


def test_those_who_rely_on_the_position_leave_together():
    made = channel()
    a, b, c = Member("a"), Member("b"), Member("c")
    made.add(a, positioned=True)
    made.add(b, positioned=False)
    made.add(c, positioned=True)
    assert made.remove_positioned() == [a, c]
    assert list(made.members) == [b]


def test_sent_entries_stay_as_long_as_they_are_worth_something():
    made = channel()
    made.add(Member(), positioned=False)
    say(made, 1, 2, 3)
    made.next_batch(16, 999)
    made.finish(2)
    assert [entry.id for entry in made.ring.entries] == [2, 3]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(1, 4)),
        st.tuples(st.just("begin"), st.integers(1, 5)),
        st.tuples(st.just("finish"), st.integers(0, 3)),
        st.tuples(st.just("enter"), st.integers(0, 5)),
        st.tuples(st.just("leave"), st.integers(0, 5)),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(steps)
def test_everybody_gets_everything_that_came_after_it_once(script):
    made = channel()
    members = [Member(str(n), "json" if n % 2 else "other") for n in range(6)]
    expected = {member: [] for member in members}
    said = 0
    for what, number in script:
        if what == "say":
            for said in range(said + 1, said + number + 1):
                say(made, said)
                for member in made.members:
                    expected[member].append(said)
        elif what == "begin" and made.batch is None:
            made.next_batch(number, 999)
        elif what == "finish" and made.batch is not None:
            hand_out(made.batch)
            made.finish(number)
        elif what == "enter" and members[number] not in made.members:
            made.add(members[number], positioned=False)
            expected[members[number]], members[number].got = [], []
        elif what == "leave":
            made.remove(members[number])
    while made.batch or made.next_batch(3, 999):
        hand_out(made.batch)
        made.finish(0)
    for member in made.members:
        assert member.got == expected[member]


def hand_out(batch):
    for run in batch.runs:
        for member in run.members:
            if not batch.gone or member not in batch.gone:
                member.got += [entry.id for entry in batch.entries[run.skip :]]
