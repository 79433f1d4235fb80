"""What was paged, kept in one SQLite file: what was accepted is on disk before the sender hears so.

A fingerprint has at most one open entry. A firing notice opens or renews it, a resolved one closes it; the same alert
at a later time is a new entry. At the bound the oldest closed entries make room; when there are none, notices are
refused.
"""

import json
import re
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from alerts.pager.alert import NEVER, Alert

_FORM: Final = 1  # of the table, in SQLite's user_version
_TABLE: Final = """
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
"""
_COLUMNS: Final = tuple(re.findall(r"^    (\w+)", _TABLE, re.MULTILINE))
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM entries"  # noqa: S608 - no word of it comes from outside


class InboxFull(Exception):  # noqa: N818 - says what it is
    """Every entry is still firing."""


class InboxUnusable(Exception):  # noqa: N818 - says what it is
    """The file cannot be read or written; the text says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One time that an alert fired. Times in seconds since the epoch."""

    number: int
    fingerprint: str
    name: str
    severity: str
    starts_at: float
    ends_at: float  # NEVER while it fires
    told_at: float  # when the first notice came
    told_over_at: float  # when the notice came that it is over; NEVER while it fires
    notices: int
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    source: str
    alertmanager: str

    @property
    def firing(self) -> bool:
        """Not over, as far as we were told."""
        return self.told_over_at == NEVER


class Inbox:
    """May be used from several threads; each call is one transaction."""

    def __init__(self, file: Path, limit: int = 1000) -> None:
        """``limit``: entries that are kept.

        Raises:
            InboxUnusable: the file or its folder.

        """
        self._limit = limit
        self._lock = threading.Lock()
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise InboxUnusable(f"{file} cannot be used as inbox: {error}") from None

    def _prepare(self) -> None:
        form = self._database.execute("PRAGMA user_version").fetchone()[0]
        if form not in (0, _FORM):
            raise sqlite3.DatabaseError(f"it was written by another version (form {form}, this one knows {_FORM})")
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")  # accepted means on disk
        if form == 0:
            self._database.executescript(f"BEGIN; {_TABLE} PRAGMA user_version = {_FORM}; COMMIT;")

    def take(self, alerts: Iterable[Alert], alertmanager: str, now: float) -> None:
        """Keep what a notification says, all of it or nothing.

        Raises:
            InboxFull: there is no room and nothing that may go.
            InboxUnusable: the disk.

        """
        with self._lock:
            try:
                self._database.execute("BEGIN IMMEDIATE")
                try:
                    for alert in alerts:
                        self._take(alert, alertmanager, now)
                    self._make_room()
                except BaseException:
                    self._database.execute("ROLLBACK")
                    raise
                self._database.execute("COMMIT")
            except sqlite3.Error as error:
                raise InboxUnusable(f"the inbox cannot be written: {error}") from None

    def _take(self, alert: Alert, alertmanager: str, now: float) -> None:
        known = self._known(alert)
        over = NEVER if alert.firing else now
        if known is None:
            self._insert(alert, alertmanager, now, over)
            return
        number, told_over_at = known
        self._database.execute(
            "UPDATE entries SET ends_at = ?, told_over_at = ?, notices = notices + 1, labels = ?, annotations = ?,"
            " severity = ?, source = ?, alertmanager = ? WHERE number = ?",
            (
                alert.ends_at,
                NEVER if alert.firing else told_over_at or now,
                json.dumps(dict(alert.labels)),
                json.dumps(dict(alert.annotations)),
                alert.severity,
                alert.source,
                alertmanager,
                number,
            ),
        )

    def _known(self, alert: Alert) -> tuple[int, float] | None:
        """Number and end of the open entry, else of one that began at the same time."""
        found = self._database.execute(
            "SELECT number, told_over_at FROM entries WHERE fingerprint = ? AND (told_over_at = 0 OR starts_at = ?)"
            " ORDER BY told_over_at = 0 DESC, number DESC LIMIT 1",
            (alert.fingerprint, alert.starts_at),
        ).fetchone()
        return (int(found[0]), float(found[1])) if found else None

    def _insert(self, alert: Alert, alertmanager: str, now: float, over: float) -> None:
        self._database.execute(
            "INSERT INTO entries VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?)",
            (
                alert.fingerprint,
                alert.name,
                alert.severity,
                alert.starts_at,
                alert.ends_at,
                now,
                over,
                json.dumps(dict(alert.labels)),
                json.dumps(dict(alert.annotations)),
                alert.source,
                alertmanager,
            ),
        )

    def _make_room(self) -> None:
        count = self._database.execute("SELECT count(*) FROM entries").fetchone()[0]
        if count <= self._limit:
            return
        self._database.execute(
            "DELETE FROM entries WHERE number IN"
            " (SELECT number FROM entries WHERE told_over_at > 0 ORDER BY told_over_at LIMIT ?)",
            (count - self._limit,),
        )
        if self._database.execute("SELECT count(*) FROM entries").fetchone()[0] > self._limit:
            raise InboxFull(f"the inbox holds {self._limit} alerts and all of them are firing")

    def firing(self) -> list[Entry]:
        """What is not over, the newest first."""
        return self._read("told_over_at = 0 ORDER BY starts_at DESC, number DESC")

    def resolved(self, most: int = 100) -> list[Entry]:
        """What is over, the newest end first, at most so many."""
        return self._read("told_over_at > 0 ORDER BY told_over_at DESC, number DESC LIMIT ?", most)

    def _read(self, which: str, *values: Any) -> list[Entry]:
        with self._lock:
            try:
                rows = self._database.execute(f"{_SELECT} WHERE {which}", values).fetchall()
            except sqlite3.Error as error:
                raise InboxUnusable(f"the inbox cannot be read: {error}") from None
        return [_entry(row) for row in rows]

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._database.close()


def _entry(row: tuple[Any, ...]) -> Entry:
    fields = dict(zip(_COLUMNS, row, strict=True))
    fields["labels"], fields["annotations"] = json.loads(fields["labels"]), json.loads(fields["annotations"])
    return Entry(**fields)
