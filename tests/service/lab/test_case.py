"""One shape for what is known, whatever the source."""

from collections import Counter

from service.lab.case import Case, from_lines, moment, take


def closed(client, at, **more):
    stamp = f"2026-11-20T10:00:{at:02d}.000000Z"
    return {"event": "connection.closed", "timestamp": stamp, "connection_id": client, "cause": "no_pong", **more}


def recorded(client, at):
    return {**closed(client, at), "event": "connection.recorded", "events": [{"at": 0.0, "event": "upgraded"}]}


def test_times_are_read_from_lines_and_stories():
    assert moment({"ended": 5.5}) == 5.5
    assert moment(closed("a", 1)) - moment(closed("a", 0)) == 1.0
    assert moment({}) == moment({"timestamp": "yesterday"}) == 0.0


def test_the_last_end_that_nobody_wanted_is_explained():
    lines = [closed("a", 1), recorded("a", 1), closed("b", 2), recorded("b", 2), closed("c", 3)]
    case = from_lines("ann", "user", lines, [], Counter(no_pong=3))
    assert case.story["connection_id"] == "b"
    assert case.kinds() == ["upgraded"]
    assert [other["connection_id"] for other in case.others] == ["a", "c"]
    assert case.known


def test_without_one_the_last_end_is():
    case = Case("ann", "user")
    take(case, [closed("a", 1), closed("b", 2)])
    assert (case.story["connection_id"], case.events) == ("b", [])


def test_a_process_that_died_is_one_that_was_started_again_without_a_stop():
    seen = {"event": "connection.connected", "timestamp": "2026-11-20T10:00:00Z", "connection_id": "a"}
    stopped = {"event": "service.stopped", "timestamp": "2026-11-20T10:00:05Z"}
    started = {"event": "service.started", "timestamp": "2026-11-20T10:00:09Z"}
    assert from_lines("a", "connection", [seen], [started], Counter()).died()
    assert not from_lines("a", "connection", [seen], [stopped, started], Counter()).died()
    assert not from_lines("a", "connection", [seen], [], Counter()).died()
    assert not from_lines("a", "connection", [], [started], Counter()).known
