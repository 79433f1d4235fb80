"""A company that sends SMS, one that calls, and a receiver of signed webhooks. Pure but for their clock.

The first one refuses with HTTP 200, as many do; the second one with a status.
"""

import hashlib
import hmac
import re
from typing import Any, Final

from faults.providers.book import Book
from faults.providers.form import INTERNATIONAL, Wrong, fields, json_of
from faults.providers.rate import Rate

SMS, PHONE, WEBHOOK = "sms", "phone", "webhook"
LONGEST_SMS: Final = 140  # characters
FRESH: Final = 300.0  # seconds that a webhook's signature is good
_SIGNED: Final = re.compile(r"t=(\d+),v1=([0-9a-f]{64})")
SMS_BUSY: Final = (200, {"code": "BUSY", "message": "try again"})
PHONE_BUSY: Final = (503, {"message": "all lines are busy"})
WEBHOOK_BUSY: Final = (503, {"message": "out of order"})
Answer = tuple[int, dict[str, Any]]


class Company:
    """Sends a text to a number, or reads it to somebody; ``Authorization: Bearer`` has its token."""

    def __init__(self, book: Book, name: str, *, token: str, to: str, text: str, longest: int) -> None:
        """``to`` and ``text``: how its fields are called."""
        self._book = book
        self._name, self._token, self._to, self._text, self._longest = name, token, to, text, longest
        self._rate = Rate(30)

    def answer(self, authorization: str, content_type: str, body: bytes) -> Answer:
        """Status and body."""
        if (trouble := self._book.trouble(self._name)) is not None:
            self._book.refuse(self._name, trouble[0], str(trouble[1]), ordered=True)
            return trouble[0], trouble[1]
        try:
            self._admit(authorization)
            found = self._read(content_type, body)
        except Wrong as wrong:
            self._book.refuse(self._name, wrong.code, wrong.why)
            return wrong.code, {"code": "REFUSED", "message": wrong.why}
        self._book.take(self._name, (found[self._to],), found[self._text], found)
        return 200, {"code": "OK"}

    def _admit(self, authorization: str) -> None:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {self._token}".encode()):
            raise Wrong(401, "who are you?")

    def _read(self, content_type: str, body: bytes) -> dict[str, Any]:
        found = json_of(content_type, body, 400)
        fields(found, {self._to: str, self._text: str}, {}, 400)
        if not INTERNATIONAL.fullmatch(found[self._to]):
            raise Wrong(400, f"{found[self._to]!r} is no number")
        if not 0 < len(found[self._text]) <= self._longest:
            raise Wrong(400, f"the text has {len(found[self._text])} characters")
        if not self._rate.allows(self._book.clock()):
            raise Wrong(429, "too many")
        return found


class Webhook:
    """Takes what is signed: ``X-Heliograph-Signature: t=<seconds>,v1=<hex>`` over ``<seconds>.<body>``."""

    def __init__(self, book: Book, *, key: str) -> None:
        self._book = book
        self._key = key

    def answer(self, signature: str, content_type: str, body: bytes) -> Answer:
        """Status and body."""
        if (trouble := self._book.trouble(WEBHOOK)) is not None:
            self._book.refuse(WEBHOOK, trouble[0], str(trouble[1]), ordered=True)
            return trouble[0], trouble[1]
        try:
            self._admit(signature, body)
            found = json_of(content_type, body, 400)
            fields(found, {"cases": list, "person": str}, {}, 400)
        except Wrong as wrong:
            self._book.refuse(WEBHOOK, wrong.code, wrong.why)
            return wrong.code, {"message": wrong.why}
        titles = "\n".join(str(case["title"]) for case in found["cases"])
        self._book.take(WEBHOOK, (found["person"],), titles, found)
        return 200, {}

    def _admit(self, signature: str, body: bytes) -> None:
        parts = _SIGNED.fullmatch(signature)
        if parts is None:
            raise Wrong(401, "not signed")
        if abs(self._book.clock() - int(parts[1])) > FRESH:
            raise Wrong(401, "signed long ago")
        wanted = hmac.new(self._key.encode(), f"{parts[1]}.".encode() + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(parts[2], wanted):
            raise Wrong(401, "the signature is not right")
