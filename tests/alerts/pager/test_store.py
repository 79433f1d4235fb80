"""The pager's file: what was accepted survives, transactions are whole, what cannot be used is told."""

import json
import sqlite3
import time

import pytest

from alerts.pager import store as store_room
from alerts.pager.alert import read
from alerts.pager.inbox import Inbox
from alerts.pager.store import InboxUnusable, Store
from tests.alerts.pager.notices import notice, notification


def alerts(*given):
    return read(json.dumps(notification(*given)).encode()).alerts


def test_what_was_accepted_survives(tmp_path):
    file = tmp_path / "inbox.sqlite3"
    first = Store(file)
    Inbox(first).take(alerts(notice(starts=1000)), "", 1010)
    second = Store(file)  # the first one is not closed: the process was killed
    (entry,) = Inbox(second).firing()
    assert entry.labels == alerts(notice())[0].labels
    first.close()
    second.close()


def test_a_file_that_cannot_be_used_is_told_with_its_reason(tmp_path):
    (tmp_path / "text").write_text("this is no database, and it is long enough to be looked at" * 20)
    with pytest.raises(InboxUnusable, match="text cannot be used as inbox: file is not a database"):
        Store(tmp_path / "text")
    (tmp_path / "file").touch()
    with pytest.raises(InboxUnusable, match="cannot be used as inbox"):
        Store(tmp_path / "file" / "inbox.sqlite3")


def test_a_newer_form_is_left_alone(tmp_path):
    file = tmp_path / "inbox.sqlite3"
    database = sqlite3.connect(file)
    database.execute("PRAGMA user_version = 7")
    database.close()
    with pytest.raises(InboxUnusable, match="written by another version"):
        Store(file)


def test_an_older_form_keeps_what_it_holds(tmp_path, monkeypatch):
    file = tmp_path / "inbox.sqlite3"
    with monkeypatch.context() as past:
        past.setattr(store_room, "_FORMS", store_room._FORMS[:1])
        old = Store(file)
        with old.writing() as database:
            database.execute("INSERT INTO entries VALUES (1, 'f', 'n', 'critical', 1, 0, 1, 0, 1, '{}', '{}', '', '')")
        old.close()
    new = Store(file)
    (entry,) = Inbox(new).firing()
    assert time.time() - entry.heard_at < 60, "it counts as heard of when the file was brought up to date"
    assert new.read("SELECT count(*) FROM letters") == new.read("SELECT count(*) FROM calls") == [(0,)]
    new.close()


def test_a_disk_that_fails_is_told(tmp_path):
    store = Store(tmp_path / "inbox.sqlite3")
    store.close()
    with pytest.raises(InboxUnusable, match="cannot be written"):
        Inbox(store).take(alerts(notice()), "", 1010)
    with pytest.raises(InboxUnusable, match="cannot be read"):
        Inbox(store).firing()


def test_the_outermost_transaction_counts(tmp_path):
    store = Store(tmp_path / "inbox.sqlite3")
    with pytest.raises(ZeroDivisionError), store.writing():
        Inbox(store).take(alerts(notice()), "", 1010)
        raise ZeroDivisionError
    assert Inbox(store).firing() == []
    with store.writing():
        Inbox(store).take(alerts(notice()), "", 1010)
    assert len(Inbox(store).firing()) == 1
    store.close()


def test_a_disk_that_is_full_keeps_what_it_has_and_takes_more_when_there_is_room(tmp_path):
    """Also when it is full only at the end of the transaction."""
    store = Store(tmp_path / "inbox.sqlite3")
    inbox = Inbox(store, 10_000)
    inbox.take(alerts(notice()), "", 1010)
    ((pages,),) = store.read("PRAGMA page_count")
    store.read(f"PRAGMA max_page_count = {pages}")
    many = alerts(*(notice(instance=str(n)) for n in range(200)))
    for _ in range(2):
        with pytest.raises(InboxUnusable, match="full"):
            inbox.take(many, "", 1010)
    assert len(inbox.firing()) == 1
    store.read("PRAGMA max_page_count = 100000")
    inbox.take(many, "", 1010)
    assert len(inbox.firing()) == 201
    store.close()


def test_a_transaction_that_cannot_be_ended_holds_up_no_other(tmp_path):
    store = Store(tmp_path / "inbox.sqlite3")
    store.read("PRAGMA foreign_keys = ON")
    with pytest.raises(InboxUnusable, match="FOREIGN KEY"), store.writing() as database:
        database.execute("CREATE TABLE a (n INTEGER PRIMARY KEY)")
        database.execute("CREATE TABLE b (n INTEGER REFERENCES a DEFERRABLE INITIALLY DEFERRED)")
        database.execute("INSERT INTO b VALUES (1)")
        Inbox(store).take(alerts(notice()), "", 1010)
    assert Inbox(store).firing() == []
    Inbox(store).take(alerts(notice()), "", 1010)
    assert len(Inbox(store).firing()) == 1
    store.close()
