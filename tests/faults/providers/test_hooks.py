"""Companies and webhooks check who calls, and what."""

import hashlib
import hmac
import json

import pytest

from faults.providers.book import Book
from faults.providers.hooks import SMS_BUSY, Company, Webhook

KIND = "application/json"
NOW = 1_800_000_000.0


@pytest.fixture
def book():
    return Book(lambda: NOW)


@pytest.fixture
def sms(book):
    return Company(book, "sms", token="T", to="to", text="text", longest=140)


def send(sms, to="+8613800000001", text="Fire", who="Bearer T", **more):
    return sms.answer(who, KIND, json.dumps({"to": to, "text": text, **more}).encode())


def test_a_number_gets_its_text(sms, book):
    assert send(sms) == (200, {"code": "OK"})
    assert [(one.provider, one.to, one.text) for one in book.taken] == [("sms", ("+8613800000001",), "Fire")]


@pytest.mark.parametrize(
    ("what", "status"),
    [
        ({"who": "Bearer U"}, 401),
        ({"who": ""}, 401),
        ({"to": "13800000001"}, 400),
        ({"text": ""}, 400),
        ({"text": "x" * 141}, 400),
        ({"more": 1}, 400),
    ],
)
def test_what_is_wrong_is_refused(sms, book, what, status):
    assert send(sms, **what)[0] == status
    assert not book.taken
    assert book.complaints


def test_it_takes_thirty_a_minute(sms):
    assert [send(sms)[0] for _ in range(31)] == [200] * 30 + [429]


def test_it_says_no_with_http_200_when_it_is_told_to(sms, book):
    book.trouble_first("sms", SMS_BUSY)
    assert [send(sms)[1]["code"] for _ in range(2)] == ["BUSY", "OK"]
    assert not book.complaints


def signed(body, at=NOW, key=b"K"):
    digest = hmac.new(key, f"{int(at)}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={int(at)},v1={digest}"


def test_a_webhook_takes_what_is_signed_now(book):
    hook = Webhook(book, key="K")
    body = json.dumps({"cases": [{"title": "Fire"}], "person": "ada"}).encode()
    assert hook.answer(signed(body), KIND, body) == (200, {})
    for bad in ("", signed(body + b" "), signed(body, key=b"L"), signed(body, NOW - 301), signed(body, NOW + 301)):
        assert hook.answer(bad, KIND, body)[0] == 401
    assert hook.answer(signed(b"{}"), KIND, b"{}")[0] == 400
    assert len(book.taken) == 1
    assert len(book.complaints) == 6
