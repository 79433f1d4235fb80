"""The table of states."""

from service.connections.states import TABLE, Event, State


def test_every_state_can_be_reached_and_ends_in_closing():
    reached = {State.GREETING} | {after for events in TABLE.values() for after in events.values()}
    assert reached == set(State) == set(TABLE)
    for state, events in TABLE.items():
        assert (events.get(Event.CLOSED) is State.CLOSING) == (state is not State.CLOSING)
