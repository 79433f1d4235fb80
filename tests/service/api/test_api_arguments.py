"""What requests mean."""

import base64

import pytest
from msgspec import Raw

from service.access.tokens import Granted
from service.api import api_messages as api
from service.api.api_arguments import closing_of, granted_of, payload_of
from service.protocol.closing import FORCE_DISCONNECT
from service.protocol.errors import ClientMistake


def b64(data):
    return base64.b64encode(data).decode()


def test_base64_goes_before_plain_data():
    assert payload_of(b"1", "") == b"1"
    assert payload_of(b"1", b64(b"\x00")) == b"\x00"
    with pytest.raises(ClientMistake, match="107"):
        payload_of(b"1", "%")


def test_what_is_granted():
    assert granted_of(api.SubscribeRequest()) == Granted()
    asked = api.SubscribeRequest(info=Raw(b"1"), b64data=b64(b"[2]"), override=api.Override(presence=api.Flag(True)))
    granted = granted_of(asked)
    assert (bytes(granted.info), bytes(granted.data), granted.presence) == (b"1", b"[2]", True)
    assert granted.force_recovery is None


@pytest.mark.parametrize("bad", [{"b64info": b64(b"\xff")}, {"b64data": b64(b"{")}, {"b64info": "%"}])
def test_what_no_client_could_read_is_refused(bad):
    with pytest.raises(ClientMistake, match="107"):
        granted_of(api.SubscribeRequest(**bad))


def test_how_connections_are_closed():
    assert closing_of(None) is FORCE_DISCONNECT
    closing = closing_of(api.Disconnect(4001, "go"))
    assert (closing.code, closing.reason, closing.cause, closing.reconnect) == (4001, "go", "forced_by_api", True)
    assert not closing_of(api.Disconnect(4500)).reconnect
    assert closing_of(api.Disconnect(3000)).code == 3000


@pytest.mark.parametrize("code", [0, 999, 1001, 1006, 2999, 5000])
def test_a_close_frame_cannot_say_every_code(code):
    with pytest.raises(ClientMistake, match="107"):
        closing_of(api.Disconnect(code, "x"))
