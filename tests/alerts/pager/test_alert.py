"""The webhook's payload is read as it is meant, and what is no payload is refused with a sentence."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.pager.alert import NEVER, BadNotification, read
from tests.alerts.pager.notices import notice, notification


def body(*alerts, **changes):
    return json.dumps(notification(*alerts) | changes).encode()


def test_a_firing_alert_has_a_begin_and_no_end():
    (alert,) = read(body(notice(starts=1000.25))).alerts
    assert (alert.firing, alert.starts_at, alert.ends_at) == (True, 1000.25, NEVER)
    assert (alert.name, alert.severity) == ("HeliographBacklog", "critical")
    assert alert.annotations["runbook_url"].endswith("/runbooks/HeliographBacklog")
    assert alert.source == "http://localhost:9090/graph?g0.expr=up"


def test_a_resolved_alert_has_both():
    (alert,) = read(body(notice(starts=1000, ends=1060))).alerts
    assert (alert.firing, alert.starts_at, alert.ends_at) == (False, 1000.0, 1060.0)


def test_nanoseconds_and_zones_are_understood():
    given = notice() | {"startsAt": "1970-01-01T09:00:00.123456789+08:00"}
    (alert,) = read(body(given)).alerts
    assert alert.starts_at == pytest.approx(3600.123456, abs=1e-5)


def test_what_alertmanager_left_out_is_known():
    assert read(body(notice(), truncatedAlerts=3)).truncated == 3


def test_labels_alone_make_an_alert_when_there_is_no_fingerprint():
    one, other = notice(instance="a"), notice(instance="b")
    del one["fingerprint"], other["fingerprint"]
    first, second = read(body(one, other)).alerts
    assert first.fingerprint != second.fingerprint


def test_an_endless_label_is_cut():
    (alert,) = read(body(notice(note="x" * 10_000))).alerts
    assert len(alert.labels["note"]) == 4096


def test_half_a_character_is_replaced_for_no_disk_keeps_it():
    (alert,) = read(body(notice("Odd\ud800", note="\udfff", **{"\ud800": "x"}))).alerts
    assert (alert.name, alert.labels["note"], alert.labels["?"]) == ("Odd?", "?", "x")


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"{", "not JSON"),
        (b'{"alerts": ' + b"[" * 100_000, "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "no list called alerts"),
        (b'{"alerts": {}}', "no list called alerts"),
        (b'{"alerts": ["x"]}', r"alerts\[0\] has no status"),
        (b'{"alerts": [{"status": "firing"}]}', r"alerts\[0\].startsAt is no time"),
        (b'{"alerts": [{"status": "firing", "labels": []}]}', r"alerts\[0\].labels is no mapping"),
        (b'{"alerts": [{"status": "resolved", "startsAt": "2026-01-01T00:00:00Z", "endsAt": 7}]}', "endsAt is no time"),
    ],
)
def test_what_is_no_notification_is_refused_with_a_sentence(sent, said):
    with pytest.raises(BadNotification, match=said):
        read(sent)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["alerts", "status", "labels", "startsAt"]) | st.text(), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(json_values)
@pytest.mark.slow
def test_nothing_else_escapes(value):
    for sent in (value, {"alerts": [value]}, {"alerts": [notice() | {"labels": value, "startsAt": value}]}):
        try:
            read(json.dumps(sent).encode())
        except BadNotification:
            pass
