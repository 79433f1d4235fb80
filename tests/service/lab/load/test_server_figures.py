"""What is read of a server's metrics, and the line through its memory."""

from operator import attrgetter

import pytest
from aiohttp import web

from service.lab.load.server_figures import Glance, Watch, growth, read

TEXT = """# HELP process_open_fds Open.
process_open_fds 18
process_resident_memory_bytes 6.0e+07
heliograph_python_blocks 1000
heliograph_connections{protocol="json"} 3
heliograph_connections{protocol="protobuf"} 4
heliograph_connections_closed_total{code="3000",cause="network_lost",initiator="network"} 5 # {trace_id="1"} 1
heliograph_connections_closed_total{code="3501",cause="network_lost",initiator="client"} 1
heliograph_connections_closed_total{code="3501",cause="unknown",initiator="server"} 2
# EOF
"""


def test_a_scrape():
    found = read(TEXT, 7.0)
    assert (found.at, found.rss, found.fds, found.objects, found.connections) == (7.0, 6e7, 18, 1000, 7)
    assert found.causes == {"network_lost": 6, "unknown": 2}
    assert found.unaccounted is None, "of a server without ledgers nothing is known"


def test_what_is_in_no_account_counts_either_way():
    ledgers = (
        'heliograph_messages_unaccounted{namespace="-"} %d\nheliograph_messages_unaccounted{namespace="chat"} %d\n'
    )
    ledgers += "heliograph_connections_unaccounted %d\n"
    assert read(ledgers % (0, 0, 0), 0.0).unaccounted == 0
    assert read(ledgers % (-3, 2, 1), 0.0).unaccounted == 6


def test_the_line_through_the_memory():
    flat = [Glance(at, 100e6) for at in range(10)]
    rising = [Glance(at, 100e6 + at * 1e6 + (-1) ** at * 1e5) for at in range(11)]
    assert growth(flat, 0, attrgetter("rss")) == pytest.approx(0)
    assert growth(rising, 0, attrgetter("rss")) == pytest.approx(10, abs=0.3)
    assert growth(rising, 5, attrgetter("rss")) == pytest.approx(4.8, abs=0.3)
    assert growth(rising, 9, attrgetter("rss")) is None
    assert growth(rising, 0, attrgetter("objects")) is None, "it does not tell"


@pytest.fixture
async def metrics(aiohttp_server):
    answers = []

    async def handle(_):
        status, connections = answers.pop(0) if len(answers) > 1 else answers[0]
        return web.Response(text=f'heliograph_connections{{protocol="json"}} {connections}\n', status=status)

    application = web.Application()
    application.router.add_get("/metrics", handle)
    server = await aiohttp_server(application)
    return answers, Watch(str(server.make_url("/metrics")))


async def test_it_waits_until_everybody_is_gone(metrics):
    answers, watch = metrics
    answers += [(200, 5), (200, 2), (200, 0)]
    assert (await watch.until_quiet(0.0)).connections == 0
    assert [each.connections for each in watch.glances] == [5, 2, 0]


async def test_patience_has_an_end(metrics):
    answers, watch = metrics
    answers += [(200, 5)]
    assert (await watch.until_quiet(0.0, patience=0.0)).connections == 5


async def test_a_server_that_does_not_tell_costs_nothing(metrics):
    answers, watch = metrics
    answers += [(404, 0)]
    assert await watch.look() is None
    assert "404" in watch.why
    nobody = Watch("http://127.0.0.1:1/metrics")
    assert await nobody.look() is None
    assert "127.0.0.1:1" in nobody.why
    assert await Watch("").look() is None
