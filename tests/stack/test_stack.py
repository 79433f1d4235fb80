"""One message, seen end to end: the compose file running, asked as Grafana and the on-call engineer ask it.

The tests use one stack and change its state; they run in the order of this file.
"""

import asyncio
import json
import math
import re
import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest
import yaml

from faults import crowds
from faults.running import until
from grafana.questions import questions
from tests.grafana import links
from tests.stack.rare import RARE, SELDOM, finite, nameless
from tests.stack.running import LEFT, exemplars, firing, spans

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
ROOT = Path(__file__).parents[2]
ALERTS = ["HeliographBacklog", "HeliographDeliveryLatencyP99", "HeliographErrorRate"]
#: What may come of a fault beside its alert: what fails is written as error lines; lines that were missed come late; and
#: a page goes to a provider that is away, so that it waits.
BESIDE = {
    "HeliographErrorLogs",
    "HeliographErrorLogGrowth",
    "HeliographCollectorDown",
    "HeliographLogDelay",
    "HeliographLettersWait",
}
PROMISED = 60.0  # seconds from a fault to the inbox


# ------------------------------------------------------------------- the file says what is


def test_every_address_in_the_files_is_one_where_that_service_listens(running):
    """All share one loopback here, so a wrong name with a right port would work; in containers it would not."""
    if running.stack.spaces is None:
        pytest.skip("without namespaces all names are 127.0.0.1")
    stack, listened = running.stack, running.stack.ports()
    names = "|".join(service.name for service in stack.services)
    asked = set()
    for service in stack.services:
        texts = [*service.command, *service.environment.values()]
        for mount in service.mounts:
            file = ROOT / mount.source
            texts += [file.read_text()] if mount.bind and file.is_file() else []
        asked |= set(re.findall(rf"(?<![\w.-])({names}):(\d+)", "\n".join(texts)))
    assert len(asked) >= 10
    for name, port in asked:
        assert_open(listened, name, int(port))
    for service in stack.services:
        for published in service.published:
            assert_open(listened, service.name, published.inside)
    provisioned = (ROOT / "grafana/provisioning/datasources/datasources.yaml").read_text()
    for name, port in re.findall(r"url: http://(\w+):(\d+)", provisioned):
        assert_open(listened, name, int(port))


def assert_open(listened, name, port):
    addresses = {address for address, there in listened[name] if there == port}
    assert addresses & {"0.0.0.0", "::"}, f"{name} does not listen on {port} for others: {listened[name]}"


def test_no_two_services_share_a_port(running):
    """They could in containers; natively they share one loopback."""
    pairs = [(port, name) for name, ports in running.stack.ports().items() for port in {p for _, p in ports}]
    assert len({port for port, _ in pairs}) == len(pairs), sorted(pairs)


def test_prometheus_reaches_everybody(running):
    def targets():
        active = running.get("prometheus", "/api/v1/targets?state=active")["data"]["activeTargets"]
        return {target["labels"]["job"]: (target["health"], target["lastError"]) for target in active}

    expected = yaml.safe_load((ROOT / "observability/stack/prometheus.yml").read_text())["scrape_configs"]
    want = {job["job_name"]: ("up", "") for job in expected}
    assert until(targets, lambda got: got == want) == want


# -------------------------------------------------------------------- a message end to end


@pytest.fixture(scope="module")
def quiet(running):
    """The load is silent while single messages are followed."""
    running.load(on=False)
    return running


@pytest.fixture(scope="module")
def busy(running):
    """The load is at work; for the tests after those that want it quiet."""
    running.load(on=True)
    return running


async def receive_one(running, channel, publish):
    """A receiver connects, subscribes, and gets what ``publish`` publishes; the message and the publish's result."""
    async with aiohttp.ClientSession() as session:
        url = f"ws://127.0.0.1:{running.port}/connection/websocket"
        async with session.ws_connect(url) as websocket:
            connect = {"id": 1, "connect": {"token": running.token("receiver")}}
            await websocket.send_str(
                json.dumps(connect) + "\n" + json.dumps({"id": 2, "subscribe": {"channel": channel}})
            )
            replies = []
            while len(replies) < 2:
                replies += [json.loads(line) for line in (await websocket.receive_str(timeout=5)).splitlines()]
            assert not any("error" in reply for reply in replies), replies
            done = await asyncio.to_thread(publish)
            push = json.loads(await websocket.receive_str(timeout=5))["push"]
            return push["pub"], done, replies[0]["connect"]["client"]


def curl(running, channel, data):
    """The README's line (without curl: the same request); the trace id that the answer tells."""
    if not shutil.which("curl"):
        return running.publish(channel, data)[1]
    command = ["curl", "-sS", "-i", "-X", "POST", running.url("heliograph", "/api/publish")]
    command += ["-H", f"X-API-Key: {running.key()}", "-d", json.dumps({"channel": channel, "data": data})]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout
    assert " 200 " in said.splitlines()[0], said
    return re.search(r"(?im)^traceparent: 00-(\w{32})-\w{16}-01\r?$", said)[1]


@pytest.fixture(scope="module")
def message(quiet):
    """One message that curl published and one receiver got."""
    pub, trace_id, client = asyncio.run(
        receive_one(quiet, "end-to-end", lambda: curl(quiet, "end-to-end", {"text": "hello"}))
    )
    assert pub["data"] == {"text": "hello"}
    assert pub["tags"]["traceparent"][3:35] == trace_id
    return {"trace_id": trace_id, "client": client, "sent": time.time()}


def references(span, kind):
    return [(ref["traceID"], ref["spanID"]) for ref in span["references"] if ref["refType"] == kind]


def followed(running, span, name):
    """The span of that name that a span links to, fetched from its own trace."""
    for trace_id, span_id in references(span, "FOLLOWS_FROM"):
        there = until(lambda t=trace_id: spans(running, t)).get(name)
        if there is not None and there["spanID"] == span_id:
            return there
    raise AssertionError(f"{span['operationName']} leads to no {name}: {span['references']}")


def tags(span):
    return {tag["key"]: tag["value"] for tag in span["tags"]}


def test_the_message_is_a_trace_that_leads_to_its_receiver(quiet, message):
    names = {"message.publish", "broker.publish", "message.fanout"}
    trace = until(lambda: spans(quiet, message["trace_id"]), lambda found: names <= found.keys())
    publish, broker, fanout = (trace[name] for name in ("message.publish", "broker.publish", "message.fanout"))
    assert publish["references"] == []
    assert references(broker, "CHILD_OF") == [(message["trace_id"], publish["spanID"])]
    assert references(fanout, "CHILD_OF") == [(message["trace_id"], publish["spanID"])]
    connect = followed(quiet, fanout, "websocket.connect")
    assert tags(connect)["heliograph.connection.id"] == message["client"]
    upgrade = followed(quiet, connect, "websocket.upgrade")
    assert str(tags(upgrade)["http.response.status_code"]) == "101"


def test_its_log_lines_have_its_trace_id_and_lead_back(quiet, message):
    source, path = links.lines_of_trace(message["trace_id"], message["sent"], message["sent"])
    streams = until(lambda: quiet.get(source, path)["data"]["result"])
    assert {"message.published"} <= {stream["stream"].get("event") for stream in streams}
    labels = streams[0]["stream"]
    assert labels["trace_id"] == message["trace_id"]
    assert labels["service_name"] == "heliograph"
    assert links.trace_of_line(labels) == ("jaeger", f"/api/traces/{message['trace_id']}")


def test_an_exemplar_leads_to_it(quiet, message):
    def exemplars():
        asked = {
            "query": "heliograph_message_delivery_seconds_bucket",
            "start": quiet.began,
            "end": time.time() + 1,
        }
        found = quiet.get("prometheus", f"/api/v1/query_exemplars?{urlencode(asked)}")["data"]
        return {each["labels"]["trace_id"]: each["labels"] for series in found for each in series["exemplars"]}

    labels = until(exemplars, lambda found: message["trace_id"] in found)[message["trace_id"]]
    source, path = links.trace_of_exemplar(labels)
    assert "message.fanout" in {span["operationName"] for span in quiet.get(source, path)["data"][0]["spans"]}


def test_its_trace_leads_to_the_metrics_of_its_namespace(quiet, message):
    fanout = tags(spans(quiet, message["trace_id"])["message.publish"])
    for source, path in links.metrics_of_span(fanout, time.time()):
        assert quiet.get(source, path)["data"]["result"], path


def test_from_a_panel_to_the_lines_of_the_receiver_s_connection_and_back(quiet, message):
    """Click by click: panel, diamond, trace, its link to the receiver, that trace's lines, all of the connection, back."""
    (panel,) = (q for q in questions() if q.where == "overview: Delivery latency, percentiles: A")
    (diamond,) = (each for each in exemplars(quiet, panel) if each["trace_id"] == message["trace_id"])
    source, path = links.trace_of_exemplar(diamond)
    spans_there = {span["operationName"]: span for span in quiet.get(source, path)["data"][0]["spans"]}
    connect = followed(quiet, spans_there["message.fanout"], "websocket.connect")
    source, path = links.lines_of_trace(connect["traceID"], message["sent"], message["sent"])
    (line, *_) = (stream["stream"] for stream in until(lambda: quiet.get(source, path)["data"]["result"]))
    assert line["connection_id"] == message["client"]
    source, path = links.lines_of_connection(line, quiet.began, time.time())
    ends = {"connection.closed"}
    lines = until(
        lambda: [stream["stream"] for stream in quiet.get(source, path)["data"]["result"]],
        lambda found: ends <= {each["event"] for each in found},
    )
    assert {each["connection_id"] for each in lines} == {message["client"]}
    (closed,) = (each for each in lines if each["event"] in ends)
    source, path = links.trace_of_line(closed)
    assert connect["traceID"] in path or "websocket.close" in {
        s["operationName"] for s in quiet.get(source, path)["data"][0]["spans"]
    }


def test_what_the_gate_lets_through_the_collector_keeps(quiet):
    """Every span that the server made is in Jaeger: none lost in the server, refused or dropped on the way."""
    told = [quiet.publish("kept", {"number": number})[1] for number in range(40)]
    sampled = [trace_id for trace_id in told if trace_id]
    assert len(sampled) >= 30, "with nobody to hear them the gate lets nearly all through"
    for trace_id in sampled:
        assert {"message.publish", "broker.publish"} <= until(lambda t=trace_id: spans(quiet, t)).keys()

    def counted():
        return [
            quiet.figure("heliograph_spans_exported_total"),
            quiet.value('otelcol_receiver_accepted_spans_total{job="collector"}'),
            quiet.value('otelcol_exporter_sent_spans_total{job="collector"}'),
        ]

    until(counted, lambda counts: len(set(counts)) == 1 and counts[0] >= 2 * len(sampled))
    assert quiet.figure("heliograph_spans_dropped_total") == 0
    for trouble in ("receiver_refused", "receiver_failed", "exporter_send_failed", "exporter_enqueue_failed"):
        count = quiet.value(f'otelcol_{trouble}_spans_total{{job="collector"}}')
        assert math.isnan(count) or count == 0, trouble


def test_lines_that_the_collector_missed_are_read_when_it_is_back(quiet):
    quiet.stack.stop_service("collector")
    _, trace_id = quiet.publish("meanwhile", {"text": "nobody reads this line now"})
    quiet.stack.start_service("collector")
    source, path = links.lines_of_trace(trace_id, time.time(), time.time())
    assert until(lambda: quiet.get(source, path)["data"]["result"])


# ------------------------------------------------------------------------------- the board


def test_nothing_fires_under_the_everyday_load(busy, told):
    """Losses of network, goodbyes, bad tokens and a reader that naps are everyday."""
    before = until(busy.inbox, lambda inbox: not inbox["firing"])
    assert set(before["resolved"]) <= BESIDE, "the Collector was away"
    end = time.monotonic() + 25
    while time.monotonic() < end:
        assert busy.inbox() == before
        time.sleep(1)
    assert busy.value("heliograph_connections") >= 50
    assert busy.value("ALERTS{alertstate='firing'}") == busy.value("ALERTS{alertname='Watchdog'}") == 1


@pytest.mark.parametrize(
    "question",
    [each for each in questions() if each.where not in RARE],
    ids=lambda question: question.where,
)
def test_a_query_of_the_board_finds_something_of_this_run(busy, question):
    """As Grafana asks it when the board is opened untouched; samples from before this run cannot be there."""

    def samples():
        return list(finite(question.source, answer()))

    def answer():
        return busy.get(question.source, question.url(busy.began, time.time()))

    assert min(until(samples)) >= busy.began - 1
    assert nameless(question, answer()) == []


@pytest.mark.parametrize(
    "question",
    [each for each in questions() if each.query.get("exemplar") and each.where not in RARE.keys() | SELDOM],
    ids=lambda question: question.where,
)
def test_a_panel_s_diamonds_lead_to_traces_that_are_there(busy, question):
    labels = until(lambda: exemplars(busy, question))[-1]
    source, path = links.trace_of_exemplar(labels)
    assert until(lambda: spans(busy, labels["trace_id"])), (source, path)


# ------------------------------------------------------------------------------ the pager


#: The budget that a fault burns, by the alert that it is for.
BURNS = {"HeliographErrorRate": "HeliographMessageBudget", "HeliographDeliveryLatencyP99": "HeliographDeliveryBudget"}
#: A ticket beside an alert, which its page keeps back unless it is over first.
TICKETS = {"HeliographErrorRate": "HeliographBrokerFailing"}


@pytest.fixture(scope="module")
def burnt():
    """The budgets that faults until now have burnt."""
    return set()


def watch(busy, told, burnt, alert, since):
    """Until the alert, and no other one, is in the inbox; within the promised time."""
    until(busy.inbox, lambda inbox: alert in inbox["firing"], patience=PROMISED)
    told(f"{alert} in the inbox {time.monotonic() - since:.1f} s after its fault")
    assert firing(busy, burnt) <= {alert, BURNS.get(alert), TICKETS.get(alert)} | BESIDE
    burnt |= {BURNS[alert]} if alert in BURNS else set()
    page = busy.text("pager", "/")
    assert re.search(rf'class="alert firing critical">\s*<h3>{alert}', page)
    (entry,) = (one for one in busy.get("pager", "/inbox.json")["firing"] if one["name"] == alert)
    runbook = entry["links"]["Runbook"].removeprefix("http://localhost:9099")
    assert "<h2>Mitigation</h2>" in busy.text("pager", runbook)


def watch_end(busy, told, burnt, alert):
    """It resolves, and so does all else that its fault led to, but for a budget's tickets."""
    since = time.monotonic()
    until(lambda: firing(busy, burnt), lambda left: left <= BESIDE, patience=PROMISED)
    assert alert in busy.inbox()["resolved"]
    told(f"{alert} resolved {time.monotonic() - since:.1f} s after its end")
    assert re.search(rf'class="alert resolved critical">\s*<h3>{alert}', busy.text("pager", "/"))


def test_a_broker_that_fails_is_paged_as_error_rate(busy, told, burnt):
    since = time.monotonic()
    with busy.ordered("broker-fails", 0.5):
        watch(busy, told, burnt, "HeliographErrorRate", since)
        until(busy.inbox, lambda inbox: "HeliographErrorLogs" in inbox["firing"], patience=PROMISED)
    watch_end(busy, told, burnt, "HeliographErrorRate")


async def test_readers_far_behind_are_paged_as_latency(busy, told, burnt):
    """Two readers take message by message, always some sixteen behind, of which the kernel holds four: three seconds late.

    That is between the page's two seconds and the five of the ticket about what waits for long, also where a busy machine
    does not publish four a second.
    """
    since = time.monotonic()
    async with crowds.behind(busy, "far-behind", readers=2, lag=16, size=40 * 1024, a_second=4.0):
        await asyncio.to_thread(watch, busy, told, burnt, "HeliographDeliveryLatencyP99", since)
    await asyncio.to_thread(watch_end, busy, told, burnt, "HeliographDeliveryLatencyP99")


async def test_readers_that_stopped_are_paged_as_backlog(busy, told, burnt):
    """Three readers take nothing at all: what was delivered was in time, what waits is more and more."""
    since = time.monotonic()
    async with crowds.behind(busy, "stopped", readers=3, lag=10**9, size=4096, a_second=16.0):
        await asyncio.to_thread(watch, busy, told, burnt, "HeliographBacklog", since)
    await asyncio.to_thread(watch_end, busy, told, burnt, "HeliographBacklog")


def test_each_alert_was_paged_once_and_nothing_else_was(busy, burnt):
    until(lambda: firing(busy, burnt), lambda left: left <= LEFT, patience=PROMISED)
    beside = BESIDE | burnt | set(TICKETS.values())
    assert [name for name in busy.inbox()["resolved"] if name not in beside] == ALERTS
