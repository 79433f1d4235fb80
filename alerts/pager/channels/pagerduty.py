"""PagerDuty: Events API v2. Its incident follows the case, or those of a storm: triggered, acknowledged, resolved."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from alerts.pager.channels.outcome import JSON, Answer, Call, Outcome, by_status, secret
from alerts.pager.message import Kind, Message, cut
from alerts.pager.rota import Person

_ACTIONS: Final[dict[Kind, str]] = {"over": "resolve", "acknowledged": "acknowledge"}  # all others: trigger


@dataclass(frozen=True, slots=True)
class PagerDuty:
    """``routing_key_file`` holds the integration's key."""

    name: str
    routing_key_file: str
    url: str = "https://events.pagerduty.com/v2/enqueue"
    limit: int = 120
    personal: bool = False
    together: bool = False  # an event is about one incident
    follows: bool = True

    def call(self, messages: Sequence[Message], person: Person | None, now: float) -> Call:
        """See ``Channel.call``."""
        del person, now
        (message,) = messages
        event: dict[str, Any] = {
            "routing_key": secret(self.routing_key_file, "PagerDuty's routing key"),
            "event_action": _ACTIONS.get(message.kind, "trigger"),
            "dedup_key": hashlib.sha256(message.topic.encode()).hexdigest()[:32],
        }
        if message.kind not in _ACTIONS:
            first = message.lines[0]
            event["payload"] = {
                "summary": cut(message.title, 1024),
                "source": first.instance or "heliograph",
                "severity": message.severity if message.severity in ("critical", "warning", "info") else "error",
                "custom_details": {line.name: line.description or line.summary for line in message.lines},
            }
            links = ((first.runbook, "Runbook"), (first.board, "Board"), (message.page, "Pager"))
            event["links"] = [{"href": url, "text": text} for url, text in links if url]
        return Call(self.url, msgspec.json.encode(event), JSON)

    def verdict(self, answer: Answer) -> Outcome:
        """See ``Channel.verdict``."""
        return by_status(answer)
