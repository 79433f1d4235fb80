"""Adaptive heartbeats: the weather by recorded looks at the kernel, and the profile that goes with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.connections.heartbeat import Beat, Heartbeat
from service.connections.slowness import Reading
from service.connections.weather import QUIET, Climate, Sky, Weather

CLIMATE = Climate()
NEAR = Reading(rtt=0.03, segments=1)


def looks(*readings):
    sky = Sky()
    return [sky.look(reading).value for reading in readings]


def test_a_quiet_network_stays_normal():
    assert set(looks(*(NEAR._replace(segments=n) for n in range(50)))) == {"normal"}


def test_a_single_loss_changes_nothing():
    assert set(looks(NEAR, *[NEAR._replace(resent=1)] * 20)) == {"normal"}


def test_losses_in_a_row_make_it_weak_and_quiet_looks_normal_again():
    """As read behind a link that loses every other packet, then none."""
    recorded = [NEAR._replace(resent=n) for n in (0, 1, 2, 3, 3, 3, 3, 3, 3, 3)]
    seen = looks(*recorded)
    assert seen[:4] == ["normal", "normal", "weak", "weak"]
    assert seen[-1] == "normal"


# Round trips (ms) and segments sent again, as ``tests/e2e/test_adaptive_heartbeats.py`` read them of the kernel, a look
# each: 5 ms a way; then six of ten packets lost; then none; and, of another peer, 400 ms a way.
GOOD = [(28.5, 0), (27.2, 0), (25.3, 0)]
LOSSY = [(18.0, 1), (18.4, 3), (17.5, 3), (16.7, 3), (16.2, 5), (15.5, 5), (15.1, 7), (14.4, 8), (15.4, 10), (14.8, 10)]
CALM = [(14.7, 10), (14.6, 10), (14.5, 10), (14.4, 10), (14.4, 10), (14.3, 10), (14.3, 10), (14.2, 10)]
DISTANT = [(810.7, 0), (811.5, 0), (810.9, 0)]


def as_read(readings):
    return [Reading(rtt=rtt / 1000, resent=resent, in_flight=1, segments=n) for n, (rtt, resent) in enumerate(readings)]


def test_what_was_read_of_an_emulated_network_is_named_in_time():
    seen = looks(*as_read(GOOD + LOSSY + CALM))
    assert seen[: len(GOOD) + 1] == ["normal"] * (len(GOOD) + 1), "a single loss"
    assert seen[len(GOOD) + 1 : len(GOOD + LOSSY)] == ["weak"] * (len(LOSSY) - 1), "no coming and going meanwhile"
    assert seen[-2:] == ["normal"] * 2, "a few quiet looks later"
    assert looks(*as_read(DISTANT)) == ["far"] * 3


def test_what_is_being_sent_again_right_now_is_weak_at_once():
    assert looks(NEAR, NEAR._replace(resending=2)) == ["normal", "weak"]


def test_missed_pongs_count_as_losses():
    sky = Sky()
    assert [sky.look(NEAR, missed).value for missed in (0, 1, 2)] == ["normal", "normal", "weak"]


def test_a_far_network_is_asked_seldom_until_it_is_clearly_near():
    far, between = NEAR._replace(rtt=0.8), NEAR._replace(rtt=0.4)
    assert looks(NEAR, far, between, between, between, between) == ["normal", *["far"] * 5]
    assert looks(far, *[NEAR] * QUIET) == [*["far"] * QUIET, "normal"]
    assert looks(between) == ["normal"]


def test_a_far_network_that_loses_is_weak():
    assert looks(NEAR._replace(rtt=2.0, resent=3)) == ["weak"]


@pytest.mark.parametrize(("weather", "dead"), [(Weather.NORMAL, 60), (Weather.WEAK, 45), (Weather.FAR, 90)])
def test_a_silent_peer_is_dead_after_its_time(weather, dead):
    profile = CLIMATE.profile(weather)
    heartbeat = Heartbeat(profile, 0.0, 0.0)
    first = now = heartbeat.deadline()
    while True:
        beat = heartbeat.step(now)
        if beat is Beat.DEAD:
            break
        if beat is Beat.WAIT:
            now = heartbeat.deadline()
    assert now - first == dead


def test_the_longest_interval_and_silence():
    assert CLIMATE.longest == 45.0
    assert CLIMATE.silence == 135.0


@given(st.lists(st.sampled_from(list(Weather)), max_size=30), st.floats(0, 1))
def test_pings_never_come_later_than_the_longest_interval_whatever_the_weather(weathers, phase):
    heartbeat = Heartbeat(CLIMATE.normal, 0.0, phase)
    last = now = heartbeat.deadline()
    for weather in weathers:
        assert heartbeat.step(now) is Beat.PING
        assert now - last <= CLIMATE.longest + 1e-6
        last = now
        heartbeat.pong(now + 0.1)
        heartbeat.adapt(CLIMATE.profile(weather), now + 0.1)
        now = heartbeat.deadline()
        assert now - last == pytest.approx(CLIMATE.profile(weather).interval)
