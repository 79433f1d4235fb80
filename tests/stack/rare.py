"""Queries that find nothing under the everyday load, rightly: each with the fault under which it finds something.

Whatever stands here is asked by ``test_under_faults.py`` and ``test_without_room.py``; everything else is asked under the
everyday load.
"""

import math
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faults.running import Running, until
from grafana.questions import Question, questions

RUNBOOKS = Path(__file__).parents[2] / "alerts" / "runbooks"

#: Fault → what is broken, and why nothing else shows it.
FAULTS = {
    "alerts": "three alerts have fired: nothing fires under the everyday load",
    "broker": "half of all publishes fail: the memory broker alone never does",
    "stopped": "readers take nothing until they are cut: everyday readers are at most slow for three seconds",
    "conflated": "a reader of a namespace that keeps the newest takes nothing: the demonstration has no such namespace",
    "late": "readers are seconds behind: nobody is, every day",
    "refused": "a client asks for a channel of no namespace: the load's clients ask for nothing that is not there",
    "hook": "the backend of a hook is away: the demonstration has no backend",
    "signal": "a signal of the upgrade's chain raises: the demonstration has none",
    "provider": "a provider that the pager shall call is away: without configuration all lands in the inbox",
    "looked": "somebody reads the debug API: nobody does without a reason",
    "encoding": "what is published cannot be encoded: a defect that is not there",
    "transport": "a publish fails and its publisher wants a status: the load takes errors in the body",
    "collector": "garbage is collected again and again: the demonstration makes too little of it",
    "stall": "the event loop is blocked: nothing blocks it every day",
    "unreadable": "the files of a certificate are no certificate",
    "distrust": "a client does not trust the certificate",
    "restart": "the server is told to stop: the demonstration goes on",
    "certificate": "a port has a certificate, and a hook an authority: the demonstration speaks plain HTTP",
    "old": "a line of three weeks ago is read: everyday lines are of now",
    "unheard": "the Collector is away while there are spans: everyday it is there",
    "uncounted": "deliveries and ends are not counted: a defect that is not there",
    "pressure": "readers that take nothing hold more together than all may: everyday ones hold little",
    "knocking": "more stand at the door and say nothing than there is room for: everyday guests come one by one",
    "descriptors": "no descriptor is left: the demonstration needs a hundred",
}
#: Those that ``test_without_room.py`` brings, after all others.
LAST = {"pressure", "descriptors"}
RARE = {
    "backlog: Cut readers: A": "stopped",
    "backlog: Dropped messages by cause: A": "conflated",
    "backlog: Latest slow deliveries: A": "late",
    "backlog: Slow readers, in words: A": "stopped",
    "broker: Unanswered questions: A": "hook",
    "broker: Questions by result: A": "hook",
    "broker: Answers, P99: A": "hook",
    "broker: Answers, percentiles: A": "hook",
    "broker: Answers, percentiles: B": "hook",
    "broker: Answers, percentiles: C": "hook",
    "broker: Further tries: A": "hook",
    "broker: Broker and backends, in words: A": "broker",
    "causes: Days until a certificate expires: A": "certificate",
    "causes: Days until a certificate expires, against two: A": "certificate",
    "causes: Certificates refused: A": "certificate",
    "causes: Slow hooks: A": "hook",
    "causes: Dropped messages: A": "encoding",
    "causes: Unknown causes: A": "encoding",
    "causes: Open breakers: A": "hook",
    "connections: Skipped steps of the upgrade: A": "signal",
    "connections: Certificates: A": "certificate",
    "connections: Certificates: B": "certificate",
    "logs: Errors and warnings by event: A": "broker",
    "messages: Publish errors by code: A": "broker",
    "messages: Refused commands by code: A": "refused",
    "messages: Dropped messages by cause: A": "conflated",
    "messages: Latest slow deliveries: A": "late",
    "messages: What became of messages: C": "conflated",
    "oncall: Alerts over time: A": "alerts",
    "oncall: Pending alerts over time: A": "alerts",
    "oncall: Calls of providers: A": "provider",
    "oncall: Calls of providers: B": "provider",
    "oncall: Providers, mean duration: A": "provider",
    "telemetry: Debug API: A": "looked",
    "HeliographCertificateRefused: 3": "unreadable",
    "HeliographCertificateUrgent: 2": "distrust",
    "HeliographCertificateUrgent: 3": "unreadable",
    "HeliographDrainStuck: 3": "restart",
    "HeliographGcPauses: 2": "collector",
    "HeliographHttp5xx: 1": "transport",
    "HeliographCpu: 3": "stall",
    "HeliographLoopBlocked: 3": "stall",
    "HeliographLoopLag: 3": "stall",
    "HeliographLoopPauses: 3": "stall",
    "HeliographCollectorLoses: 1": "old",
    "HeliographLokiDown: 3": "old",
    "HeliographLokiDiscards: 1": "old",
    "HeliographSpansLost: 3": "unheard",
    "HeliographUnaccounted: 1": "uncounted",
    "HeliographUnaccounted: 2": "uncounted",
    "HeliographBacklogBytes: 1": "pressure",
    "HeliographHttp5xx: 2": "knocking",
    "HeliographHandshakeBudget: 2": "descriptors",
}
#: Panels whose diamonds are too seldom for a minute's run: one heartbeat in some hundred is sampled, unless all are.
SELDOM = {"backlog: Ping to pong, percentiles: A", "connections: Ping to pong, percentiles: A"}


def every_question() -> dict[str, Question]:
    """Of boards and of runbooks, by where they stand."""
    asked = {question.where: question for question in questions()}
    for page in sorted(RUNBOOKS.glob("*.md")):
        blocks = re.findall(r"```(promql|logql)\n(.*?)```", page.read_text(), re.DOTALL)
        for number, (language, text) in enumerate(blocks, 1):
            where = f"{page.stem}: {number}"
            asked[where] = Question(where, {"promql": "prometheus", "logql": "loki"}[language], text.strip(), {})
    return asked


def finite(source: str, answer: dict[str, Any]) -> Iterator[float]:
    """Times of the finite samples, lines or traces of an answer."""
    if source == "jaeger":
        yield from (trace["spans"][0]["startTime"] / 1e6 for trace in answer["data"] or ())
        return
    scale = 1e9 if answer["data"]["resultType"] == "streams" else 1
    for series in answer["data"]["result"]:
        for moment, value in series["values"]:
            if scale > 1 or math.isfinite(float(value)):
                yield float(moment) / scale


def nameless(question: Question, answer: dict[str, Any]) -> list[str]:
    """Labels in the names of a panel's lines that none of them has."""
    labels = re.findall(r"{{ *(\w+) *}}", question.query.get("legendFormat", ""))
    found = answer["data"]["result"] if labels else []
    return [label for label in labels if not any(series["metric"].get(label) for series in found)]


def found(running: Running, question: Question) -> float:
    """The moment of the first thing that a query finds in all of this run; each of its lines has its name."""

    def answer() -> dict[str, Any]:
        return running.get(question.source, question.url(running.began, time.time()))

    moment = min(until(lambda: list(finite(question.source, answer()))))
    assert nameless(question, answer()) == []
    return moment
