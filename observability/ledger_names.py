"""The ledgers' metrics: what was expected, how it ended, and what nobody can explain. Declared as in ``names.py``."""

from typing import Final

from observability.names import EVERY_NAMESPACE, METRICS, NAMESPACES, PREFIX, Metric

DECLINED: Final = ("filtered", "unsubscribed", "repeated")
ENDS: Final = ("recovered", "told", *DECLINED)
_BY_NAMESPACE: Final = {"namespace": NAMESPACES}

EXPECTED = Metric(
    f"{PREFIX}messages_expected_total",
    "counter",
    "Messages that subscribers are to get, counted where the hub hears them.",
    _BY_NAMESPACE,
)
QUEUED = Metric(
    f"{PREFIX}messages_queued",
    "gauge",
    "Messages on their way: not fanned out yet, held back, or with slow readers; where there are any.",
    _BY_NAMESPACE,
)
ENDED = Metric(
    f"{PREFIX}messages_ended_total",
    "counter",
    "Expected messages that were neither delivered nor dropped, by how they ended instead.",
    {"namespace": NAMESPACES, "end": ENDS},
)
UNACCOUNTED = Metric(
    f"{PREFIX}messages_unaccounted",
    "gauge",
    "Expected messages of which nobody knows what became; anything but 0 is a fault of ours.",
    {"namespace": EVERY_NAMESPACE},
)
CONNECTIONS_UNACCOUNTED = Metric(
    f"{PREFIX}connections_unaccounted",
    "gauge",
    "Connections that are neither open nor closed for a known cause; anything but 0 is a fault of ours.",
)
METRICS.update((metric.name, metric) for metric in (EXPECTED, QUEUED, ENDED, UNACCOUNTED, CONNECTIONS_UNACCOUNTED))
