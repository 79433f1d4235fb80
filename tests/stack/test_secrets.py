"""No store of the stack has a secret or a payload: canaries are used where they belong, and looked for everywhere."""

import asyncio
import contextlib
import json
import time
import urllib.error
import urllib.request
from urllib.parse import urlencode

import pytest

from faults.running import until
from tests.e2e.raw import Raw

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
PAYLOAD, GUESS, PASSWORD = "canary-payload-3e81", "canary-guessed-key-77aa", "canary-password-0c4d"


async def use_them(running, good):
    """A publication that is sampled, tokens and keys right and wrong, a command with data."""
    raw = await Raw.connected(running.port, good, "canaries")
    raw.command(id=5, publish={"channel": "canaries", "data": {"text": PAYLOAD}})
    raw.command(id=6, rpc={"method": "unknown", "data": {"password": PASSWORD}})
    raw.send(b'{"id": 7, "publish": {"channel": "canaries", "data": "' + PAYLOAD.encode())  # a broken frame
    await raw.end()
    await raw.abort()
    refused = await Raw.open(running.port)
    refused.command(id=1, connect={"token": good[:-4] + "AAAA", "data": {"password": PASSWORD}})
    await refused.end()
    await refused.abort()


def guess(running):
    """A publication with a wrong key."""
    body = json.dumps({"channel": "canaries", "data": {"text": PAYLOAD}}).encode()
    request = urllib.request.Request(running.url("heliograph", "/api/publish"), body, {"X-API-Key": GUESS})
    with contextlib.suppress(urllib.error.HTTPError):
        urllib.request.urlopen(request, timeout=10).close()


@pytest.fixture(scope="module")
def stores(running):
    """Store → all that it has of this run, as text; and the token that was used."""
    began, good = time.time(), running.token("canary-user")
    _, trace_id = running.publish("canaries", {"text": PAYLOAD})
    asyncio.run(use_them(running, good))
    guess(running)

    def lines():
        asked = {"query": '{service_name="heliograph"}', "start": int((began - 5) * 1e9), "limit": 5000}
        return running.text("loki", f"/loki/api/v1/query_range?{urlencode(asked)}")

    until(lambda: "canary-user" in lines() and "token.refused" in lines())

    def traces():
        now = time.time()
        window = {
            "service": "heliograph",
            "start": int((began - 60) * 1e6),
            "end": int((now + 60) * 1e6),
            "limit": 1500,
        }
        return running.text("jaeger", f"/api/traces?{urlencode(window)}")

    until(lambda: "message.publish" in traces() and trace_id in traces())
    every = urlencode({"match[]": '{job=~".+"}'})
    until(lambda: "heliograph_connections" in running.text("prometheus", f"/api/v1/series?{every}"))
    now = time.time()
    exemplars = {"query": '{job="heliograph"}', "start": began - 60, "end": now + 1}
    return good, {
        "Loki": lines(),
        "Jaeger": traces(),
        "Prometheus": running.text("prometheus", f"/api/v1/series?{every}"),
        "exemplars": running.text("prometheus", f"/api/v1/query_exemplars?{urlencode(exemplars)}"),
        "Alertmanager": running.text("alertmanager", "/api/v2/alerts"),
        "pager": running.text("pager", "/inbox.json") + running.text("pager", "/") + running.text("pager", "/metrics"),
        **{f"log of {name}": running.stack.log(name, 10**7) for name in ("collector", "loki", "jaeger", "prometheus")},
        "log of the server": "".join(path.read_text() for path in running.stack.volume("logs").glob("*.log*")),
    }


def test_the_stores_have_what_they_should(stores):
    """Else there would be nothing to find a canary in."""
    _, texts = stores
    assert "canary-user" in texts["Loki"]
    assert "canary-user" in texts["log of the server"]
    assert "message.publish" in texts["Jaeger"]
    assert "heliograph_connections" in texts["Prometheus"]


def test_no_store_has_a_secret_or_a_payload(running, stores):
    good, texts = stores
    secret = (running.stack.volume("keys") / "token_secret").read_text().strip()
    canaries = {
        "API key": running.key(),
        "HMAC secret": secret,
        "token": good.rpartition(".")[2],
        "payload": PAYLOAD,
        "guessed key": GUESS,
        "password": PASSWORD,
    }
    assert {
        (name, store) for name, canary in canaries.items() for store, text in texts.items() if canary in text
    } == set()
