"""Attributes of spans and keys of log lines."""

import re

from observability.field_names import ATTRIBUTES, KEYS


def test_attributes_are_opentelemetrys_or_ours():
    for attribute in ATTRIBUTES:
        assert re.match(r"(heliograph|http|url|network|client|user_agent|enduser|messaging|error|code)\.", attribute)


def test_each_says_what_it_is():
    assert all(len(text) > 3 for text in (*ATTRIBUTES.values(), *KEYS.values()))
