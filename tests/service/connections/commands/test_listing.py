"""Which command a client means."""

from service.connections.commands.listing import COMMANDS, is_pong, request_of
from service.protocol import messages as wire


def test_of_several_requests_the_first_of_the_schema_counts():
    command = wire.Command(id=1, publish=wire.PublishRequest("a"), subscribe=wire.SubscribeRequest("b"))
    assert request_of(command) == ("subscribe", command.subscribe)


def test_nothing_is_nothing_and_without_an_id_a_pong():
    assert request_of(wire.Command(id=1)) == ("", None)
    assert is_pong(wire.Command())
    assert not is_pong(wire.Command(id=1))
    assert not is_pong(wire.Command(send=wire.SendRequest()))


def test_every_command_of_the_schema_is_there():
    assert set(COMMANDS) == set(wire.Command.__struct_fields__) - {"id"}
