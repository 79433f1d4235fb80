"""Metrics: closed labels, exact buckets, and text that Prometheus's own parsers read."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from observability import ledger_names, names
from observability.metrics import LINES_A_STEP, Histogram, Registry, Words, content_type
from observability.names import Figure
from service.channels.ledger import ENDS, Ledger
from service.protocol import closing
from tests.observability import shown

WORDS = Words(namespaces=("chat", "news"), reply_errors=("0", "100"), close_codes=("3001",), close_causes=("shutdown",))


def text(registry, *, openmetrics=True):
    return b"".join(registry.render(openmetrics=openmetrics)).decode()


def samples(registry):
    return {
        (s.name, tuple(sorted(s.labels.items()))): s
        for family in parse_openmetrics(text(registry))
        for s in family.samples
    }


def test_openmetrics_is_read_by_the_reference_parser():
    registry = Registry(WORDS)
    registry.counter(names.PUBLICATIONS).child("chat", "api").inc(3)
    registry.gauge(names.READY).child().set(1)
    found = samples(registry)
    assert found["heliograph_publications_total", (("namespace", "chat"), ("via", "api"))].value == 3
    assert found["heliograph_ready", ()].value == 1
    assert text(registry).endswith("# EOF\n")


def test_the_older_text_format_is_read_by_its_parser():
    registry = Registry(WORDS)
    registry.counter(names.PINGS).child().inc(2)
    registry.histogram(names.PUBLISH_SECONDS).child().observe(0.3, trace_id="a" * 32)
    families = {family.name: family for family in parse_text(text(registry, openmetrics=False))}
    assert families["heliograph_pings"].samples[0].value == 2
    assert families["heliograph_publish_seconds"].type == "histogram"
    assert "# EOF" not in text(registry, openmetrics=False)
    assert "trace_id" not in text(registry, openmetrics=False)


def test_the_format_follows_the_accept_header():
    wanted = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4"
    assert content_type(wanted) == ("application/openmetrics-text; version=1.0.0; charset=utf-8", True)
    assert content_type("*/*") == ("text/plain; version=0.0.4; charset=utf-8", False)


def test_each_bucket_keeps_its_last_trace():
    registry = Registry(WORDS)
    delivery = registry.histogram(names.DELIVERY_SECONDS).child()
    delivery.observe(0.002, count=5, trace_id="a" * 32)
    delivery.observe(0.002, trace_id="b" * 32)
    delivery.observe(0.002)
    delivery.observe(3.0, trace_id="c" * 32)
    found = samples(registry)
    quick = found["heliograph_message_delivery_seconds_bucket", (("le", "0.0025"),)]
    assert (quick.value, quick.exemplar.labels, quick.exemplar.value) == (7, {"trace_id": "b" * 32}, 0.002)
    slow = found["heliograph_message_delivery_seconds_bucket", (("le", "5.0"),)]
    assert (slow.value, slow.exemplar.labels) == (8, {"trace_id": "c" * 32})
    assert found["heliograph_message_delivery_seconds_sum", ()].value == pytest.approx(3.014)


@given(st.lists(st.tuples(st.floats(0, 20), st.integers(1, 300)), max_size=30))
def test_a_value_is_counted_in_every_bucket_it_does_not_exceed(observations):
    histogram = Histogram((0.25, 1.0, 5.0))
    for value, count in observations:
        histogram.observe(value, count)
    at_most = list(itertools.accumulate(histogram.counts))
    for bound, seen in zip((0.25, 1.0, 5.0, float("inf")), at_most, strict=True):
        assert seen == sum(count for value, count in observations if value <= bound)
    assert histogram.value == sum(count for _, count in observations)


@given(st.lists(st.one_of(st.floats(0, 20), st.sampled_from((0.25, 1.0, 5.0))), max_size=30), st.integers(0, 30))
def test_values_that_are_sorted_later_fall_into_the_same_buckets(values, looked_at):
    at_once, later = Histogram((0.25, 1.0, 5.0)), Histogram((0.25, 1.0, 5.0))
    for number, value in enumerate(values):
        at_once.observe(value)
        later.soon(value)
        if number == looked_at:
            assert later.value == number + 1
    assert later.counts == at_once.counts
    assert later.sum == pytest.approx(at_once.sum)
    assert later.counts == at_once.counts, "a second look changes nothing"


def test_what_is_to_be_sorted_later_waits_for_a_look_or_for_the_tick():
    registry = Registry(WORDS)
    publish = registry.histogram(names.PUBLISH_SECONDS).child()
    for _ in range(1000):
        publish.soon(0.3)
    publish.observe(0.3, trace_id="a" * 32)
    assert samples(registry)["heliograph_publish_seconds_count", ()].value == 1001
    publish.soon(0.3)
    registry.settle()
    assert not publish._unsorted
    assert registry.value(names.PUBLISH_SECONDS) == 1002


def test_ten_thousand_unknown_namespaces_make_one_series():
    registry = Registry(WORDS)
    family = registry.counter(names.DELIVERED)
    before = set(family.series)
    for number in range(10_000):
        family.by[f"room-{number}"].inc()
    assert registry.value(names.DELIVERED, names.OTHER) == 10_000
    assert family.series.keys() - before == {(names.OTHER,)}
    assert not [value for value in family.by if value.startswith("room-")]


def test_unknown_figures_of_a_room_make_one_series_too():
    registry = Registry(WORDS)
    registry.add_source(lambda: [Figure(names.CHANNELS.name, (f"room-{n}",), 1) for n in range(1000)])
    assert registry.value(names.CHANNELS, names.OTHER) == 1000


def test_in_tests_an_undeclared_value_is_an_error():
    registry = Registry(WORDS, strict=True)
    with pytest.raises(AssertionError, match="closed set"):
        registry.counter(names.DELIVERED).child("nowhere")


def test_an_undeclared_metric_is_an_error():
    stranger = names.Metric("heliograph_stranger_total", "counter", "Nobody declared it.")
    with pytest.raises(AssertionError, match="not declared"):
        Registry().counter(stranger)
    with pytest.raises(AssertionError, match="is a gauge"):
        Registry().counter(names.READY)


def test_channels_without_namespace_have_a_name_of_their_own():
    registry = Registry(WORDS, strict=True)
    registry.counter(names.DELIVERED).child("").inc()
    assert registry.value(names.DELIVERED, names.NO_NAMESPACE) == 1


def test_small_closed_sets_begin_at_zero():
    registry = Registry(WORDS)
    registry.counter(names.ERRORS)
    assert samples(registry)["heliograph_errors_total", (("kind", "api"),)].value == 0


def test_namespaces_begin_at_zero_for_the_first_increment_of_a_series_is_lost_to_rate():
    registry = Registry(WORDS)
    registry.counter(names.INSUFFICIENT)
    registry.counter(names.PUBLISH_ERRORS)
    assert samples(registry)["heliograph_insufficient_state_total", (("namespace", "chat"),)].value == 0
    assert not [name for name, _ in samples(registry) if name == "heliograph_publish_errors_total"]


def test_children_and_figures_add_up():
    registry = Registry(WORDS)
    registry.gauge(names.CHANNELS).child("chat").set(2)
    registry.add_source(lambda: iter([Figure(names.CHANNELS.name, ("chat",), 3), None]))
    registry.add_source(lambda: iter([Figure(names.CHANNELS.name, ("chat",), 4)]))
    assert samples(registry)["heliograph_channels", (("namespace", "chat"),)].value == 9


def test_a_room_that_cannot_count_hides_no_other():
    def broken():
        yield Figure(names.BACKLOG_BYTES.name, (), 5)
        raise RuntimeError("a dictionary changed its size")

    registry = Registry(WORDS)
    registry.add_source(broken)
    registry.add_source(lambda: [Figure(names.OUTBOX_BYTES.name, (), 7)])
    assert samples(registry)["heliograph_outbox_bytes", ()].value == 7
    assert registry.value(names.SCRAPE_FAILURES) >= 1


def test_label_values_and_help_cannot_break_the_format():
    registry = Registry(Words(version=('a"b\\c\nd',), python=("3",)))
    registry.gauge(names.BUILD_INFO).child('a"b\\c\nd', "3").set(1)
    assert samples(registry)["heliograph_build_info", (("python", "3"), ("version", 'a"b\\c\nd'))].value == 1


def test_a_scrape_goes_back_to_the_loop_after_a_bounded_step():
    registry = Registry(Words(namespaces=[f"ns{n}" for n in range(200)]))
    family = registry.counter(names.DROPPED)
    for number, cause in itertools.product(range(200), names.DROP_CAUSES):
        family.child(f"ns{number}", cause).inc()
    registry.add_source(lambda: itertools.repeat(None, 5))
    steps = list(registry.render())
    assert steps[:6] == [b""] * 6
    assert len(steps) > 6 + 200 * len(names.DROP_CAUSES) / LINES_A_STEP
    assert max(step.count(b"\n") for step in steps) <= LINES_A_STEP + 20


def busy_ledger(namespaces):
    """In every namespace something was expected and ended in every way there is, and messages wait."""
    ledger = Ledger(["", *namespaces])
    for book in ledger.books.values():
        book.ends = dict.fromkeys(ENDS, 1)
        book.written, book.waiting = 9, 1
        book.expected = 10 + len(ENDS)
    return ledger


def everything_used(words):
    """The scrape of a process in which all has happened, in every namespace; at most 40 of the rarer combinations."""
    registry = Registry(words, strict=True)
    make: dict[str, Any] = {"counter": registry.counter, "gauge": registry.gauge, "histogram": registry.histogram}
    of_the_ledger = {figure.name for figure in busy_ledger(()).figures()} | {ledger_names.UNACCOUNTED.name}
    registry.add_source(busy_ledger([*words.namespaces, *words.other_namespaces]).figures)
    for metric in (each for each in names.METRICS.values() if each.name not in of_the_ledger):
        most = None if "namespace" in metric.labels else 40
        sets = [words.of(values) for values in metric.labels.values()]
        for values in itertools.islice(itertools.product(*sets), most):
            make[metric.kind](metric).child(*values)
    return text(registry)


def words_of(namespaces, named=names.NAMED):
    """Of a process with so many namespaces, its hooks at one dependency."""
    known = [f"ns{n}" for n in range(namespaces)]
    return replace(
        shown.WORDS, namespaces=known[:named], other_namespaces=known[named:], dependencies=("default",),
        ends=closing.USUAL_ENDS,
    )  # fmt: skip


def test_a_process_with_two_hundred_busy_namespaces_stays_below_1500_lines():
    scrape = everything_used(words_of(200))
    assert 1000 < scrape.count("\n") < 1500
    delivered = [line for line in scrape.splitlines() if line.startswith("heliograph_messages_delivered_total{")]
    assert len(delivered) == names.NAMED + 2
    assert f'heliograph_messages_delivered_total{{namespace="other"}} {9 * (200 - names.NAMED)}' in delivered


def test_a_namespace_that_is_told_by_name_costs_as_many_lines_as_the_configurations_page_says():
    lines = [everything_used(words_of(50, named)).count("\n") for named in (12, 30)]
    assert lines[1] - lines[0] == (30 - 12) * names.LINES_A_NAMESPACE


def test_what_is_wrong_in_a_namespace_is_told_by_its_name_whatever_the_others_are_called():
    words = words_of(200)
    ledger = busy_ledger([*words.namespaces, *words.other_namespaces])
    ledger.books["ns150"].expected += 3
    ledger.books["ns151"].expected -= 3
    registry = Registry(words, strict=True)
    registry.add_source(ledger.figures)
    found = registry.values(ledger_names.UNACCOUNTED)
    assert found == {(names.NO_NAMESPACE,): 0, ("ns150",): 3, ("ns151",): -3}


def test_namespaces_that_are_told_together_cost_no_more_than_others():
    """They are remembered as the declared ones are: one look-up, and all have one child."""
    registry = Registry(words_of(200), strict=True)
    family = registry.counter(names.INSUFFICIENT)
    for name in ("ns150", "ns151", "ns0"):
        family.by[name].inc()
    assert registry.value(names.INSUFFICIENT, names.OTHER) == 2
    assert registry.value(names.INSUFFICIENT, "ns0") == 1
    assert {"ns150", "ns151"} <= family.by.keys()


def test_a_ledger_of_many_namespaces_goes_back_to_the_loop_and_each_book_is_of_one_moment():
    figures = list(busy_ledger([f"ns{n}" for n in range(200)]).figures())
    steps = [list(group) for pause, group in itertools.groupby(figures, lambda figure: figure is None) if not pause]
    assert max(map(len, steps)) < 32 * 20
    told = [{figure.labels[0] for figure in step} for step in steps]
    assert len(told) == 7
    assert sum(map(len, told)) == 201, "no book is told in two steps"


def test_other_may_be_said_in_so_many_words():
    """Where a backend chooses the code: strict as tests are, and remembered, since it is one value."""
    registry = Registry(WORDS, strict=True)
    commands = registry.counter(names.COMMANDS_TOTAL)
    commands.by["rpc", names.OTHER].value += 1
    assert registry.value(names.COMMANDS_TOTAL, "rpc", names.OTHER) == 1
    assert ("rpc", names.OTHER) in commands.by
    with pytest.raises(AssertionError, match="not in its closed set"):
        commands.by["rpc", "1404"].value += 1
