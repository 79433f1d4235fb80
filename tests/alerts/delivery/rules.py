"""Alerts as the rule files make them: labels and annotations are read from there, never typed."""

import re
from datetime import UTC, datetime
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
RULES = [
    rule
    for folder in ("rules", "loki")
    for path in sorted((ROOT / "alerts" / folder).glob("*.yml"))
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
]


def alert(name, instance, **labels):
    """What Prometheus or Loki's ruler posts when this rule fires about an instance."""
    rule = next(rule for rule in RULES if rule["alert"] == name)
    told = {key: _filled(text, instance) for key, text in rule["annotations"].items()}
    source = "http://localhost:9090/graph?g0.expr=up"
    labels = {"alertname": name, "instance": instance, **rule["labels"], **labels}
    return {"labels": labels, "annotations": told, "startsAt": _stamp(), "generatorURL": source}


def ended(one):
    """The same alert, when it is over."""
    return {**one, "endsAt": _stamp()}


def pages(but=()):
    """Names of the rules whose alerts wake somebody by the route `critical`."""
    return sorted(
        {
            rule["alert"]
            for rule in RULES
            if (rule["labels"]["severity"], rule["labels"]["signal"]) == ("critical", "metrics")
            and rule["labels"]["slo"] != "delivery"
            and rule["alert"] not in but
        }
    )


def _filled(text, instance):
    return re.sub(r"{{.*?}}", "12.3", re.sub(r"{{ *\$labels\.instance *}}", instance, text))


def _stamp():
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
