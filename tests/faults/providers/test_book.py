"""What the providers remember."""

import threading

import pytest

from faults.providers.book import Book


def test_an_entry_is_heard_by_who_waits_for_it():
    book = Book(clock=lambda: 7.0)
    threading.Timer(0.02, book.take, ("sms", ("+100",), "fire", {"n": 1})).start()
    (one,) = book.until(lambda book: book.taken)
    assert (one.provider, one.to, one.text, one.at, one.body) == ("sms", ("+100",), "fire", 7.0, {"n": 1})


def test_who_waits_in_vain_is_told_what_was_there():
    book = Book()
    book.refuse("sms", 401, "who are you?")
    with pytest.raises(AssertionError, match="sms refused: 401 who are you?"):
        book.until(lambda book: book.taken, patience=0.01)


def test_what_was_ordered_is_no_complaint():
    book = Book()
    book.trouble_first("sms", 1, 2)
    assert [book.trouble("sms"), book.trouble("sms"), book.trouble("sms"), book.trouble("mail")] == [1, 2, None, None]
    book.refuse("sms", 1, "ordered", ordered=True)
    book.refuse("sms", 2, "wrong")
    assert [each.code for each in book.complaints] == [2]
    with book.held("sms"):
        assert book.holds("sms")
        assert not book.holds("mail")
    assert not book.holds("sms")
