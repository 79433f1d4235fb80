"""Whose fault is it: each verdict by a reading that speaks for it."""

from typing import get_args

import pytest

from service.connections.slowness import Reading, Who, judge

HEALTHY = Reading(rtt=0.02, least_rtt=0.018, ping_rtt=0.03, segments=1000, window=65_535, segment=1448)


@pytest.mark.parametrize(
    ("changes", "who", "says"),
    [
        ({}, "nobody", "nothing waits"),
        ({"kernel": 5000, "window": 0, "probes": 3}, "client", "3 probes"),
        ({"queued": 5000, "kernel": 60_000, "window": 100}, "client", "does not read"),
        (
            {"kernel": 5000, "resending": 4, "silence": 9.5},
            "network",
            "sent again 4 times, nothing acknowledged for 9.5 s",
        ),
        ({"resending": 2}, "network", "sent again 2 times"),
        ({"queued": 5000}, "us", "5000 bytes wait here while the kernel has nothing"),
        ({"kernel": 60_000, "busy": 10.0, "window_limited": 8.0}, "client", "80 % of the time"),
        ({"kernel": 60_000, "resent": 30}, "network", "30 of 1000 segments"),
        ({"kernel": 60_000, "rtt": 1.8}, "network", "1800 ms there and back"),
        ({"kernel": 60_000, "ping_rtt": 3.0}, "client", "after 3000 ms, its network takes 20 ms"),
        ({"kernel": 60_000, "in_flight": 10, "congestion_window": 10}, "network", "the path is full"),
        (
            {"kernel": 60_000, "in_flight": 2, "congestion_window": 10, "window": 3967, "segment": 2048},
            "client",
            "window of 3967 bytes is full: 2 segments",
        ),
        ({"kernel": 60_000, "in_flight": 2, "congestion_window": 10}, "unclear", "60000 bytes wait"),
        ({"kernel": 60_000, "stall": 1.5}, "us", "stood still for 1.5 s"),
        ({"kernel": 60_000}, "unclear", "60000 bytes wait"),
        ({"stall": 2.0}, "us", "stood still for 2.0 s"),
        ({"ping_rtt": 2.0}, "client", "after 2000 ms"),
        ({"rtt": 1.2}, "network", "1200 ms"),
    ],
)
def test_the_clearest_sign_decides(changes, who, says):
    verdict = judge(HEALTHY._replace(**changes))
    assert verdict.who == who
    assert any(says in sentence for sentence in verdict.evidence), verdict


def test_a_window_nobody_told_is_no_closed_one():
    assert judge(HEALTHY._replace(kernel=60_000, window=-1)).who == "unclear"


def test_two_segments_lost_of_ten_say_nothing():
    assert judge(HEALTHY._replace(kernel=60_000, segments=10, resent=2)).who == "unclear"


def test_the_list_is_closed():
    assert set(get_args(Who)) == {"network", "client", "us", "nobody", "unclear"}
