"""What users do is planned once, checked, and the same in every process."""

import json

import pytest

from service.lab.load.plan import Misplanned, Plan, Weak, checked, planned, seconds, weak_network

URL = "ws://127.0.0.1:8000/connection/websocket"


def plan(**changes):
    return Plan(**{"url": URL, "run": "r", **changes})


@pytest.mark.parametrize(("text", "found"), [("200ms", 0.2), ("30s", 30.0), ("3m", 180.0), ("1h", 3600.0), ("7", 7.0)])
def test_durations(text, found):
    assert seconds(text) == pytest.approx(found)


def test_a_weak_network():
    assert weak_network("share=20, delay=100ms,jitter=30ms,loss=2%,rate=64kbit") == Weak(20, 0.1, 0.03, 2, 8000)
    assert weak_network("loss=1") == Weak(share=100, loss=1)
    assert weak_network("rate=1mbit").rate == 125_000


@pytest.mark.parametrize(
    ("read", "text", "hint"),
    [
        (seconds, "soon", "200ms"),
        (weak_network, "wind=3", "jitter"),
        (weak_network, "loss=some", "percentage"),
        (weak_network, "rate=fast", "64kbit"),
        (weak_network, "delay=x", "duration"),
    ],
)
def test_a_mistake_says_what_would_do(read, text, hint):
    with pytest.raises(Misplanned, match=hint):
        read(text)


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"url": "http://a"}, "ws://"),
        ({"url": "ws://[::1"}, "ws://"),
        ({"url": "ws://a:b"}, "ws://"),
        ({"users": 0}, "at least"),
        ({"subscriptions": 11}, "channels"),
        ({"duration": 0}, "above 0"),
        ({"drop": 101}, "percent"),
        ({"weak": Weak(loss=100)}, "loss"),
    ],
)
def test_what_cannot_be_done_is_told(changes, hint):
    with pytest.raises(Misplanned, match=hint):
        checked(plan(**changes))
    assert checked(plan())


def test_it_travels_as_json():
    made = plan(weak=Weak(share=5, delay=0.1), users=7)
    assert planned(json.loads(json.dumps(made.told()))) == made


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_every_user_and_channel_is_somebody_s_and_an_owner_plays_a_subscriber(workers):
    made = plan(users=20, channels=7, subscriptions=3)
    users = sorted(user for worker in range(workers) for user in made.users_of(worker, workers))
    assert users == list(range(20))
    owned = {channel: worker for worker in range(workers) for channel in made.channels_owned_by(worker, workers)}
    assert len(owned) == 7
    for channel, worker in owned.items():
        assert any(channel in made.channels_of(user) for user in made.users_of(worker, workers))
    assert all(len(made.channels_of(user)) == 3 for user in users)


def test_names_have_the_namespace_and_no_past():
    assert plan(namespace="stream").channel(3) == "stream:load-r-3"
    assert plan().channel(0) == "load-r-0"
