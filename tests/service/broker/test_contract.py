"""Answers that are there and answers that come later are handled alike."""

import pytest

from service.broker.contract import PublishOptions, then


async def later(value):
    return value


def test_an_answer_that_is_there_is_followed_at_once():
    assert then(2, lambda n: n + 1) == 3


async def test_an_answer_that_comes_later_is_followed_then():
    assert await then(later(2), lambda n: n + 1) == 3
    assert await then(later(2), lambda n: later(n + 2)) == 4
    assert await then(2, lambda n: later(n + 3)) == 5


async def test_failures_pass():
    async def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await then(fail(), lambda n: n)


@pytest.mark.parametrize(
    ("options", "keeps"),
    [
        (PublishOptions(), False),
        (PublishOptions(history_size=1), False),
        (PublishOptions(history_ttl=1.0), False),
        (PublishOptions(history_size=1, history_ttl=1.0), True),
        (PublishOptions(history_size=1, history_ttl=1.0, skip_history=True), False),
    ],
)
def test_history_needs_a_size_and_a_ttl(options, keeps):
    assert options.keeps is keeps
