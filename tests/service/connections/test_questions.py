"""Effects, questions and outcomes: plain frozen values, of which every one has its place in a union."""

import typing

import msgspec
import pytest

from service.connections import questions as q

INSIDE = {q.Told, q.Joined, q.Several, q.All}  # the shape, a part of Entered, and what stays inside the session


def told() -> set[type]:
    return {kind for kind in vars(q).values() if isinstance(kind, type) and issubclass(kind, q.Told)}


def test_every_word_is_a_question_an_outcome_or_an_effect():
    unions = [set(typing.get_args(union)) for union in (q.Question, q.Outcome, q.Effect)]
    assert set.union(*unions) == told() - INSIDE
    assert sum(map(len, unions)) == len(told() - INSIDE)


@pytest.mark.parametrize("kind", sorted(told(), key=str), ids=str)
def test_they_are_frozen_and_small(kind):
    assert kind.__struct_config__.frozen
    assert not kind.__struct_config__.gc


def test_a_join_without_wishes():
    join = q.Join("open:x")
    assert not any((join.positioned, join.recoverable, join.recover, join.strict, join.delta, join.since.offset))
    with pytest.raises(AttributeError):
        join.channel = "other"  # type: ignore[misc]
    assert msgspec.structs.replace(join, recover=True).recover
