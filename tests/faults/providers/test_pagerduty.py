"""PagerDuty refuses what its Events API refuses."""

import json

import pytest

from faults.providers.book import Book
from faults.providers.pagerduty import PagerDuty

KEY, KIND = "0123456789abcdef0123456789ABCDEF", "application/json"
GOOD = {
    "routing_key": KEY,
    "event_action": "trigger",
    "dedup_key": "case-1",
    "payload": {"summary": "Fire", "source": "node-1", "severity": "critical", "custom_details": {}},
    "links": [{"href": "http://localhost:9099/cases/1", "text": "Pager"}],
}
OVER = {"routing_key": KEY, "event_action": "resolve", "dedup_key": "case-1"}


@pytest.fixture
def duty():
    return PagerDuty(Book(), key=KEY)


def call(duty, body):
    return duty.answer(KIND, json.dumps(body).encode())


def test_an_incident_opens_and_is_resolved(duty):
    status, told = call(duty, GOOD)
    assert (status, told["status"], told["dedup_key"]) == (202, "success", "case-1")
    assert duty.open == {"case-1": "Fire"}
    assert call(duty, {**OVER, "event_action": "acknowledge"})[0] == 202
    assert duty.open
    assert call(duty, OVER)[0] == 202
    assert not duty.open


@pytest.mark.parametrize(
    "body",
    [
        {**GOOD, "routing_key": "short"},
        {**GOOD, "routing_key": "f" * 32},
        {**GOOD, "event_action": "open"},
        {**GOOD, "dedup_key": "x" * 256},
        {**GOOD, "payload": {**GOOD["payload"], "severity": "page"}},
        {**GOOD, "payload": {**GOOD["payload"], "source": ""}},
        {**GOOD, "payload": {**GOOD["payload"], "summary": "x" * 1025}},
        {**GOOD, "links": [{"href": "nowhere"}]},
        {**GOOD, "more": 1},
        {key: value for key, value in GOOD.items() if key != "payload"},
        {key: value for key, value in OVER.items() if key != "dedup_key"},
    ],
)
def test_an_event_that_is_not_in_its_form_is_refused(duty, body):
    status, told = call(duty, body)
    assert (status, told["status"]) == (400, "invalid event")
    assert told["errors"]
    assert not duty.open


def test_it_is_busy_when_it_is_told_to(duty):
    duty._book.trouble_first("pagerduty", (429, "rate limit exceeded"))
    assert [call(duty, GOOD)[0] for _ in range(2)] == [429, 202]
