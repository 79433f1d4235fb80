"""What we promise for 30 days, and the rules that tell how quickly the budget of it burns: `rules/budget_….yml`.

Five objectives from one mould: a share of events may be bad, the budget. Bad events at the pace of the budget are
nothing to tell; at 14 times of it the month's budget is gone in two days, and somebody is woken. Each alert looks at
two windows: the long one says that it matters, the short one that it still goes on; for a page the last five minutes
must say so, too. `python -m alerts.objectives` writes the files; with `--check` it only compares.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

RULES = Path(__file__).parent / "rules"
DAYS = 30


@dataclass(frozen=True, slots=True)
class Burn:
    """A pace at which a budget burns, in multiples of the one that uses it up in 30 days."""

    factor: float
    long: str
    short: str
    wait: str
    severity: Literal["critical", "warning"]


#: The four pairs of windows of Google's workbook: 2 % of the budget in an hour, 5 % in six, 10 % in a day and in three.
BURNS = (
    Burn(14.4, "1h", "5m", "2m", "critical"),
    Burn(6, "6h", "30m", "5m", "critical"),
    Burn(3, "1d", "2h", "10m", "warning"),
    Burn(1, "3d", "6h", "10m", "warning"),
)
#: An hour with fewer than 360 events says nothing: there one bad event is a share of its own.
TRAFFIC = 0.1


@dataclass(frozen=True, slots=True)
class Objective:
    """A promise. ``bad`` and ``events`` are rates over five minutes, by job and instance."""

    name: str  # of the file and of the recorded metric
    alert: str
    slo: str
    share: float  # that must be good
    doing: str  # begins the summary
    what: str  # the events, in words
    fault: str  # of the bad ones, in a word of their recorded name
    wrong: str  # and in words
    panel: int  # on the board of objectives
    bad: str
    events: str = ""  # empty: ``bad`` is 0 or 1, and its mean is the share

    @property
    def budget(self) -> float:
        """The share that may be bad."""
        return round(1 - self.share, 6)

    def ratio(self, window: str) -> str:
        """The recorded share of bad events in a window."""
        kind = "rate" if window == "5m" and self.events else "avg"
        return f"instance:heliograph_{self.name}_{self.fault}:ratio_{kind}{window}"


def begun(counter: str) -> str:
    """The rate in five minutes of a counter that comes into being with its first event.

    A counter that was not there five minutes ago began at 0 since; ``rate()`` alone would not see what it began with.
    Not so when nobody looked at its instance then, unless the process is younger than that. ``README.md`` says more.
    """
    looked = "up unless up offset 5m == 1 unless on (job, instance) process_start_time_seconds > time() - 300"
    new = f"{counter} unless {counter} offset 5m unless on (job, instance) ({looked})"
    return f"({new}) / 300 or rate({counter}[5m])"


_FULL = "connection_limit|connection_rate|waiting_room_full|no_descriptors"
_OURS = "internal_error|unknown|memory_pressure|insufficient_state"
#: Both sides of a share begin at once, so all of it has the form.
_NO_PLACE = begun(f'heliograph_refusals_total{{cause=~"{_FULL}"}}')
_NO_PLACE_SAID = begun(f'heliograph_refusals_total{{answer="503", cause=~"{_FULL}"}}')
_UPGRADES = begun('heliograph_upgrades_total{result=~"accepted|error"}')
_UPGRADES_FAILED = begun('heliograph_upgrades_total{result="error"}')
_GREETINGS_FAILED = begun('heliograph_greetings_total{result="failed"}')
_ENDED = begun('heliograph_connections_closed_total{cause!="shutdown"}')
_ENDED_BY_US = begun(f'heliograph_connections_closed_total{{cause=~"{_OURS}"}}')
OBJECTIVES = (
    Objective(
        "handshakes", "HeliographHandshakeBudget", "connections", 0.999,
        "Connecting fails by our fault", "handshakes", "failed", "failed by our fault", 5,
        f"sum by (job, instance) ({_UPGRADES_FAILED} or {_GREETINGS_FAILED} or {_NO_PLACE})",
        f"sum by (job, instance) ({_UPGRADES} or {_NO_PLACE_SAID})",
    ),
    Objective(
        "messages", "HeliographMessageBudget", "requests", 0.999,
        "Calls, commands and publications fail by our fault", "calls, commands and publications",
        "failed", "failed by our fault", 6,
        'sum by (job, instance) (rate(heliograph_errors_total{kind!="connect"}[5m]))',
        'sum by (job, instance) (rate(heliograph_requests_total{kind!="connect"}[5m]))',
    ),
    Objective(
        "deliveries", "HeliographDeliveryBudget", "delivery", 0.99,
        "Messages take longer than 250 ms", "deliveries", "slow", "took longer than 250 ms", 7,
        "sum by (job, instance) (rate(heliograph_message_delivery_seconds_count[5m]))"
        ' - sum by (job, instance) (rate(heliograph_message_delivery_seconds_bucket{le="0.25"}[5m]))',
        "sum by (job, instance) (rate(heliograph_message_delivery_seconds_count[5m]))",
    ),
    Objective(
        "ends", "HeliographStabilityBudget", "connections", 0.99,
        "Connections are ended by us without need", "ends of connections", "ours",
        "were ours (an error, no memory, a lost position)", 8,
        f"sum by (job, instance) ({_ENDED_BY_US})",
        f"sum by (job, instance) ({_ENDED})",
    ),
    Objective(
        "fanout", "HeliographFreshnessBudget", "delivery", 0.995,
        "The fan-out is behind", "time", "behind", "saw a fan-out more than a second behind", 9,
        "max by (job, instance) (heliograph_fanout_lag_seconds) > bool 1",
    ),
)  # fmt: skip


def rules(objective: Objective) -> dict[str, Any]:
    """The content of an objective's rule file."""
    group = {"name": f"heliograph.budget_{objective.name}", "rules": [*_records(objective), *_alerts(objective)]}
    return {"groups": [group]}


def files() -> Mapping[str, str]:
    """Every rule file's name and text."""
    return {f"budget_{objective.name}.yml": _text(objective) for objective in OBJECTIVES}


def stale() -> list[str]:
    """The files that are not what this module says: missing, changed by hand, or left over."""
    wanted = files()
    found = {path.name: path.read_text() for path in RULES.glob("budget_*.yml")}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def _text(objective: Objective) -> str:
    head = f"# {objective.share:.4g} good in {DAYS} days. Made by `python -m alerts.objectives`; change it there.\n"
    return head + yaml.safe_dump(rules(objective), sort_keys=False, width=112)


def _records(objective: Objective) -> Iterator[dict[str, str]]:
    events, bad = (f"instance:heliograph_{objective.name}{part}" for part in ("", f"_{objective.fault}"))
    windows = sorted({window for burn in BURNS for window in (burn.long, burn.short)}, key=_minutes)
    if not objective.events:
        yield {"record": f"{bad}:bool", "expr": objective.bad}
        yield from ({"record": objective.ratio(w), "expr": f"avg_over_time({bad}:bool[{w}])"} for w in windows)
        return
    yield {"record": f"{events}:rate5m", "expr": objective.events}
    yield {"record": f"{events}:avg1h", "expr": f"avg_over_time({events}:rate5m[1h])"}
    yield {"record": f"{bad}:rate5m", "expr": objective.bad}
    yield {"record": objective.ratio("5m"), "expr": f"{bad}:rate5m / {events}:rate5m"}
    for w in windows[1:]:  # means of both, so that a busy minute counts for more than a quiet one
        mean = f"avg_over_time({bad}:rate5m[{w}]) / avg_over_time({events}:rate5m[{w}])"
        yield {"record": objective.ratio(w), "expr": mean}


def _minutes(window: str) -> int:
    return int(window[:-1]) * {"m": 1, "h": 60, "d": 1440}[window[-1]]


def _alerts(objective: Objective) -> Iterator[dict[str, Any]]:
    for burn in BURNS:
        labels = {"severity": burn.severity, "service": "heliograph", "slo": objective.slo, "signal": "metrics"}
        yield {
            "alert": objective.alert,
            "expr": _condition(objective, burn),
            "for": burn.wait,
            "labels": labels | {"window": burn.long},
            "annotations": _annotations(objective, burn),
        }


def _condition(objective: Objective, burn: Burn) -> str:
    now = ["5m"] if burn.severity == "critical" else []
    windows = dict.fromkeys([burn.long, burn.short, *now])
    limit = f"{burn.factor * objective.budget:.6g}"
    traffic = [f"instance:heliograph_{objective.name}:avg1h > {TRAFFIC}"] if objective.events else []
    return " and ".join([*(f"{objective.ratio(window)} > {limit}" for window in windows), *traffic])


def _annotations(objective: Objective, burn: Burn) -> dict[str, str]:
    days = round(DAYS / burn.factor)
    share = f"{{{{ $value | humanizePercentage }}}} of the {objective.what} on {{{{ $labels.instance }}}}"
    allowed = (
        f"{objective.budget * 100:.2g} % in {DAYS} days is what the objective of {objective.share * 100:.3g} % allows"
    )
    board = "http://localhost:3000/d/heliograph-slo/slo?var-instance={{ $labels.instance }}"
    return {
        "summary": f"{objective.doing} so often that the budget of {DAYS} days lasts for {days}.",
        "description": f"{share} {objective.wrong} within {burn.long}, and it goes on; {allowed}.",
        "runbook_url": f"http://localhost:9099/runbooks/{objective.alert}",
        "dashboard_url": f"{board}&viewPanel=panel-{objective.panel}",
    }


def main(arguments: list[str]) -> int:
    """0, or 1 when `--check` finds a stale file."""
    if "--check" not in arguments:
        for name, text in files().items():
            (RULES / name).write_text(text)
        return 0
    for name in stale():
        sys.stderr.write(f"alerts/rules/{name} is not what alerts/objectives.py says; run: make docs\n")
    return 1 if stale() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
