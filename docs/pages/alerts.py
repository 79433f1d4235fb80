"""The alerts with their conditions, waits and runbooks."""

from pathlib import Path
from typing import Any

import yaml

from docs.pages.markdown import code, page, table

ALERTS = Path(__file__).parents[2] / "alerts"


def alerts() -> str:
    """Every alert, and what is recorded for it."""
    rules = [
        rule
        for folder in ("rules", "loki")
        for file in sorted((ALERTS / folder).glob("*.yml"))
        for rule in _rules(file)
    ]
    firing = [
        [
            f"[{rule['alert']}](../../alerts/runbooks/{rule['alert']}.md)",
            rule["labels"]["severity"],
            code(rule["expr"]),
            rule.get("for", "at once"),
            rule["annotations"]["summary"],
        ]
        for rule in rules
        if "alert" in rule
    ]
    recorded = [[code(rule["record"]), code(rule["expr"])] for rule in rules if "record" in rule]
    return page(
        "Alerts",
        "alerts/rules and alerts/loki",
        "Each alert leads to its runbook, which says what to do first. `make test` proves for each when it fires and "
        "when it stays silent. Critical ones are *pages*: somebody is called at any hour. Warnings and infos are "
        "*tickets*: people are told of them in working hours, the inbox shows them at once.",
        "One alert is of no rule: [HeliographAlertingSilent](../../alerts/runbooks/HeliographAlertingSilent.md) is "
        "made by the pager itself when Watchdog has not come for `watchdog.after`: then no other can reach anybody.",
        table(["alert and runbook", "severity", "condition", "for", "what it says"], firing),
        "## Recorded for them",
        table(["name", "expression"], recorded),
    )


def _rules(file: Path) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]
