"""What the rule files of today say, at a lab's pace."""

from pathlib import Path

import yaml

from alerts.lab import hastened, seconds
from alerts.pager import watchdog
from faults.watch import HEARTBEAT

ROOT = Path(__file__).parents[2]
FILES = [*(ROOT / "alerts" / "rules").rglob("*.yml"), *(ROOT / "alerts" / "loki").rglob("*.yml")]
#: Every rule that alerts, but the heartbeat.
RULES = [
    rule
    for file in FILES
    for group in hastened(yaml.safe_load(file.read_text()))["groups"]
    for rule in group["rules"]
    if rule.get("alert", HEARTBEAT) != HEARTBEAT
]
#: Each alert's shortest ``for``; the pager's own word has none.
HOLDS = {watchdog.NAME: 0.0}
for _rule in RULES:
    _hold = round(seconds(_rule.get("for", "0s")), 1)
    HOLDS[_rule["alert"]] = min(_hold, HOLDS.get(_rule["alert"], _hold))
