"""Objectives: what was promised, how much of it is kept, and how fast the allowance for failure is spent.

What counts as bad stands in `alerts/objectives.py`, whose rules record it and call; here it is drawn, always of the
instance that is worst. A burn rate of 1 spends exactly what 30 days allow; 14.4 spends two percent of it in an hour.
"""

from collections.abc import Mapping

from grafana_foundation_sdk.builders import stat, timeseries
from grafana_foundation_sdk.models.common import BigValueGraphMode

from alerts.objectives import BURNS, OBJECTIVES, Objective
from grafana.dashboards.panels import limit, lines, number
from grafana.dashboards.queries import of, prometheus

#: Burn rates at which a ticket is due, and at which somebody is called within hours and at once.
AT_ONCE, SOON, _, TICKET = (burn.factor for burn in BURNS)
SHORT, LONG = "5m", "1h"
BY_NAME: Mapping[str, Objective] = {objective.name: objective for objective in OBJECTIVES}


def failed(objective: Objective, window: str, by: str = "") -> str:
    """Share that failed, where it is highest, or by the given label."""
    return f"max{f' by ({by})' if by else ''} ({of(objective.ratio(window))})"


def burn(objective: Objective, window: str, by: str = "") -> str:
    """How fast the allowance is spent."""
    return f"{failed(objective, window, by)} / {objective.budget:g}"


def state() -> stat.Panel:
    """Every objective's burn rate of the last hour."""
    panel = number(
        "SLO state: burn rate of the last hour",
        "How fast each objective's allowance for failure is spent: handshakes, messages (calls, commands and "
        "publications), deliveries within 250 ms, ends of connections by a fault of ours, fan-out within a second. "
        "Normal is below 1: at 1 the 30 days' allowance lasts 30 days, at 14.4 somebody is called. See SLO.",
        "short",
        ((TICKET, "yellow"), (SOON, "orange"), (AT_ONCE, "red")),
        *(prometheus(burn(each, LONG), each.name) for each in OBJECTIVES),
    )
    return panel.graph_mode(BigValueGraphMode.NONE)


def kept() -> stat.Panel:
    """Share of good ones in the last hour."""
    return number(
        "Kept in the last hour",
        "Share of good ones in the last hour, for each objective. Normal is 100 %, and at least what is promised: "
        "99.9 % of handshakes and messages, 99 % of deliveries and ends, 99.5 % of the time for the fan-out. Which one "
        "fell says where to look: its row below.",
        "percentunit",
        (),
        *(prometheus(f"1 - {failed(each, LONG)}", each.name) for each in OBJECTIVES),
    ).graph_mode(BigValueGraphMode.NONE)


def burning() -> timeseries.Panel:
    """The long window of all."""
    panel = lines(
        "Burn rates, one hour",
        "The burn rate of each objective over an hour. Normal is below 1. The dashed line is 14.4, where a page is "
        "due when the short window agrees; a slow burn between 1 and 6 is a ticket: look at it in daylight.",
        "short",
        *(prometheus(burn(each, LONG), each.name) for each in OBJECTIVES),
    )
    return limit(panel, AT_ONCE)


def burning_now() -> timeseries.Panel:
    """The short window of all."""
    panel = lines(
        "Burn rates, five minutes",
        "The burn rate of each objective over five minutes: is it still going on? Normal is below 1, with spikes when "
        "little happens. When the hour burns and this does not, it is over, and the page ends by itself.",
        "short",
        *(prometheus(burn(each, SHORT), each.name) for each in OBJECTIVES),
    )
    return limit(panel, AT_ONCE)


def handshakes() -> timeseries.Panel:
    """Connecting."""
    return _one(
        "handshakes",
        "Budget of handshakes",
        "How fast the 0.1 % of handshakes is spent that may fail by our fault (no place, an error of ours; mistakes of "
        "clients do not count), over four windows. Normal is below the dashed line, at which 30 days use it up. "
        "HeliographHandshakeBudget calls at 14.4 over an hour and 6 over six. See Connections & upgrade.",
    )


def messages() -> timeseries.Panel:
    """Calls, commands and publications."""
    return _one(
        "messages",
        "Budget of calls, commands and publications",
        "How fast the 0.1 % of them is spent that may fail by our fault, over four windows. Normal is below the dashed "
        "line, at which 30 days use it up. HeliographMessageBudget calls at 14.4 over an hour and 6 over six. See "
        "Errors by kind on the overview.",
    )


def deliveries() -> timeseries.Panel:
    """The delivery latency as a share."""
    return _one(
        "deliveries",
        "Budget of late deliveries",
        "How fast the 1 % of deliveries is spent that may take longer than 250 ms, over four windows. Normal is below "
        "the dashed line, at which 30 days use it up. HeliographDeliveryBudget calls at 14.4 over an hour and 6 over "
        "six. See Messages, and Backlog & slow readers for whose they were.",
    )


def ends() -> timeseries.Panel:
    """Connections that we ended by a fault."""
    return _one(
        "ends",
        "Budget of ends by our fault",
        "How fast the 1 % of ends is spent whose cause may be a fault or a shortage of ours (deploys, clients and "
        "networks do not count), over four windows. Normal is below the dashed line, at which 30 days use it up. "
        "HeliographStabilityBudget calls at 14.4 over an hour and 6 over six. See Closes by cause.",
    )


def fanout() -> timeseries.Panel:
    """How fresh messages are when they go out."""
    return _one(
        "fanout",
        "Budget of the fan-out's lag",
        "How fast the 0.5 % of time is spent in which the fan-out may be more than a second behind, over four windows. "
        "Normal is below the dashed line, at which 30 days use it up. HeliographFreshnessBudget calls at 14.4 over an "
        "hour and 6 over six. See Fan-out on Messages: more is published than one core hands out.",
    )


def _one(name: str, title: str, text: str) -> timeseries.Panel:
    objective = BY_NAME[name]
    windows = (each.long for each in BURNS)
    queries = (prometheus(burn(objective, window, "instance"), f"{{{{instance}}}}, {window}") for window in windows)
    return limit(lines(title, text, "short", *queries), TICKET)
