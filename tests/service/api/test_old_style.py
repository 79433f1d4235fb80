import pytest

from service.api.api_messages import ChannelsRequest, InfoRequest, PublishRequest
from service.api.api_methods import METHODS
from service.api.api_reading import BadBody
from service.api.old_style import commands, method_of, request_of

OURS = METHODS[:-2]  # without the words for what is no method


def called(body):
    """Methods of a body, up to the first bad command, and whether there was one."""
    found = []
    try:
        for command in commands(body):
            found.append(method_of(command, OURS))
    except BadBody as bad:
        assert str(bad)
        return found, "bad"
    return found, ""


@pytest.mark.parametrize(
    ("body", "methods", "end"),
    [
        (b"", [], "bad"),
        (b" \n\t\r", [], ""),
        (b'{"method":"info",\n "params":{}}', ["info"], ""),
        (b'{"method":"info"}\n\n{"method":"channels"}\n', ["info", "channels"], ""),
        (b'{"method":"info"}{"method":"channels"}', ["info", "channels"], ""),
        (b'{"method":"info"}\n{', ["info"], "bad"),
        (b'{"method":"info"} x', ["info"], "bad"),
        (b'{"method":"info"}\n[]', ["info"], "bad"),
        (b"{}", ["publish"], ""),
        (b"null", ["publish"], ""),
        (b"{", [], "bad"),
        (b'{"method":"INFO"}', ["info"], ""),
        (b'{"method":"Presence_Stats"}', ["presence_stats"], ""),
        (b'{"method":0}{"method":4}{"method":12}', ["publish", "presence", "refresh"], ""),
        (b'{"method":13}{"method":14}{"method":-1}{"method":99}', ["", "", "", ""], ""),
        (b'{"method":"revoke_token"}{"method":"map_publish"}', ["", ""], ""),
        (b'{"method":"receipts"}', ["receipts"], ""),
        (b'{"method":"foo"}', [], "bad"),
        (b'{"method":"batch"}', [], "bad"),
        (b'{"method":""}', [], "bad"),
        (b'{"method":"5"}', [], "bad"),
        (b'{"method":1.0}', [], "bad"),
        (b'{"method":null}', [], "bad"),
        (b'{"method":["info"]}', [], "bad"),
        (b'{"id":-1,"method":"info"}', [], "bad"),
        (b'{"id":4294967296,"method":"info"}', [], "bad"),
        (b'{"id":"1","method":"info"}', [], "bad"),
        (b'{"Method":"info"}', [], "bad"),
        (b'{"method":"info","more":[1]}', ["info"], ""),
        (b'{"method":"info","params":NaN}', [], "bad"),
        (b'{"method":"info","params":"\xff"}', [], "bad"),
        (b'{"params":' + b"[" * 100_000, [], "bad"),
        (b'{"method":"info","params":' + b"9" * 10_000 + b"}", ["info"], ""),
    ],
)
def test_commands_one_behind_another(body, methods, end):
    assert called(body) == (methods, end)


def test_ids_are_kept():
    assert [command.id for command in commands(b'{"id":5}{"id":5}{"id":0}{}')] == [5, 5, 0, 0]


def test_params():
    one, two, three, four = commands(
        b'{"params":{"channel":"a","data":{ "n": 1.0}}}{"params":null}{"params":{"channel":1}}{"id":1}'
    )
    assert bytes(request_of(one, PublishRequest).data) == b'{ "n": 1.0}'
    assert request_of(two, ChannelsRequest).pattern == ""
    for bad in (three, four):
        with pytest.raises(BadBody):
            request_of(bad, PublishRequest)
        assert request_of(bad, InfoRequest) == InfoRequest()
