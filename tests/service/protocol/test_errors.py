"""The errors of replies are those of the protocol, and say what they mean."""

import dataclasses

import pytest

from service.protocol import errors
from service.protocol.errors import ERRORS, ClientMistake

WIRE = {
    100: "internal server error",
    101: "unauthorized",
    102: "unknown channel",
    103: "permission denied",
    104: "method not found",
    105: "already subscribed",
    106: "limit exceeded",
    107: "bad request",
    108: "not available",
    109: "token expired",
    110: "expired",
    111: "too many requests",
    112: "unrecoverable position",
    113: "concurrent pagination",
}


def test_codes_and_words_are_those_of_the_protocol():
    assert {code: error.message for code, error in ERRORS.items()} == WIRE


def test_only_three_are_temporary():
    assert [code for code, error in ERRORS.items() if error.temporary] == [100, 111, 113]


def test_every_constant_stands_in_the_table():
    constants = {id(value) for value in vars(errors).values() if isinstance(value, errors.ReplyError)}
    assert constants == {id(error) for error in ERRORS.values()}


@pytest.mark.parametrize("error", ERRORS.values(), ids=lambda error: str(error.code))
def test_a_row_explains_itself(error):
    assert error.meaning.endswith(".")
    assert error.client_action


def test_the_wire_form_has_what_clients_read():
    wire = errors.INTERNAL.to_wire()
    assert (wire.code, wire.message, wire.temporary) == (100, "internal server error", True)


def test_a_mistake_carries_its_error():
    with pytest.raises(ClientMistake, match="103 permission denied") as caught:
        raise ClientMistake(errors.PERMISSION_DENIED)
    assert caught.value.error is errors.PERMISSION_DENIED


def test_rows_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        errors.INTERNAL.code = 1
    with pytest.raises(TypeError):
        ERRORS[1] = errors.INTERNAL
