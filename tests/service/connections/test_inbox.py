"""The inbox: order, and one pause and one resume at a time."""

from hypothesis import given
from hypothesis import strategies as st

from service.connections.inbox import Inbox
from service.protocol import closing
from service.protocol.messages import Command


def test_commands_come_out_in_their_order():
    inbox = Inbox(64, 65536)
    for number in range(5):
        inbox.put(Command(id=number), 10)
    inbox.put(closing.BAD_FRAME, 0)
    assert [inbox.take() for _ in range(6)] == [*(Command(id=n) for n in range(5)), closing.BAD_FRAME]


def test_it_pauses_above_the_number_of_commands_and_resumes_at_half():
    inbox = Inbox(4, 65536)
    assert [inbox.put(Command(), 1) for _ in range(6)] == [False, False, False, False, True, False]
    relieved = []
    while inbox:
        inbox.take()
        relieved.append(inbox.relieved())
    assert relieved == [False, False, False, True, False, False]


def test_it_pauses_above_the_number_of_bytes():
    inbox = Inbox(64, 100)
    assert [inbox.put(Command(), 50) for _ in range(3)] == [False, False, True]
    inbox.take()
    assert not inbox.relieved()
    inbox.take()
    assert inbox.relieved()


@given(st.lists(st.one_of(st.integers(0, 60), st.just("take")), max_size=120))
def test_pauses_and_resumes_alternate(happenings):
    inbox = Inbox(8, 200)
    sizes: list[int] = []
    said: list[str] = []
    taken: list[int] = []
    number = 0
    for happening in happenings:
        if happening == "take":
            if not inbox:
                continue
            command = inbox.take()
            assert isinstance(command, Command)
            taken.append(command.id)
            sizes.pop(0)
            if inbox.relieved():
                said.append("resume")
                assert len(sizes) <= 4
                assert sum(sizes) <= 100
        else:
            sizes.append(happening)
            if inbox.put(Command(id=number), happening):
                said.append("pause")
                assert len(sizes) > 8 or sum(sizes) > 200
            number += 1
        assert len(inbox) == len(sizes)
        assert inbox.paused or (len(sizes) <= 8 and sum(sizes) <= 200)
    assert taken == list(range(len(taken)))
    assert said == (["pause", "resume"] * len(said))[: len(said)]
