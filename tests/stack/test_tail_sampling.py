"""The Collector throws away healthy heartbeats that are no exemplar, beyond five a second, and nothing else.

Runs after ``test_stack.py``, whose counts of spans know nobody but the server.
"""

import json
import secrets
import time
import urllib.request

import pytest

from faults.running import until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
MANY = 60
HEARTBEAT = "websocket.heartbeat"


def told(running, name, kept=None, count=MANY):
    """Of these so many together, as of many servers, each a trace of its own; their trace ids."""
    now = time.time_ns()
    traces = [secrets.token_hex(16) for _ in range(count)]
    spans = [
        {
            "traceId": trace,
            "spanId": secrets.token_hex(8),
            "name": name,
            "kind": 3,
            "startTimeUnixNano": str(now - 40_000_000),
            "endTimeUnixNano": str(now),
            "attributes": [{"key": "heliograph.heartbeat.kept", "value": {"boolValue": kept}}]
            if kept is not None
            else [],
        }
        for trace in traces
    ]
    service = {"attributes": [{"key": "service.name", "value": {"stringValue": "many-servers"}}]}
    body = json.dumps({"resourceSpans": [{"resource": service, "scopeSpans": [{"spans": spans}]}]}).encode()
    kind = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(running.url("collector", "/v1/traces"), body, kind), timeout=10):
        return traces


def there(running, traces):
    """Those that Jaeger has."""
    found = []
    for trace in traces:
        try:
            found += running.get("jaeger", f"/api/traces/{trace}")["data"]
        except AssertionError:
            continue
    return len(found)


def test_of_spare_heartbeats_five_a_second_stay_and_everything_else_does(running):
    spare = told(running, HEARTBEAT, kept=False)
    others = [told(running, HEARTBEAT, kept=True)]
    others += [told(running, name) for name in ("message.publish", "message.fanout", "websocket.close")]
    until(lambda: [there(running, each) for each in others], lambda counts: counts == [MANY] * len(others))
    later = []  # one of a later second is kept: what came before is decided
    until(lambda: later.extend(told(running, HEARTBEAT, kept=False, count=1)) or there(running, later))
    assert 1 <= until(lambda: there(running, spare)) <= 10, "two seconds may have had a part in it"
