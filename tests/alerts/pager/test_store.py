"""The pager's file: what was accepted survives, transactions are whole, what cannot be used is told."""

import json
import sqlite3

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
        Inbox(old).take(alerts(notice()), "", 1010)
        old.close()
    new = Store(file)
    assert len(Inbox(new).firing()) == 1
    assert new.read("SELECT count(*) FROM letters") == [(0,)]
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
