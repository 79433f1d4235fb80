"""PagerDuty's Events API v2: an incident for each key, opened and resolved. Pure but for its clock."""

import re
from typing import Any, Final

from faults.providers.book import Book
from faults.providers.form import Wrong, fields, json_of

NAME: Final = "pagerduty"
BUSY: Final = (429, "rate limit exceeded")
_BAD: Final = 400
_KEY: Final = re.compile(r"[0-9A-Za-z]{32}")
_ADDRESS: Final = re.compile(r"https?://\S+")


class PagerDuty:
    """One integration of one service."""

    def __init__(self, book: Book, *, key: str) -> None:
        """``key``: the integration's, 32 characters."""
        self._book = book
        self._key = key
        self.open: dict[str, str] = {}  # dedup key -> summary of the incident

    def answer(self, content_type: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and body of ``POST /v2/enqueue``."""
        if (trouble := self._book.trouble(NAME)) is not None:
            self._book.refuse(NAME, *trouble, ordered=True)
            return trouble[0], {"status": "throttle exceeded", "message": trouble[1]}
        try:
            found = self._read(content_type, body)
        except Wrong as wrong:
            self._book.refuse(NAME, wrong.code, wrong.why)
            return wrong.code, {"status": "invalid event", "message": "Event object is invalid", "errors": [wrong.why]}
        key = found["dedup_key"]
        text = self.open.get(key, "")
        if found["event_action"] == "trigger":
            text = self.open[key] = found["payload"]["summary"]
        elif found["event_action"] == "resolve":
            self.open.pop(key, None)
        self._book.take(NAME, (key,), text, found)
        return 202, {"status": "success", "message": "Event processed", "dedup_key": key}

    def _read(self, content_type: str, body: bytes) -> dict[str, Any]:
        found = json_of(content_type, body, _BAD)
        needed = {"routing_key": str, "event_action": str, "dedup_key": str}
        fields(found, needed, {"payload": dict, "links": list, "images": list, "client": str, "client_url": str}, _BAD)
        if not _KEY.fullmatch(found["routing_key"]) or found["routing_key"] != self._key:
            raise Wrong(_BAD, "'routing_key' is invalid")
        if not 0 < len(found["dedup_key"]) <= 255:
            raise Wrong(_BAD, "'dedup_key' is longer than 255 characters, or empty")
        if found["event_action"] not in ("trigger", "acknowledge", "resolve"):
            raise Wrong(_BAD, "'event_action' is invalid")
        if found["event_action"] == "trigger":
            self._check_payload(found.get("payload"))
        for link in found.get("links", ()):
            fields(link, {"href": str}, {"text": str}, _BAD, "links.")
            if not _ADDRESS.fullmatch(link["href"]):
                raise Wrong(_BAD, f"'links.href' {link['href']!r} is no address")
        return found

    def _check_payload(self, payload: Any) -> None:
        needed = {"summary": str, "source": str, "severity": str}
        may = {"timestamp": str, "component": str, "group": str, "class": str, "custom_details": dict}
        fields(payload, needed, may, _BAD, "payload.")
        if not 0 < len(payload["summary"]) <= 1024:
            raise Wrong(_BAD, "'payload.summary' is longer than 1024 characters, or empty")
        if payload["severity"] not in ("critical", "error", "warning", "info"):
            raise Wrong(_BAD, "'payload.severity' is invalid")
        if not payload["source"]:
            raise Wrong(_BAD, "'payload.source' is blank")
