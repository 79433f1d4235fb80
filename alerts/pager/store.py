"""The pager's one SQLite file. What was accepted is on disk before the sender hears so."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

_FORMS: Final = (
    """
CREATE TABLE entries (
    number INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    name TEXT NOT NULL,
    severity TEXT NOT NULL,
    starts_at REAL NOT NULL,
    ends_at REAL NOT NULL,
    told_at REAL NOT NULL,
    told_over_at REAL NOT NULL,
    notices INTEGER NOT NULL,
    labels TEXT NOT NULL,
    annotations TEXT NOT NULL,
    source TEXT NOT NULL,
    alertmanager TEXT NOT NULL
);
CREATE INDEX by_fingerprint ON entries (fingerprint, starts_at);
CREATE INDEX by_end ON entries (told_over_at);
""",
    """
CREATE TABLE cases (
    number INTEGER PRIMARY KEY,
    route TEXT NOT NULL,
    group_key TEXT NOT NULL,
    opened_at REAL NOT NULL,
    closed_at REAL NOT NULL,
    acknowledged_at REAL NOT NULL,
    acknowledged_by TEXT NOT NULL,
    steps INTEGER NOT NULL,
    state TEXT NOT NULL,
    told_at REAL NOT NULL,
    message TEXT NOT NULL
);
CREATE INDEX open_cases ON cases (closed_at, route, group_key);
CREATE TABLE letters (
    number INTEGER PRIMARY KEY,
    case_number INTEGER NOT NULL,
    channel TEXT NOT NULL,
    person TEXT NOT NULL,
    message TEXT NOT NULL,
    written_at REAL NOT NULL,
    due_at REAL NOT NULL,
    tries INTEGER NOT NULL,
    state TEXT NOT NULL,
    why TEXT NOT NULL,
    sent_at REAL NOT NULL,
    dispatch INTEGER NOT NULL
);
CREATE INDEX letters_by_state ON letters (state, channel, due_at);
CREATE INDEX letters_by_time ON letters (channel, sent_at);
""",
    """
CREATE TABLE calls (
    number INTEGER PRIMARY KEY,
    channel TEXT NOT NULL,
    person TEXT NOT NULL,
    began_at REAL NOT NULL
);
CREATE INDEX calls_by_time ON calls (channel, began_at);
CREATE TABLE pauses (
    channel TEXT PRIMARY KEY,
    until REAL NOT NULL,
    failures INTEGER NOT NULL
);
DROP INDEX letters_by_time;
CREATE INDEX letters_by_case ON letters (case_number);
""",
    """
ALTER TABLE entries ADD COLUMN heard_at REAL NOT NULL DEFAULT 0;
ALTER TABLE cases ADD COLUMN heard_at REAL NOT NULL DEFAULT 0;
UPDATE entries SET heard_at = CAST(strftime('%s', 'now') AS REAL);
UPDATE cases SET heard_at = CAST(strftime('%s', 'now') AS REAL);
""",
    """
ALTER TABLE letters ADD COLUMN incident TEXT NOT NULL DEFAULT '';
UPDATE letters SET incident =
 coalesce((SELECT group_key || ' ' || number FROM cases WHERE number = case_number), case_number);
CREATE INDEX letters_by_incident ON letters (incident);
""",
)
"""What each form of the file adds to the one before it; SQLite's user_version says which it has."""


class InboxUnusable(Exception):  # noqa: N818 - says what it is
    """The file cannot be read or written; the text says why."""


class Store:
    """May be used from several threads. Writing happens in transactions, which may be nested: the outermost counts."""

    def __init__(self, file: Path) -> None:
        """Open or make the file.

        Raises:
            InboxUnusable: the file or its folder.

        """
        self._lock = threading.RLock()
        self._depth = 0
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise InboxUnusable(f"{file} cannot be used as inbox: {error}") from None

    def _prepare(self) -> None:
        form = self._database.execute("PRAGMA user_version").fetchone()[0]
        if form not in range(len(_FORMS) + 1):
            raise sqlite3.DatabaseError(
                f"it was written by another version (form {form}, this one knows {len(_FORMS)})"
            )
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")  # accepted means on disk
        for number in range(form, len(_FORMS)):
            self._database.executescript(f"BEGIN; {_FORMS[number]} PRAGMA user_version = {number + 1}; COMMIT;")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it or nothing.

        Raises:
            InboxUnusable: the disk.

        """
        with self._lock:
            try:
                if not self._depth:
                    self._database.execute("BEGIN IMMEDIATE")
                self._depth += 1
                try:
                    yield self._database
                except BaseException:
                    self._depth -= 1
                    self._roll_back()
                    raise
                self._depth -= 1
                if not self._depth:
                    self._commit()
            except sqlite3.Error as error:
                raise InboxUnusable(f"the inbox cannot be written: {error}") from None

    def _commit(self) -> None:
        try:
            self._database.execute("COMMIT")
        except sqlite3.Error:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        """SQLite itself does so at some faults, a full disk among them."""
        if not self._depth and self._database.in_transaction:
            self._database.execute("ROLLBACK")

    def read(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query.

        Raises:
            InboxUnusable: the disk.

        """
        with self._lock:
            try:
                return self._database.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise InboxUnusable(f"the inbox cannot be read: {error}") from None

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._database.close()
