"""Faults of what runs beside the server: telemetry, who is called and by whom, certificates; and deploys."""

import contextlib
from collections.abc import AsyncIterator
from typing import Final

from faults import services
from faults.fault import BURNT, ERRORS, Breaking, Fault, all_of, ordered, stopped
from faults.running import Running

_REQUESTS_FAIL: Final = (
    "HeliographErrorRate",
    "HeliographBrokerFailing",
    "HeliographErrorLogs",
    "HeliographMessageBudget",
)
_PAGES: Final = ("HeliographErrorRate", "HeliographErrorLogs")
_BEHIND_ERRORS: Final = dict.fromkeys(("HeliographBrokerFailing", "HeliographMessageBudget"), _PAGES)
_WITHOUT_COLLECTOR: Final = ("HeliographSpansLost", "HeliographTracesSilent", "HeliographLogsSilent")
_BURNT: Final = {"HeliographMessageBudget": BURNT}


@contextlib.asynccontextmanager
async def _broken_certificate(lab: Running) -> AsyncIterator[None]:
    with lab.broken_certificate():
        yield


@contextlib.asynccontextmanager
async def _expiring(lab: Running) -> AsyncIterator[None]:
    with lab.certificate_of(days=1.5):
        yield


@contextlib.asynccontextmanager
async def _broken_rota(lab: Running) -> AsyncIterator[None]:
    with lab.broken_rota():
        yield


def _letters_wait(name: str, what: str, breaks: Breaking, look: str) -> Fault:
    """The pager has something to tell, since half of all publishes fail, and a provider does not take it."""
    return Fault(
        name,
        what,
        all_of(breaks, ordered("broker-fails", 0.5)),
        fires=(*_REQUESTS_FAIL, "HeliographLettersWait"),
        behind=_BEHIND_ERRORS,
        stays=_BURNT,
        trace=ERRORS,
        look=look,
        board="oncall",
    )


FAULTS: Final = (
    Fault(
        "collector-down",
        "the OpenTelemetry Collector is away",
        stopped("collector"),
        fires=("HeliographCollectorDown", *_WITHOUT_COLLECTOR),
        behind=dict.fromkeys(
            ("HeliographSpansLost", "HeliographTracesSilent", "HeliographLogsSilent"), ("HeliographCollectorDown",)
        ),
        look="the telemetry board; the server itself is well",
        board="telemetry",
    ),
    Fault(
        "jaeger-down",
        "Jaeger is away: new traces are lost",
        stopped("jaeger"),
        fires=("HeliographJaegerDown",),
        look="the telemetry board",
        board="telemetry",
    ),
    Fault(
        "loki-down",
        "Loki is away: log lines come late",
        stopped("loki"),
        fires=("HeliographLokiDown", "HeliographLogsStuck", "HeliographLogsSilent"),
        afterwards=("HeliographLogDelay",),
        behind=dict.fromkeys(("HeliographLogsStuck", "HeliographLogsSilent"), ("HeliographLokiDown",)),
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
        "broken-config",
        "Prometheus is told to read a configuration that is none",
        services.misread,
        fires=("HeliographConfigNotLoaded",),
        look="Prometheus's log says line and reason; it goes on with the old one",
        board="telemetry",
    ),
    Fault(
        "failing-rule",
        "a rule comes that is well written, and fails on what is there",
        services.contradicting,
        fires=("HeliographRulesFail",),
        look="Prometheus's own page of rules shows it in red",
        board="oncall",
    ),
    Fault(
        "forgotten-target",
        "Prometheus is told to look at a program that is not there",
        services.forgotten,
        fires=("HeliographTargetDown",),
        look="Prometheus's own page of targets",
        board="telemetry",
    ),
    _letters_wait(
        "provider-refuses",
        "the pager's provider answers 503",
        ordered("provider-refuses", 1.0),
        look="the case in the pager's inbox says what did not go out",
    ),
    _letters_wait(
        "chat-limit",
        "the chat's robot takes no more messages, with HTTP 200",
        ordered("chat-limit", 0.5),
        look="the case in the pager's inbox says what waits",
    ),
    Fault(
        "broken-rota",
        "the rota's file names somebody who is not in it",
        _broken_rota,
        fires=("HeliographRotaWrong",),
        look="the pager's page says what is wrong; the last good one counts",
        board="oncall",
    ),
    Fault(
        "certificate-expires",
        "the TLS certificate ends in a day and a half",
        _expiring,
        fires=("HeliographCertificateExpiry", "HeliographCertificateUrgent"),
        behind={"HeliographCertificateExpiry": ("HeliographCertificateUrgent",)},
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
        stopped("pager"),
        fires=("HeliographPagerDown", "HeliographAlertmanagerFails"),
        look="Alertmanager's own page; the pages arrive when it is back",
        board="oncall",
    ),
    Fault(
        "pager-disk-full",
        "no file of the pager can grow, while the broker is slow: it takes nothing that it could lose",
        all_of(ordered("pager-disk-full", 1), ordered("broker-slow", 0.4)),
        fires=("HeliographPagerRefuses", "HeliographAlertmanagerFails", "HeliographBrokerSlow"),
        trace="heliograph_broker_operation_seconds",
        look="Alertmanager's log says the pager's answer; the pages arrive when there is room",
        board="oncall",
    ),
    Fault(
        "alertmanager-down",
        "Alertmanager is away: what fires is told to nobody",
        stopped("alertmanager"),
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
        "crash-loop",
        "the server is killed as soon as it is there, and started again, again and again",
        lambda lab: services.crashing(lab, "heliograph"),
        fires=("HeliographRestarts",),
        look="the annotations of the starts on every board; the log's end",
    ),
    Fault(
        "deploy",
        "the server is stopped in order and started again",
        lambda lab: services.deployed(lab, "heliograph"),
        fires=(),
        look="the annotation of the start on every board",
    ),
)
