"""Anything else: JSON to a URL, signed with HMAC-SHA256 over time and body."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import msgspec

from alerts.pager.channels.outcome import JSON, Answer, Call, Outcome, by_status, secret
from alerts.pager.message import Message
from alerts.pager.rota import Person


@dataclass(frozen=True, slots=True)
class Webhook:
    """The receiver checks ``X-Heliograph-Signature: t=<seconds>,v1=<hex>`` over ``<seconds>.<body>``."""

    name: str
    url: str
    secret_file: str = ""
    limit: int = 0
    personal: bool = False
    together: bool = True
    follows: bool = True

    def call(self, messages: Sequence[Message], person: Person | None, now: float) -> Call:
        """See ``Channel.call``."""
        told = [{**asdict(message), "title": message.title} for message in messages]
        body = msgspec.json.encode({"cases": told, "person": person.key if person is not None else ""})
        headers = dict(JSON)
        if self.secret_file:
            key = secret(self.secret_file, "the webhook's key")
            digest = hmac.new(key.encode(), f"{int(now)}.".encode() + body, hashlib.sha256).hexdigest()
            headers["X-Heliograph-Signature"] = f"t={int(now)},v1={digest}"
        return Call(self.url, body, headers)

    def verdict(self, answer: Answer) -> Outcome:
        """See ``Channel.verdict``."""
        return by_status(answer)
