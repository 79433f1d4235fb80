"""The closed list of what the lab can break. A fault's alerts must find it; every other alert must stay silent."""

from collections.abc import Mapping
from typing import Final

from faults import of_clients, of_others, of_server
from faults.fault import Fault

FAULTS: Final = (*of_clients.FAULTS, *of_server.FAULTS, *of_others.FAULTS)
BY_NAME: Final[Mapping[str, Fault]] = {fault.name: fault for fault in FAULTS}

#: Alerts that no fault of the lab can raise, each with the reason. A test holds that every other alert has its fault.
WITHOUT_FAULT: Final[Mapping[str, str]] = {
    "HeliographBacklogBytes": "its bound is hundreds of megabytes; the test of shedding reaches it with a smaller one",
    "HeliographCardinality": "nothing that a client does adds series; the test with ten thousand names shows it",
    "HeliographCollectorLoses": "the Collector tries again for minutes before it gives up",
    "HeliographCollectorQueue": "its queue holds more than a lab says in a minute",
    "HeliographCollectorRefuses": "its memory limit is far above what a lab sends",
    "HeliographDrainStuck": "a drain ends within ten seconds by its own bound",
    "HeliographErrorLogGrowth": "takes errors that become more and more for minutes; what the lab breaks fails at once",
    "HeliographExemplarsAbsent": "Prometheus keeps exemplars unless somebody takes its flag away",
    "HeliographLokiDiscards": "our lines are within Loki's limits",
    "HeliographMemoryGrowth": "looks at half an hour, and not before the second",
    "HeliographScrapeSlow": "a lab looks every second, so a look that takes longer than its one second has failed",
    "HeliographTargetGone": "waits for five minutes that are written as a number, which a lab does not divide",
    "HeliographUnaccounted": "takes a fault of ours in the ledger; the tests of mutations plant each",
    "HeliographUnwatched": "Prometheus looks back five minutes for a target that its file has lost, in a lab, too",
}
