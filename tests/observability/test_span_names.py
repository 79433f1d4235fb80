"""The names of spans."""

from observability.span_names import SPANS, SpanName


def test_each_is_found_by_its_name_and_says_what_it_is():
    assert len(SPANS) == 11
    for name, span in SPANS.items():
        assert isinstance(span, SpanName)
        assert span.name == name
        assert "." in name
        assert span.help.endswith(".")
