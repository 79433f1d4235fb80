"""Counted pings: slow is not dead, dead is found in time, our own stall is nobody's fault."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.connections.heartbeat import Beat, Heartbeat, HeartbeatSettings

DEFAULT = HeartbeatSettings()
SERVICE = HeartbeatSettings(interval=10, timeout=8, misses=3)


def steps(heartbeat, now, stall=0.0):
    """All that is due at this moment."""
    beats = []
    while (beat := heartbeat.step(now, stall)) is not Beat.WAIT:
        beats.append(beat)
        if beat is Beat.DEAD:
            break
    return beats


@given(st.floats(min_value=0, max_value=1, exclude_max=True), st.floats(min_value=0, max_value=1e7))
def test_the_first_ping_comes_in_the_second_half_of_the_interval(phase, now):
    heartbeat = Heartbeat(DEFAULT, now, phase)
    assert now + 12.5 <= heartbeat.deadline() <= now + 25
    assert heartbeat.step(heartbeat.deadline()) is Beat.PING


def test_a_pong_in_time():
    heartbeat = Heartbeat(DEFAULT, 0, 0)
    assert steps(heartbeat, 12.5) == [Beat.PING]
    assert heartbeat.deadline() == 20.5
    assert heartbeat.pong(12.75) == 0.25
    assert heartbeat.deadline() == 37.5
    assert steps(heartbeat, 20.5) == []
    assert steps(heartbeat, 37.5) == [Beat.PING]


def test_a_pong_without_an_open_ping_is_none():
    heartbeat = Heartbeat(DEFAULT, 0, 0)
    assert heartbeat.pong(1) is None
    steps(heartbeat, 12.5)
    assert heartbeat.pong(13) is not None
    assert heartbeat.pong(13) is None


def test_one_miss_is_dead_by_default():
    heartbeat = Heartbeat(DEFAULT, 0, 0)
    steps(heartbeat, 12.5)
    assert steps(heartbeat, 20.4) == []
    assert steps(heartbeat, 20.5) == [Beat.DEAD]


def test_pongs_answer_the_oldest_ping():
    heartbeat = Heartbeat(SERVICE, 0, 0)
    for now in (5, 13, 15, 23):
        steps(heartbeat, now)
    assert (heartbeat.open, heartbeat.missed) == (2, 2)
    assert heartbeat.pong(25) == 20
    assert heartbeat.pong(25) == 10
    assert (heartbeat.open, heartbeat.missed) == (0, 0)


def test_a_client_far_away_lives():
    """Answers that take 20 s are late each time, but they come: three misses in a row never happen."""
    heartbeat = Heartbeat(SERVICE, 0, 0.5)
    answers: list[float] = []
    now = 0.0
    while now < 1000:
        now = min([heartbeat.deadline(), *answers[:1]])
        if answers and now == answers[0]:
            assert heartbeat.pong(answers.pop(0)) == pytest.approx(20)
            continue
        beats = steps(heartbeat, now)
        assert Beat.DEAD not in beats
        answers += [now + 20] * beats.count(Beat.PING)


@given(
    st.sampled_from(
        [DEFAULT, SERVICE, HeartbeatSettings(5, 4, 2), HeartbeatSettings(60, 20, 1), HeartbeatSettings(15, 15, 2)]
    ),
    st.floats(min_value=0, max_value=1, exclude_max=True),
    st.floats(min_value=0, max_value=200),
)
def test_a_dead_peer_is_found_in_time(settings, phase, dies_at):
    """Within misses x interval + timeout, whenever it dies; pings before that are answered at once."""
    heartbeat = Heartbeat(settings, 0, phase)
    while True:
        now = heartbeat.deadline()
        beats = steps(heartbeat, now)
        if Beat.DEAD in beats:
            break
        if Beat.PING in beats and now < dies_at:
            assert heartbeat.pong(now) == 0
    assert now >= dies_at
    assert now <= max(dies_at, settings.interval) + settings.misses * settings.interval + settings.timeout + 1e-6
    assert heartbeat.missed == settings.misses


@given(st.floats(min_value=0.1, max_value=60))
def test_our_own_stall_is_discounted(stall):
    heartbeat = Heartbeat(DEFAULT, 0, 0)
    steps(heartbeat, 12.5)
    after = 20.5 + stall * 0.99
    assert steps(heartbeat, after, stall=stall) == ([] if after < 37.5 else [Beat.PING])
    assert heartbeat.deadline() >= min(37.5, 20.5 + stall)
    assert heartbeat.pong(after) is not None
    assert heartbeat.missed == 0


def test_a_stall_saves_nobody_for_ever():
    heartbeat = Heartbeat(DEFAULT, 0, 0)
    steps(heartbeat, 12.5)
    assert steps(heartbeat, 21, stall=1.5) == []
    assert heartbeat.deadline() == 22
    assert steps(heartbeat, 22, stall=1.5) == [Beat.DEAD]


def test_after_a_long_stall_pings_do_not_pile_up():
    heartbeat = Heartbeat(DEFAULT, 0, 0)
    assert steps(heartbeat, 12.5) == [Beat.PING]
    heartbeat.pong(12.6)
    assert steps(heartbeat, 300, stall=280) == [Beat.PING]
    heartbeat.pong(301)
    assert heartbeat.deadline() == 325


def test_phases_are_kept_over_a_short_stall():
    heartbeat = Heartbeat(DEFAULT, 0, 0)
    steps(heartbeat, 14)
    heartbeat.pong(14)
    assert heartbeat.deadline() == 37.5


def test_without_an_interval_there_are_no_pings():
    heartbeat = Heartbeat(HeartbeatSettings(interval=0), 0, 0.5)
    assert heartbeat.deadline() == inf
    assert heartbeat.step(1e9) is Beat.WAIT


@pytest.mark.parametrize("figures", [(25, 26, 1), (25, 0, 1), (25, 8, 0), (25, 8, 4), (-1, 1, 1)])
def test_figures_that_cannot_work_are_refused(figures):
    with pytest.raises(ValueError, match=r"misses|interval|timeout"):
        HeartbeatSettings(*figures)


@given(st.lists(st.tuples(st.floats(0, 30), st.booleans()), max_size=60))
def test_counts_never_contradict_each_other(happenings):
    heartbeat = Heartbeat(SERVICE, 0, 0.3)
    now, sent, answered = 0.0, 0, 0
    for wait, pong in happenings:
        now += wait
        beats = steps(heartbeat, now)
        sent += beats.count(Beat.PING)
        if Beat.DEAD in beats:
            assert heartbeat.missed == SERVICE.misses
            return
        if pong:
            rtt = heartbeat.pong(now)
            assert (rtt is None) == (answered == sent)
            if rtt is not None:
                assert rtt >= 0
                answered += 1
        assert heartbeat.open == sent - answered
        assert 0 <= heartbeat.missed <= heartbeat.open <= 3
        assert heartbeat.deadline() > now
