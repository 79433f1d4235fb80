"""What was paged, kept on disk.

A fingerprint has at most one open entry. A firing notice opens or renews it, a resolved one closes it; the same alert
at a later time is a new entry. At the bound the oldest closed entries make room, then those of which nothing was heard
for days; when there are none, notices are refused.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any, Final

from alerts.pager.alert import NEVER, Alert
from alerts.pager.store import Store

_COLUMNS: Final = (
    "number", "fingerprint", "name", "severity", "starts_at", "ends_at", "told_at", "told_over_at", "notices", "labels",
    "annotations", "source", "alertmanager", "heard_at",
)  # fmt: skip
FORGOTTEN: Final = 3 * 86400.0  # seconds without a word: longer than any reminder takes
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM entries"  # noqa: S608 - no word of it comes from outside


class InboxFull(Exception):  # noqa: N818 - says what it is
    """Every entry is still firing."""


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
    heard_at: float  # when the last notice came

    @property
    def firing(self) -> bool:
        """Not over, as far as we were told."""
        return self.told_over_at == NEVER


class Inbox:
    """May be used from several threads; each call is one transaction."""

    def __init__(self, store: Store, limit: int = 1000) -> None:
        """``limit``: entries that are kept."""
        self._store = store
        self._limit = limit

    def take(self, alerts: Iterable[Alert], alertmanager: str, now: float) -> None:
        """Keep what a notification says, all of it or nothing.

        Raises:
            InboxFull: there is no room and nothing that may go.
            InboxUnusable: the disk.

        """
        with self._store.writing() as database:
            for alert in alerts:
                self._take(database, alert, alertmanager, now)
            self._make_room(database, now)

    def _take(self, database: Connection, alert: Alert, alertmanager: str, now: float) -> None:
        known = self._known(database, alert)
        over = NEVER if alert.firing else now
        if known is None:
            self._insert(database, alert, alertmanager, now, over)
            return
        number, told_over_at = known
        database.execute(
            "UPDATE entries SET ends_at = ?, told_over_at = ?, notices = notices + 1, labels = ?, annotations = ?,"
            " severity = ?, source = ?, alertmanager = ?, heard_at = ? WHERE number = ?",
            (
                alert.ends_at,
                NEVER if alert.firing else told_over_at or now,
                json.dumps(dict(alert.labels)),
                json.dumps(dict(alert.annotations)),
                alert.severity,
                alert.source,
                alertmanager,
                now,
                number,
            ),
        )

    def _known(self, database: Connection, alert: Alert) -> tuple[int, float] | None:
        """Number and end of the open entry, else of one that began at the same time."""
        found = database.execute(
            "SELECT number, told_over_at FROM entries WHERE fingerprint = ? AND (told_over_at = 0 OR starts_at = ?)"
            " ORDER BY told_over_at = 0 DESC, number DESC LIMIT 1",
            (alert.fingerprint, alert.starts_at),
        ).fetchone()
        return (int(found[0]), float(found[1])) if found else None

    def _insert(self, database: Connection, alert: Alert, alertmanager: str, now: float, over: float) -> None:
        database.execute(
            "INSERT INTO entries VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?)",
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
                now,
            ),
        )

    def _make_room(self, database: Connection, now: float) -> None:
        for which in ("told_over_at > 0 ORDER BY told_over_at", f"heard_at < {now - FORGOTTEN} ORDER BY heard_at"):
            too_many = database.execute("SELECT count(*) FROM entries").fetchone()[0] - self._limit
            if too_many <= 0:
                return
            database.execute(
                f"DELETE FROM entries WHERE number IN (SELECT number FROM entries WHERE {which} LIMIT ?)",  # noqa: S608
                (too_many,),
            )
        if database.execute("SELECT count(*) FROM entries").fetchone()[0] > self._limit:
            raise InboxFull(f"the inbox holds {self._limit} alerts and all of them are firing")

    def firing(self) -> list[Entry]:
        """What is not over, the newest first."""
        return self._read("told_over_at = 0 ORDER BY starts_at DESC, number DESC")

    def resolved(self, most: int = 100) -> list[Entry]:
        """What is over, the newest end first, at most so many."""
        return self._read("told_over_at > 0 ORDER BY told_over_at DESC, number DESC LIMIT ?", most)

    def _read(self, which: str, *values: Any) -> list[Entry]:
        return [_entry(row) for row in self._store.read(f"{_SELECT} WHERE {which}", values)]


def _entry(row: tuple[Any, ...]) -> Entry:
    fields = dict(zip(_COLUMNS, row, strict=True))
    fields["labels"], fields["annotations"] = json.loads(fields["labels"]), json.loads(fields["annotations"])
    return Entry(**fields)
