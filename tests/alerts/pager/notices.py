"""Notifications as Alertmanager sends them."""

from datetime import UTC, datetime
from typing import Any


def notice(name="HeliographBacklog", *, starts=1000.0, ends=None, **labels) -> dict[str, Any]:
    """One alert of a notification; resolved when it has an end."""
    labels = {"alertname": name, "severity": "critical", "instance": "heliograph:9000"} | labels
    return {
        "status": "firing" if ends is None else "resolved",
        "labels": labels,
        "annotations": {
            "summary": "More messages wait than 1.5 for each connection.",
            "description": "4.0 messages per connection wait.",
            "runbook_url": f"http://localhost:9099/runbooks/{name}",
            "dashboard_url": "http://localhost:3000/d/heliograph-overview/overview?viewPanel=panel-11",
        },
        "startsAt": stamp(starts),
        "endsAt": "0001-01-01T00:00:00Z" if ends is None else stamp(ends),
        "generatorURL": "http://localhost:9090/graph?g0.expr=up",
        "fingerprint": f"{hash(frozenset(labels.items())) & (2**64 - 1):016x}",
    }


def notification(*alerts) -> dict[str, Any]:
    """What Alertmanager posts."""
    return {
        "version": "4",
        "groupKey": '{}:{alertname="HeliographBacklog"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "pager",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://localhost:9093",
        "alerts": list(alerts),
    }


def stamp(seconds: float) -> str:
    """A time as Go writes it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
