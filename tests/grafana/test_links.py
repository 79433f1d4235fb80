"""The provisioned links, followed with made-up ids; the stack's test follows them with real ones."""

from urllib.parse import parse_qs, urlsplit

import pytest

from grafana.questions import questions
from tests.grafana import links

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_from_an_exemplar_to_its_trace_to_its_lines_and_back():
    assert links.trace_of_exemplar({"trace_id": TRACE}) == ("jaeger", f"/api/traces/{TRACE}")
    source, question = links.lines_of_trace(TRACE, 1000.0, 1000.5)
    asked = parse_qs(urlsplit(question).query)
    assert source == "loki"
    assert asked["query"] == [f'{{service_name="heliograph"}} | trace_id="{TRACE}"']
    assert int(asked["start"][0]) < 1000e9 < 1000.5e9 < int(asked["end"][0])
    assert links.trace_of_line({"service_name": "heliograph", "trace_id": TRACE}) == ("jaeger", f"/api/traces/{TRACE}")


def test_from_a_line_to_all_lines_of_its_connection():
    source, question = links.lines_of_connection({"connection_id": "c-1", "trace_id": TRACE}, 1000.0, 1001.0)
    assert source == "loki"
    assert parse_qs(urlsplit(question).query)["query"] == ['{service_name="heliograph"} | connection_id="c-1"']
    with pytest.raises(ValueError, match="unpack"):
        links.lines_of_connection({"trace_id": TRACE}, 1000.0, 1001.0)


def test_an_exemplar_under_another_name_leads_nowhere():
    with pytest.raises(KeyError):
        links.trace_of_exemplar({"traceID": TRACE})


def test_from_a_span_to_the_metrics_of_its_namespace():
    asked = [
        parse_qs(urlsplit(q).query)["query"][0]
        for _, q in links.metrics_of_span({"messaging.destination.template": "news"}, 1000)
    ]
    assert asked
    assert all('{namespace="news"}' in query for query in asked)


def test_every_question_has_an_address_without_variables():
    for question in questions():
        assert "$" not in question.url(1000.0, 1010.0), question.where
