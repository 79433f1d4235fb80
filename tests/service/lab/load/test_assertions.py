"""Conditions hold or say what was found."""

import pytest

from service.lab.load.assertions import assertion
from service.lab.load.plan import Misplanned

KNOWN = {"lost": 0.0, "p99": 0.12, "rss_growth": 0.4, "fds_left": None}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("lost=0", True),
        ("lost == 1", False),
        ("p99<=250ms", True),
        ("p99<0.1s", False),
        ("p99>=120ms", True),
        ("rss_growth<=1%", True),
        ("rss_growth>-1", True),
        ("rss_growth<0.4", False),
    ],
)
def test_verdicts(text, holds):
    assert (assertion(text, KNOWN).verdict(KNOWN) == "") is holds


def test_a_verdict_says_what_was_found():
    assert assertion("lost=3", KNOWN).verdict(KNOWN) == "lost=3: lost is 0"
    assert assertion("fds_left<=3", KNOWN).verdict(KNOWN) == "fds_left<=3: fds_left is not known"


@pytest.mark.parametrize(
    ("text", "hint"), [("lost", "looks like"), ("lose=0", "fds_left, lost, p99"), ("p99<=x", "looks like")]
)
def test_a_mistake_says_what_would_do(text, hint):
    with pytest.raises(Misplanned, match=hint):
        assertion(text, KNOWN)
