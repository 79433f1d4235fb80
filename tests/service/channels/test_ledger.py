"""What became of each delivery: the books balance, whatever happens, and show what does not."""

import pytest

from observability import ledger_names, names
from service.channels.ledger import ENDS, Book, Ledger
from tests.service.ledger_world import whatever_can_happen


class Channel:
    owed = 0


def test_every_way_a_delivery_can_go():
    book, channel = Book(), Channel()
    book.expect(channel, 10)
    assert (book.queued, channel.owed, book.unaccounted) == (10, 10, 0)
    book.settle(channel, "filtered", 1)
    book.hand(channel, 8)
    assert (channel.owed, book.unaccounted) == (1, 8), "the writers have them, and say nothing yet"
    book.write(3)
    book.keep(4)
    book.lose("slow_bytes", 1)
    assert (book.queued, book.unaccounted) == (5, 0)
    book.free(4)
    book.write(4)
    assert (book.queued, book.unaccounted) == (1, 0)


def test_who_comes_back_is_given_what_it_missed_or_told():
    book = Book()
    book.miss(5)
    book.recover(4, 1)
    book.miss(3)
    book.lose("told", 3)
    assert (book.expected, book.ends["recovered"], book.ends["filtered"], book.ends["told"]) == (8, 4, 1, 3)
    assert book.unaccounted == 0
    book.miss(5)
    book.recover(4, 0)
    assert book.unaccounted == 1, "a hole in what was said to be all"


def test_what_vanishes_from_a_channel_is_seen_when_it_comes_to_rest():
    book, channel = Book(), Channel()
    book.expect(channel, 7)
    book.rest(channel, 2)
    assert (book.queued, channel.owed, book.unaccounted) == (2, 2, 5)
    book.rest(channel, 2)
    assert book.unaccounted == 5, "and is not forgotten"


def test_what_was_written_and_is_still_owed_is_seen_then_too():
    book, channel = Book(), Channel()
    book.expect(channel, 3)
    book.write(3)
    assert book.unaccounted == -3
    book.rest(channel, 0)
    assert (book.queued, book.unaccounted) == (0, 3)


def test_the_figures_say_all_that_the_balance_needs():
    ledger = Ledger(["", "chat", "never"])
    book, channel = ledger.books["chat"], Channel()
    book.expect(channel, 9)
    book.hand(channel, 5)
    book.write(2)
    book.lose("conflated", 1)
    book.lose("unsubscribed", 1)
    told = {(figure.name, *figure.labels): figure.value for figure in ledger.figures()}
    assert told == {
        ("heliograph_messages_unaccounted", "-"): 0,
        ("heliograph_messages_expected_total", "chat"): 9,
        ("heliograph_messages_delivered_total", "chat"): 2,
        ("heliograph_messages_queued", "chat"): 4,
        ("heliograph_messages_ended_total", "chat", "unsubscribed"): 1,
        ("heliograph_messages_dropped_total", "chat", "conflated"): 1,
        ("heliograph_messages_unaccounted", "chat"): 1,
    }
    assert ledger.unaccounted == {"chat": 1}


@pytest.mark.shows("heliograph_messages_expected_total", "heliograph_messages_ended_total")
@pytest.mark.shows("heliograph_messages_dropped_total")
def test_whatever_happens_the_books_balance(telemetry):
    ledger = whatever_can_happen()
    telemetry.registry.add_source(ledger.figures)
    assert not ledger.unaccounted
    assert {end for book in ledger.books.values() for end, count in book.ends.items() if count} == set(ENDS)
    assert all(book.written and book.queued == 0 for book in ledger.books.values())


def test_the_ends_are_those_of_the_metrics():
    assert sorted(ENDS) == sorted({*ledger_names.ENDS, *names.DROP_CAUSES})
