import pytest

from service.api.api_messages import BatchRequest, DisconnectRequest, HistoryRequest, PublishRequest
from service.api.api_reading import BadBody, read


def test_payload_bytes_are_passed_on_untouched():
    asked = read(b'{"channel":"a","data":{ "n" : 1.0, "big":12345678901234567890123 }}', PublishRequest)
    assert bytes(asked.data) == b'{ "n" : 1.0, "big":12345678901234567890123 }'


def test_null_says_nothing():
    assert read(b" null\n", PublishRequest).channel == ""
    assert read(b'{"channel":null,"tags":null,"data":{}}', PublishRequest).channel == ""


def test_data_may_be_null():
    assert bytes(read(b'{"channel":"a","data":null}', PublishRequest).data) == b"null"


def test_unknown_keys_are_ignored():
    assert read(b'{"channel":"a","x":[1,{"y":2}]}', PublishRequest).channel == "a"
    asked = read(b'{"user":"u","disconnect":{"code":4001,"reason":"x","reconnect":true}}', DisconnectRequest)
    assert asked.disconnect.code == 4001


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"5",
        b"hello",
        b'{"channel":"a"} x',
        b'{"channel":"a"}{}',
        b'{"channel":5}',
        b'{"channel":"a","tags":{"a":1}}',
        b'{"channel":"a","version":-1}',
        b'{"channel":"\xff"}',
        b'{"Channel":"a"}',
        b'{"channel":"a","data":' + b"[" * 2000,
    ],
)
def test_what_is_no_request(body):
    with pytest.raises(BadBody):
        read(body, PublishRequest)


def test_positions_are_read():
    asked = read(b'{"channel":"a","limit":-1,"since":{"offset":3,"epoch":"e"},"reverse":true}', HistoryRequest)
    assert (asked.limit, asked.since.offset, asked.since.epoch, asked.reverse) == (-1, 3, "e", True)


def test_commands_of_a_batch_stay_unread():
    asked = read(b'{"commands":[{"publish":{"channel":"a"}},{"info":{}}],"parallel":true}', BatchRequest)
    assert [list(command) for command in asked.commands] == [["publish"], ["info"]]
