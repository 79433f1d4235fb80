"""Alertmanager's webhook payload (version 4) as alerts. Pure: bytes in, values out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

NEVER: Final = 0.0  # Alertmanager's zero time: an alert that has not ended
_LONGEST: Final = 4096  # characters of a label or an annotation; the rest is cut


class BadNotification(Exception):  # noqa: N818 - says what it is
    """Not what Alertmanager sends; the text says where it differs."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert of a notification; times in seconds since the epoch."""

    fingerprint: str  # the same as long as the labels are
    firing: bool
    starts_at: float
    ends_at: float  # NEVER while it fires
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    source: str  # where the rule can be looked at: Prometheus's page

    @property
    def name(self) -> str:
        """What the rule is called."""
        return self.labels.get("alertname", "(no name)")

    @property
    def severity(self) -> str:
        """critical, warning, info or whatever the rule says."""
        return self.labels.get("severity", "none")


@dataclass(frozen=True, slots=True)
class Notification:
    """What one call of the webhook brought."""

    alerts: tuple[Alert, ...]
    alertmanager: str  # its page
    truncated: int  # alerts that Alertmanager left out
    group_key: str = ""  # the same for all notifications of a group


def read(body: bytes) -> Notification:
    """A notification.

    Raises:
        BadNotification: it is none.

    """
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        raise BadNotification("the body is not JSON") from None
    if not isinstance(payload, dict) or not isinstance(payload.get("alerts"), list):
        raise BadNotification("there is no list called alerts: this takes Alertmanager's webhook, version 4")
    alerts = tuple(_alert(number, each) for number, each in enumerate(payload["alerts"]))
    truncated = payload.get("truncatedAlerts", 0)
    return Notification(
        alerts,
        _text(payload.get("externalURL")),
        truncated if isinstance(truncated, int) else 0,
        _text(payload.get("groupKey")),
    )


def _alert(number: int, given: Any) -> Alert:
    if not isinstance(given, dict) or given.get("status") not in ("firing", "resolved"):
        raise BadNotification(f"alerts[{number}] has no status firing or resolved")
    labels = _texts(given.get("labels"), f"alerts[{number}].labels")
    firing = given["status"] == "firing"
    return Alert(
        fingerprint=_text(given.get("fingerprint")) or json.dumps(labels, sort_keys=True),
        firing=firing,
        starts_at=_time(given.get("startsAt"), f"alerts[{number}].startsAt"),
        ends_at=NEVER if firing else _time(given.get("endsAt"), f"alerts[{number}].endsAt"),
        labels=labels,
        annotations=_texts(given.get("annotations"), f"alerts[{number}].annotations"),
        source=_text(given.get("generatorURL")),
    )


def _texts(given: Any, where: str) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise BadNotification(f"{where} is no mapping")
    return {_text(key): _text(value if isinstance(value, str) else str(value)) for key, value in given.items()}


def _text(given: Any) -> str:
    """Halves of a character, which JSON can say and no disk keeps, become question marks."""
    return given[:_LONGEST].encode("utf-8", "replace").decode() if isinstance(given, str) else ""


def _time(given: Any, where: str) -> float:
    """RFC 3339 in seconds; Go's zero time is NEVER."""
    try:
        moment = datetime.fromisoformat(given)
    except (TypeError, ValueError):
        raise BadNotification(f"{where} is no time as RFC 3339 has it") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(NEVER, moment.timestamp()) if moment.year > 1 else NEVER
