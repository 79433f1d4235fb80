"""How transports differ."""

from observability import names
from service.connections import manners


def test_every_transport_has_its_word_in_metrics():
    assert tuple(manner.name for manner in manners.ALL) == names.TRANSPORTS


def test_commands_come_by_post_only_where_answers_can_go_back():
    assert [manner.name for manner in manners.ALL if manner.emulated] == ["sse", "http_stream"]
    assert not [manner for manner in manners.ALL if manner.emulated and (manner.unidirectional or not manner.stream)]
