"""Objectives: what was promised, how much of it is kept, and how fast the allowance for failure is spent.

A burn rate of 1 spends exactly what 30 days allow; 14.4 spends two percent of it in an hour, which calls somebody.
"""

from dataclasses import dataclass

from grafana_foundation_sdk.builders import stat, timeseries
from grafana_foundation_sdk.models.common import BigValueGraphMode

from grafana.dashboards.panels import limit, lines, number
from grafana.dashboards.queries import of, prometheus

#: Burn rates at which a ticket is due, and at which somebody is called within hours and at once.
TICKET, SOON, AT_ONCE = 1, 6, 14.4
SHORT, LONG = "5m", "1h"


@dataclass(frozen=True, slots=True)
class Objective:
    """What counts as bad and what counts at all: counters (several are added), each with its matchers."""

    name: str
    share: float  # of good ones that is promised over 30 days
    bad: tuple[tuple[str, str], ...]
    valid: tuple[tuple[str, str], ...]
    inverted: bool = False  # `bad` counts the good ones

    @property
    def allowed(self) -> float:
        """Share that may fail."""
        return round(1 - self.share, 6)

    def failed(self, window: str) -> str:
        """Share that failed."""
        bad, valid = (_added(counters, window) for counters in (self.bad, self.valid))
        return f"1 - {bad} / {valid}" if self.inverted else f"{bad} / {valid}"

    def burn(self, window: str) -> str:
        """How fast the allowance is spent."""
        return f"({self.failed(window)}) / {self.allowed:g}"


def _added(counters: tuple[tuple[str, str], ...], window: str) -> str:
    sums = [f"sum (rate({of(metric, matchers)}[{window}]))" for metric, matchers in counters]
    return sums[0] if len(sums) == 1 else f"({' + '.join(sums)})"


UPGRADES, CLOSED = "heliograph_upgrades_total", "heliograph_connections_closed_total"
DELIVERY, FANOUT = "heliograph_message_delivery_seconds", "heliograph_fanout_seconds"
UPGRADED = Objective(
    "upgrades", 0.999,
    ((UPGRADES, 'result=~"overload|error"'),), ((UPGRADES, 'result=~"accepted|overload|error"'),),
)  # fmt: skip
REQUESTS = Objective("requests", 0.999, (("heliograph_errors_total", ""),), (("heliograph_requests_total", ""),))
DELIVERED = Objective(
    "delivery", 0.99, ((f"{DELIVERY}_bucket", 'le="0.25"'),), ((f"{DELIVERY}_count", ""),), inverted=True
)
STABLE = Objective(
    "stability", 0.99, ((CLOSED, 'cause=~"internal_error|unknown|memory_pressure"'),), ((CLOSED, ""),)
)  # fmt: skip
FRESH = Objective(
    "freshness", 0.995, ((f"{FANOUT}_bucket", 'le="1.0"'),), ((f"{FANOUT}_count", ""),), inverted=True
)  # fmt: skip
OBJECTIVES = (UPGRADED, REQUESTS, DELIVERED, STABLE, FRESH)


def state() -> stat.Panel:
    """Every objective's burn rate of the last hour."""
    panel = number(
        "SLO state: burn rate of the last hour",
        "How fast each objective's allowance for failure is spent: upgrades, requests, deliveries within 250 ms, "
        "connections that we end by a fault of ours, fan-out within a second. Normal is below 1: at 1 the 30 days' "
        "allowance lasts 30 days, at 14.4 two percent of it are gone in an hour and somebody is called. See SLO.",
        "short",
        ((TICKET, "yellow"), (SOON, "orange"), (AT_ONCE, "red")),
        *(prometheus(each.burn(LONG), each.name) for each in OBJECTIVES),
    )
    return panel.graph_mode(BigValueGraphMode.NONE)


def kept() -> stat.Panel:
    """Share of good ones in the last hour."""
    return number(
        "Kept in the last hour",
        "Share of good ones in the last hour, for each objective. Normal is 100 %, and at least what is promised: "
        "99.9 % of upgrades and requests, 99 % of deliveries and ends, 99.5 % of fan-outs. Which one fell says where "
        "to look: its row below.",
        "percentunit",
        (),
        *(prometheus(f"1 - ({each.failed(LONG)})", each.name) for each in OBJECTIVES),
    ).graph_mode(BigValueGraphMode.NONE)


def burning() -> timeseries.Panel:
    """The long window of all."""
    panel = lines(
        "Burn rates, one hour",
        "The burn rate of each objective over an hour. Normal is below 1. The dashed line is 14.4, where a page is "
        "due when the short window agrees; a slow burn between 1 and 6 is a ticket: look at it in daylight.",
        "short",
        *(prometheus(each.burn(LONG), each.name) for each in OBJECTIVES),
    )
    return limit(panel, AT_ONCE)


def burning_now() -> timeseries.Panel:
    """The short window of all."""
    panel = lines(
        "Burn rates, five minutes",
        "The burn rate of each objective over five minutes: is it still going on? Normal is below 1, with spikes when "
        "little happens. When the hour burns and this does not, it is over, and the page ends by itself.",
        "short",
        *(prometheus(each.burn(SHORT), each.name) for each in OBJECTIVES),
    )
    return limit(panel, AT_ONCE)


def upgrades() -> timeseries.Panel:
    """Upgrades that failed by our fault."""
    return _one(
        UPGRADED,
        "Upgrades that we failed",
        "Share of upgrades that ended in overload or error, over five minutes and an hour; mistakes of clients do not "
        "count. Normal is 0; the dashed line is what 30 days allow, 0.1 %. See Connections & upgrade.",
    )


def requests() -> timeseries.Panel:
    """Requests that failed by our fault."""
    return _one(
        REQUESTS,
        "Requests that we failed",
        "Share of API calls, connects, commands and publications that failed by our fault, over five minutes and an "
        "hour. Normal is 0; the dashed line is what 30 days allow, 0.1 %. See Errors by kind on the overview.",
    )


def deliveries() -> timeseries.Panel:
    """Deliveries that were late."""
    return _one(
        DELIVERED,
        "Late deliveries",
        "Share of deliveries that took longer than 250 ms, over five minutes and an hour. Normal is near 0; the dashed "
        "line is what 30 days allow, 1 %. See Messages, and Backlog & slow readers for whose they were.",
    )


def ends() -> timeseries.Panel:
    """Connections that we ended by a fault."""
    return _one(
        STABLE,
        "Ends by our fault",
        "Share of ended connections whose cause is a fault or a shortage of ours (internal_error, unknown, "
        "memory_pressure), over five minutes and an hour; deploys, clients and networks do not count. Normal is 0; the "
        "dashed line is what 30 days allow, 1 %. See Closes by cause.",
    )


def freshness() -> timeseries.Panel:
    """Fan-outs that took too long."""
    return _one(
        FRESH,
        "Slow fan-outs",
        "Share of batches whose fan-out took longer than a second, over five minutes and an hour. Normal is 0; the "
        "dashed line is what 30 days allow, 0.5 %. See Fan-out on Messages: more is published than one core hands out.",
    )


def _one(objective: Objective, title: str, text: str) -> timeseries.Panel:
    panel = lines(
        title,
        text,
        "percentunit",
        prometheus(objective.failed(SHORT), "five minutes"),
        prometheus(objective.failed(LONG), "an hour"),
    )
    return limit(panel, objective.allowed).axis_soft_max(2 * objective.allowed)
