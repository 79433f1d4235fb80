"""Commands beside their declared form: what is overlooked and what is refused."""

import msgspec
import pytest

from service.protocol.messages import Command
from service.protocol.tolerance import Refused, declared_form

KEPT = [
    (b'{"id":2,"x":{"ID":1},"subscribe":{"channel":"a","y":[{"Z":1}]}}', b'{"id":2,"subscribe":{"channel":"a"}}'),
    (b'{"id":2,"subscribe":null}', b'{"id":2}'),
    (b'{"id":2,"subscribe": null }', b'{"id":2}'),
    (b'{"id":null,"connect":{"token":null,"subs":{"a":{"recover":null,"q":1}}}}', b'{"connect":{"subs":{"a":{}}}}'),
    (b'{"id":2,"publish":{"channel":"a","data":null,"q":1}}', b'{"id":2,"publish":{"channel":"a","data":null}}'),
    (b'{"id":2,"publish":{"data":{"Id": 1.0},"q":1}}', b'{"id":2,"publish":{"data":{"Id": 1.0}}}'),
    (b'{"connect":{"headers":{"TOKEN":"x"},"q":1}}', b'{"connect":{"headers":{"TOKEN":"x"}}}'),
    (b'{"connect":{"subs":{"ID":{}},"q":1}}', b'{"connect":{"subs":{"ID":{}}}}'),
    (b'{"subscribe":{"tf":{"nodes":[{"key":null,"q":1}]}}}', b'{"subscribe":{"tf":{"nodes":[{}]}}}'),
    (b'{"history":{"since":{"offset":1,"q":2}}}', b'{"history":{"since":{"offset":1}}}'),
    (b'{"id":2,"id":3,"q":1}', b'{"id":3}'),
    (b'{"ping":{"q":1}}', b'{"ping":{}}'),
    (rb'{"subscribe":{"channel":"a\ud83d"}}', rb'{"subscribe":{"channel":"a\ufffd"}}'),
    (b'{"subscribe":5,"q":1}', b'{"subscribe":5}'),
    (b'{"subscribe":{"tf":[]}}', b'{"subscribe":{"tf":[]}}'),
]


@pytest.mark.parametrize(("line", "wanted"), KEPT)
def test_undeclared_keys_and_nulls_are_overlooked(line, wanted):
    assert declared_form(line, Command) == wanted


@pytest.mark.parametrize(
    "line",
    [
        b'{"ID":2}',
        b'{"id":2,"Subscribe":{}}',
        b'{"id":2,"subscribe":{"CHANNEL":"a"}}',
        b'{"id":2,"connect":{"subs":{"a":{"Recover":true}}}}',
        b'{"id":2,"history":{"since":{"Offset":1}}}',
        b'{"id":2,"subscribe":{"tf":{"nodes":[{"KEY":"a"}]}}}',
        '{"id":2,"subscribe":{"to\u212aen":"a"}}'.encode(),
    ],
)
def test_keys_in_another_case_are_refused(line):
    with pytest.raises(Refused, match="in another case"):
        declared_form(line, Command)


@pytest.mark.parametrize("line", [b"null", b"5", b"[]", b'"x"', b"", b"{", b'{"id":2} x', b'{"id":2}{}', b"{'id':2}"])
def test_what_is_no_object_stays_bad(line):
    with pytest.raises(msgspec.DecodeError):
        declared_form(line, Command)


def test_a_filter_of_unknown_keys_nests_to_an_end():
    filter_ = b'{"q":1,"nodes":[' * 40 + b"]}" * 40
    with pytest.raises(Refused, match="too deep"):
        declared_form(b'{"subscribe":{"tf":' + filter_ + b"}}", Command)
