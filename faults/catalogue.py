"""The closed list of what the lab can break. A fault's alerts must find it; every other alert must stay silent."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Final

from faults import crowds, services
from faults.fault import Breaking, Fault
from faults.running import Running


def _ordered(name: str, size: float) -> Breaking:
    """A fault inside the server, or of those whom it asks."""

    @contextlib.asynccontextmanager
    async def breaks(lab: Running) -> AsyncIterator[None]:
        with lab.ordered(name, size):
            yield

    return breaks


def _with(*several: Breaking) -> Breaking:
    """Several at once."""

    @contextlib.asynccontextmanager
    async def breaks(lab: Running) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for each in several:
                await stack.enter_async_context(each(lab))
            yield

    return breaks


def _stopped(*names: str) -> Breaking:
    return lambda lab: services.stopped(lab, *names)


@contextlib.asynccontextmanager
async def _collapse(lab: Running) -> AsyncIterator[None]:
    """Six of seven connections are there for a while, and then are not."""
    async with crowds.crowd(lab, 280):
        await asyncio.sleep(20.0)
    yield


@contextlib.asynccontextmanager
async def _crowded(lab: Running, people: int, *, listens: bool = True) -> AsyncIterator[None]:
    async with crowds.crowd(lab, people, listens=listens):
        yield


@contextlib.asynccontextmanager
async def _broken_certificate(lab: Running) -> AsyncIterator[None]:
    with lab.broken_certificate():
        yield


@contextlib.asynccontextmanager
async def _expiring(lab: Running) -> AsyncIterator[None]:
    with lab.certificate_of(days=1.5):
        yield


def _slow_reader(lab: Running) -> contextlib.AbstractAsyncContextManager[None]:
    return crowds.behind(lab, "slow", readers=1, lag=10, size=8192, a_second=8.0)


def _stopped_readers(lab: Running) -> contextlib.AbstractAsyncContextManager[None]:
    return crowds.behind(lab, "stopped", readers=15, lag=10**9, size=4096, a_second=16.0)


def _late_readers(lab: Running) -> contextlib.AbstractAsyncContextManager[None]:
    return crowds.behind(lab, "late", readers=2, lag=20, size=48 * 1024, a_second=4.0)


#: Errors in the log are more than a minute ago wherever something fails; whether for long enough depends on the minute.
_GROWTH: Final = {"HeliographErrorLogGrowth": "whether the log grows for long enough depends on what was before"}

FAULTS: Final = (
    Fault(
        "slow-client",
        "one client reads slowly",
        _slow_reader,
        fires=(),
        look="/debug/slow names it and says whose fault it is; nobody is woken for one client",
        board="backlog",
    ),
    Fault(
        "many-slow-clients",
        "fifteen clients stop reading a busy channel",
        _stopped_readers,
        fires=("HeliographBacklog", "HeliographSlowReaders", "HeliographOldestUnsent"),
        may={
            "HeliographSlowReadersCut": "they are cut for their age at about the same time",
            "HeliographHeartbeatsMissed": "who does not read answers no ping; it depends on when that comes",
        },
        look="/debug/slow; the panel of backlog by cause",
        board="backlog",
    ),
    Fault(
        "late-readers",
        "readers stay four seconds behind",
        _late_readers,
        fires=("HeliographDeliveryLatencyP99", "HeliographDeliveryBudget"),
        look="/debug/slow; the delivery histogram, whose exemplars lead to a message",
        board="messages",
    ),
    Fault(
        "blocked-loop",
        "something blocks the event loop for 1.2 s, again and again",
        _ordered("loop-blocked", 1.2),
        fires=("HeliographLoopBlocked", "HeliographLoopLag", "HeliographLoopPauses"),
        look="the log line loop.stalled names file and line",
        board="runtime",
    ),
    Fault(
        "gc-pressure",
        "garbage in cycles is collected without end",
        _ordered("garbage", 200_000),
        fires=("HeliographGcPauses",),
        look="the panel of the collector's pauses",
        board="runtime",
    ),
    Fault(
        "cpu-hog",
        "a thread computes all the time",
        _ordered("cpu", 1),
        fires=("HeliographCpu",),
        look="the panel of CPU; a profile of the process",
        board="runtime",
    ),
    Fault(
        "error-burst",
        "half of all publishes fail in the broker",
        _with(_ordered("broker-fails", 0.5), lambda lab: crowds.backend(lab, 4.0)),
        fires=(
            "HeliographErrorRate",
            "HeliographBrokerFailing",
            "HeliographHttp5xx",
            "HeliographErrorLogs",
            "HeliographMessageBudget",
        ),
        may=_GROWTH,
        look="error spans in Jaeger, from the panel of errors",
    ),
    Fault(
        "slow-broker",
        "every publish takes 400 ms in the broker",
        _ordered("broker-slow", 0.4),
        fires=("HeliographBrokerSlow",),
        look="broker.publish spans in Jaeger",
        board="broker",
    ),
    Fault(
        "bad-tokens",
        "ten clients a second come with tokens of another server",
        lambda lab: crowds.strangers(lab, 10.0),
        fires=(),
        look="the panel of refused connects, by reason",
        board="connections",
    ),
    Fault(
        "slow-hook",
        "the backend answers a hook after 2 s",
        _with(_ordered("hook-slow", 2.0), lambda lab: crowds.calls(lab, 2.0)),
        fires=("HeliographHooksSlow",),
        look="the panel of hooks; the log line of the breaker",
        board="broker",
    ),
    Fault(
        "reconnect-storm",
        "three hundred clients lose their connection again and again and return at once",
        lambda lab: crowds.storm(lab, 300, 1.0),
        fires=("HeliographReconnectStorm",),
        may={
            "HeliographConnectionsCollapsed": "between two gusts most are away",
            "HeliographConnectionsAhead": "within a gust their number rises",
        },
        look="the panel of closes by cause",
        board="connections",
    ),
    Fault(
        "connections-collapsed",
        "six of seven connections are gone at once",
        _collapse,
        fires=("HeliographConnectionsCollapsed",),
        may={
            "HeliographConnectionsAhead": "the lab's clients come at once",
            "HeliographReconnectStorm": "the clients of the lab come at once",
        },
        look="the panel of connections; closes by cause",
        board="connections",
    ),
    Fault(
        "silent-clients",
        "two hundred clients are there and answer no ping",
        lambda lab: _crowded(lab, 200, listens=False),
        fires=("HeliographHeartbeatsMissed",),
        may={
            "HeliographConnectionsCollapsed": "they are cut within seconds of each other",
            "HeliographConnectionsAhead": "the lab's clients come at once",
            "HeliographReconnectStorm": "the clients of the lab come at once",
        },
        look="the panel of missed heartbeats; `heliograph why` of one of them",
        board="connections",
        lasts=40.0,
    ),
    Fault(
        "near-limit",
        "more clients come until there are nine of ten that may",
        lambda lab: _crowded(lab, 350),
        fires=("HeliographConnectionsNearLimit", "HeliographConnectionsAhead"),
        may={
            "HeliographConnectionsCollapsed": "the lab's clients leave all at once when it heals",
            "HeliographReconnectStorm": "they come at once, too",
        },
        look="the panel of connections beside their limit",
        board="connections",
    ),
    Fault(
        "backend-fails",
        "the backend of a hook answers 500",
        _with(_ordered("hook-fails", 1), lambda lab: crowds.calls(lab, 4.0)),
        fires=("HeliographBreakerOpen", "HeliographErrorRate", "HeliographErrorLogs"),
        may=_GROWTH,
        look="the log lines of the breaker; the panel of answers of backends",
        board="broker",
    ),
    Fault(
        "few-descriptors",
        "nine of ten file descriptors are in use",
        _ordered("files", 0.92),
        fires=("HeliographFiles",),
        look="the panel of file descriptors",
        board="runtime",
    ),
    Fault(
        "disk-full",
        "no file of the server can grow: its log is lost",
        _ordered("disk-full", 1),
        fires=("HeliographLogLinesDropped", "HeliographLogsSilent"),
        look="heliograph_log_lines_dropped_total",
        board="telemetry",
    ),
    Fault(
        "collector-down",
        "the OpenTelemetry Collector is away",
        _stopped("collector"),
        fires=("HeliographCollectorDown", "HeliographSpansLost", "HeliographTracesSilent", "HeliographLogsSilent"),
        look="the telemetry board; the server itself is well",
        board="telemetry",
    ),
    Fault(
        "jaeger-down",
        "Jaeger is away: new traces are lost",
        _stopped("jaeger"),
        fires=("HeliographJaegerDown",),
        look="the telemetry board",
        board="telemetry",
    ),
    Fault(
        "loki-down",
        "Loki is away: log lines come late",
        _stopped("loki"),
        fires=("HeliographLokiDown", "HeliographLogsStuck"),
        afterwards=("HeliographLogDelay",),
        may={"HeliographLogsSilent": "after five minutes, ten seconds of the lab"},
        look="the telemetry board",
        board="telemetry",
    ),
    Fault(
        "prometheus-unreachable",
        "Prometheus is frozen: Alertmanager hears of nothing, nor does anybody",
        lambda lab: services.frozen(lab, "prometheus"),
        fires=("HeliographAlertingSilent",),
        look="the pager's inbox, which misses the watchdog",
        board="telemetry",
    ),
    Fault(
        "provider-refuses",
        "the pager's provider answers 503",
        _with(_ordered("provider-refuses", 1.0), _ordered("broker-fails", 0.5)),
        fires=("HeliographErrorRate", "HeliographBrokerFailing", "HeliographErrorLogs", "HeliographLettersWait"),
        may=_GROWTH,
        look="the case in the pager's inbox says what did not go out",
        board="oncall",
    ),
    Fault(
        "chat-limit",
        "the chat's robot takes no more messages, with HTTP 200",
        _with(_ordered("chat-limit", 0.5), _ordered("broker-fails", 0.5)),
        fires=("HeliographErrorRate", "HeliographBrokerFailing", "HeliographErrorLogs", "HeliographLettersWait"),
        may=_GROWTH,
        look="the case in the pager's inbox says what waits",
        board="oncall",
    ),
    Fault(
        "certificate-expires",
        "the TLS certificate ends in a day and a half",
        _expiring,
        fires=("HeliographCertificateExpiry", "HeliographCertificateUrgent"),
        look="heliograph_certificate_expiry_seconds",
        board="connections",
    ),
    Fault(
        "certificate-broken",
        "a certificate is replaced by something that is none",
        _broken_certificate,
        fires=("HeliographCertificateRefused",),
        look="the log line certificate.refused says why",
        board="causes",
    ),
    Fault(
        "pager-down",
        "the pager is away: pages wait in Alertmanager",
        _stopped("pager"),
        fires=("HeliographPagerDown", "HeliographAlertmanagerFails"),
        look="Alertmanager's own page; the pages arrive when it is back",
        board="oncall",
    ),
    Fault(
        "alertmanager-down",
        "Alertmanager is away: what fires is told to nobody",
        _stopped("alertmanager"),
        fires=("HeliographAlertmanagerDown", "HeliographNotificationsFail", "HeliographAlertingSilent"),
        unheard={"HeliographAlertmanagerDown": "who would tell it is away; the pager tells by itself"},
        look="the pager's inbox, which misses the watchdog; Prometheus's own page of alerts",
        board="oncall",
    ),
    Fault(
        "service-killed",
        "the server is killed and comes back after ten seconds",
        lambda lab: services.killed(lab, "heliograph", 10.0),
        fires=("HeliographDown",),
        look="the panel of missed scrapes; the log's end",
    ),
    Fault(
        "deploy",
        "the server is stopped in order and started again",
        lambda lab: services.deployed(lab, "heliograph"),
        fires=(),
        look="the annotation of the start on every board",
    ),
)  # fmt: skip

BY_NAME: Final[Mapping[str, Fault]] = {fault.name: fault for fault in FAULTS}

#: Alerts that no fault of the lab can raise, each with the reason. A test holds that every other alert has its fault.
WITHOUT_FAULT: Final[Mapping[str, str]] = {
    "HeliographBacklogBytes": "its bound is hundreds of megabytes; the test of shedding reaches it with a smaller one",
    "HeliographCardinality": "nothing that a client does adds series; the test with ten thousand names shows it",
    "HeliographCollectorLoses": "the Collector tries again for minutes before it gives up",
    "HeliographCollectorQueue": "its queue holds more than a lab says in a minute",
    "HeliographCollectorRefuses": "its memory limit is far above what a lab sends",
    "HeliographConfigNotLoaded": "no configuration is loaded again while a lab runs",
    "HeliographDrainStuck": "a drain ends within ten seconds by its own bound",
    "HeliographErrorLogGrowth": "its windows compare minutes; it may follow any fault with errors",
    "HeliographExemplarsAbsent": "Prometheus keeps exemplars unless somebody takes its flag away",
    "HeliographFanoutLag": "takes a flood beyond the machine's capacity, which the lab's programs share",
    "HeliographFreshnessBudget": "takes a flood beyond the machine's capacity, as HeliographFanoutLag",
    "HeliographHandshakeBudget": "takes handshakes that fail by our own fault, and none of the lab's faults is there",
    "HeliographHeartbeatSlow": "takes a network with a second of latency",
    "HeliographLokiDiscards": "our lines are within Loki's limits",
    "HeliographMemoryGrowth": "looks at half an hour, and not before the second",
    "HeliographMessagesDropped": "takes a flood beyond the machine's capacity, which the lab's programs share",
    "HeliographPagerRefuses": "takes a full disk under the pager",
    "HeliographRestarts": "its eight minutes are sixteen seconds in the lab, less than three starts take",
    "HeliographRotaWrong": "the lab's pager calls nobody by a rota",
    "HeliographRulesFail": "rules are evaluated by promtool before they come here",
    "HeliographScrapeFailures": "takes a fault of ours in a room's figures",
    "HeliographScrapeSlow": "takes a loop that stands still for whole seconds at each scrape",
    "HeliographSlowReadersCut": "takes readers that are cut minute by minute; it may follow the fault of slow clients",
    "HeliographStabilityBudget": "takes ends of many connections by our own fault",
    "HeliographTargetDown": "every program that is scraped has an alert of its own",
    "HeliographTargetGone": "the lab's targets stand in a file that no fault changes",
    "HeliographUnaccounted": "takes a fault of ours in the ledger; the tests of mutations plant each",
    "HeliographUnknownCause": "takes an end that nobody thought of",
    "HeliographUnwatched": "the lab's targets stand in a file that no fault changes",
}
