"""Faults of the server itself, and of what it asks: its loop, its memory, its disk, its broker, its hooks."""

from typing import Final

from faults import crowds
from faults.fault import BURNT, ERRORS, Fault, all_of, ordered

_ERRORS: Final = ("HeliographErrorRate", "HeliographErrorLogs")
_BURNT: Final = {"HeliographMessageBudget": BURNT}
_PAUSED: Final = ("HeliographLoopBlocked",)

FAULTS: Final = (
    Fault(
        "blocked-loop",
        "something blocks the event loop for 1.2 s, again and again",
        ordered("loop-blocked", 1.2),
        fires=("HeliographLoopBlocked", "HeliographLoopLag", "HeliographLoopPauses"),
        behind={"HeliographLoopLag": _PAUSED, "HeliographLoopPauses": _PAUSED},
        trace="heliograph_message_delivery_seconds",
        look="the log line loop.stalled names file and line",
        board="runtime",
    ),
    Fault(
        "gc-pressure",
        "garbage in cycles is collected without end",
        ordered("garbage", 200_000),
        fires=("HeliographGcPauses",),
        look="the panel of the collector's pauses",
        board="runtime",
    ),
    Fault(
        "cpu-hog",
        "a thread computes all the time",
        ordered("cpu", 1),
        fires=("HeliographCpu",),
        look="the panel of CPU; a profile of the process",
        board="runtime",
    ),
    Fault(
        "error-burst",
        "half of all publishes fail in the broker",
        all_of(ordered("broker-fails", 0.5), lambda lab: crowds.backend(lab, 4.0)),
        fires=(
            "HeliographErrorRate",
            "HeliographBrokerFailing",
            "HeliographHttp5xx",
            "HeliographErrorLogs",
            "HeliographMessageBudget",
        ),
        behind=dict.fromkeys(("HeliographBrokerFailing", "HeliographHttp5xx", "HeliographMessageBudget"), _ERRORS),
        stays=_BURNT,
        trace=ERRORS,
        look="error spans in Jaeger, from the panel of errors",
    ),
    Fault(
        "slow-broker",
        "every publish takes 400 ms in the broker",
        ordered("broker-slow", 0.4),
        fires=("HeliographBrokerSlow",),
        trace="heliograph_broker_operation_seconds",
        look="broker.publish spans in Jaeger",
        board="broker",
    ),
    Fault(
        "slow-hook",
        "the backend answers a hook after 2 s",
        all_of(ordered("hook-slow", 2.0), lambda lab: crowds.calls(lab, 2.0)),
        fires=("HeliographHooksSlow",),
        trace="heliograph_outside_call_seconds",
        look="the panel of hooks; the log line of the breaker",
        board="broker",
    ),
    Fault(
        "backend-fails",
        "the backend of a hook answers 500",
        all_of(ordered("hook-fails", 1), lambda lab: crowds.calls(lab, 4.0)),
        fires=("HeliographBreakerOpen", "HeliographErrorRate", "HeliographErrorLogs", "HeliographMessageBudget"),
        behind={"HeliographMessageBudget": (*_ERRORS, "HeliographBreakerOpen")},
        stays=_BURNT,
        trace="heliograph_outside_call_seconds",
        look="the log lines of the breaker; the panel of answers of backends",
        board="broker",
    ),
    Fault(
        "late-fanout",
        "the fan-out begins four seconds late, as under a flood that the machine cannot carry",
        ordered("fanout-late", 4.0),
        fires=(
            "HeliographFanoutLag",
            "HeliographFreshnessBudget",
            "HeliographDeliveryBudget",
        ),
        may={
            "HeliographDeliveryLatencyP99": "whether its four seconds have such a delivery depends on the moment",
            "HeliographSlowReadersCut": "a reader of the load that naps may be cut for the age of what waits for it",
        },
        behind={
            "HeliographFanoutLag": ("HeliographFreshnessBudget", "HeliographDeliveryBudget"),
            "HeliographFreshnessBudget": ("HeliographDeliveryLatencyP99",),
            "HeliographDeliveryBudget": ("HeliographDeliveryLatencyP99",),
        },
        stays={"HeliographFreshnessBudget": BURNT, "HeliographDeliveryBudget": BURNT},
        trace="heliograph_message_delivery_seconds",
        look="the panel of the fan-out's lag",
        board="messages",
    ),
    Fault(
        "lost-messages",
        "a tenth of all messages cannot be encoded: a mistake of the program loses them",
        ordered("encoding", 0.1),
        fires=("HeliographMessagesDropped", "HeliographUnknownCause", *_ERRORS, "HeliographMessageBudget"),
        behind={"HeliographMessageBudget": _ERRORS},
        stays=_BURNT,
        look="the panel of dropped messages, by cause; the log line internal.error says where",
        board="messages",
    ),
    Fault(
        "own-ends",
        "a fifth of what clients ask for ends their connection: a mistake of the program",
        ordered("ends", 0.2),
        fires=("HeliographStabilityBudget",),
        stays={"HeliographStabilityBudget": BURNT},
        look="the panel of closes by cause; `heliograph why` of one of them",
        board="connections",
    ),
    Fault(
        "untold-figures",
        "a room of the server cannot tell its figures",
        ordered("figures", 1),
        fires=("HeliographScrapeFailures",),
        look="heliograph_scrape_failures_total",
        board="telemetry",
    ),
    Fault(
        "few-descriptors",
        "nine of ten file descriptors are in use",
        ordered("files", 0.92),
        fires=("HeliographFiles",),
        look="the panel of file descriptors",
        board="runtime",
    ),
    Fault(
        "disk-full",
        "no file of the server can grow: its log is lost",
        ordered("disk-full", 1),
        fires=("HeliographLogLinesDropped", "HeliographLogsSilent"),
        look="heliograph_log_lines_dropped_total",
        board="telemetry",
    ),
)
