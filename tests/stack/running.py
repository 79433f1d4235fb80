"""What the stack's tests add to the compose file, which the failure lab runs for them; and what several of them ask."""

import json
import time
from pathlib import Path
from urllib.parse import urlencode

from faults.additions import TROUBLE, Additions

FAULTS = Path(__file__).parent / "faults"
#: Budgets that the tests' faults burn. Their pages end with the fault, like all others; their tickets look back for hours,
#: which are minutes here, so that they may stay for the tests after it.
BUDGETS = {"HeliographMessageBudget", "HeliographDeliveryBudget"}
#: Pages go to a provider that is away.
LEFT = {"HeliographLettersWait"}
#: A namespace whose subscriptions a backend decides that is not there, and one that drops what a slow reader had not
#: taken when something newer comes; nobody but a test uses them.
NAMESPACES = [
    {"name": "asked", "subscribe_proxy_enabled": True},
    {"name": "newest", "allow_subscribe_for_client": True, "slow_policy": "conflate"},
]
#: Sockets that may be at a door at a time and be no WebSocket yet.
AT_THE_DOOR = 200
ADDED = Additions(
    inside=(TROUBLE, FAULTS / "more_trouble.py"),
    server={
        "HELIOGRAPH_CHANNEL_NAMESPACES": json.dumps(NAMESPACES),
        "HELIOGRAPH_CHANNEL_PROXY_SUBSCRIBE_ENDPOINT": "https://127.0.0.1:9/subscribe",
        "HELIOGRAPH_CHANNEL_PROXY_SUBSCRIBE_HTTP_TLS_ENABLED": "true",
        "HELIOGRAPH_CHANNEL_PROXY_SUBSCRIBE_HTTP_TLS_SERVER_CA_PEM": "/lab/tls.crt",
        # Bounds that a test can reach, and the demonstration does not.
        "HELIOGRAPH_HTTP_SERVER_MAX_WAITING_CONNECTIONS": str(AT_THE_DOOR),
        "HELIOGRAPH_CLIENT_QUEUE_TOTAL_MAX_SIZE": str(12 * 1024 * 1024),
        # The internal port speaks TLS, too: plain HTTP goes on, and there is a certificate to watch.
        "HELIOGRAPH_HTTP_SERVER_INTERNAL_TLS_ENABLED": "true",
        "HELIOGRAPH_HTTP_SERVER_INTERNAL_TLS_MODE": "permissive",
        "HELIOGRAPH_HTTP_SERVER_INTERNAL_TLS_CERT_PEM": "/lab/tls.crt",
        "HELIOGRAPH_HTTP_SERVER_INTERNAL_TLS_KEY_PEM": "/lab/tls.key",
    },
    pager={"pager.yml": (FAULTS / "pager.yml").read_text()},
)


def spans(running, trace_id):
    """A trace's spans by name, from Jaeger; empty when it is not there yet."""
    try:
        found = running.get("jaeger", f"/api/traces/{trace_id}")["data"]
    except AssertionError:
        return {}
    return {span["operationName"]: span for span in found[0]["spans"]}


def exemplars(running, question):
    """Labels of the exemplars behind a panel's query, as Grafana asks for them."""
    asked = {"query": question.filled(), "start": running.began, "end": time.time() + 1}
    found = running.get("prometheus", f"/api/v1/query_exemplars?{urlencode(asked)}")["data"]
    return [each["labels"] for series in found for each in series["exemplars"]]


def firing(running, burnt=BUDGETS):
    """The alerts that fire now, but for tickets about what was burnt of a budget before."""
    now = running.get("pager", "/inbox.json")["firing"]
    return {one["name"] for one in now if one["name"] not in burnt or one["severity"] != "warning"}
