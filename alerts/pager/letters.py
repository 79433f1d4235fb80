"""Letters: what is to be told to whom by which channel, on disk until a provider has taken it.

Those that wait for the same channel and person go out together: when a provider's limit or a fault held them up, one
call tells them all. A letter that no provider took within a day is given up, and counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from alerts.pager.message import Message
from alerts.pager.store import Store

TOGETHER: Final = 20  # letters in one call
GIVEN_UP: Final = 24 * 3600.0  # seconds
KEPT: Final = 2000  # letters that are done
_SLOWEST: Final = 300.0  # seconds between two tries
_COLUMNS: Final = "number, case_number, channel, person, message, written_at, due_at, tries, state, why, sent_at"


@dataclass(frozen=True, slots=True)
class Letter:
    """One message on its way."""

    number: int
    case: int
    channel: str
    person: str  # key in the rota; "" for a channel that is no person's
    message: Message
    written_at: float
    due_at: float
    tries: int
    state: str  # waiting, sent, given_up
    why: str  # of the last try that failed
    sent_at: float


class Letters:
    """All letters of the pager."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, message: Message, channel: str, person: str, now: float) -> None:
        """One more; part of the caller's transaction.

        Raises:
            InboxUnusable: the disk.

        """
        with self._store.writing() as database:
            database.execute(
                "INSERT INTO letters VALUES (NULL, ?, ?, ?, ?, ?, ?, 0, 'waiting', '', 0, 0)",
                (message.case, channel, person, message.dump(), now, now),
            )

    def next(self, channel: str, now: float, together: int = TOGETHER) -> list[Letter]:
        """The oldest letter of a channel that is due, and those that may go with it."""
        first = self._read("channel = ? AND state = 'waiting' AND due_at <= ? ORDER BY number LIMIT 1", channel, now)
        if not first or together == 1:
            return first
        same = "channel = ? AND person = ? AND state = 'waiting' ORDER BY number LIMIT ?"
        return self._read(same, channel, first[0].person, together)

    def next_due(self, channel: str) -> float:
        """When the next letter of a channel is due; infinity for never."""
        query = "SELECT min(due_at) FROM letters WHERE channel = ? AND state = 'waiting'"
        ((due,),) = self._store.read(query, (channel,))
        return float("inf") if due is None else float(due)

    def calls_since(self, channel: str, moment: float) -> int:
        """Calls of a channel that were made since: a provider counts them, and so do we, restarts included."""
        query = "SELECT count(DISTINCT dispatch) FROM letters WHERE channel = ? AND sent_at > ?"
        ((count,),) = self._store.read(query, (channel, moment))
        return int(count)

    def sent(self, letters: Sequence[Letter], now: float) -> None:
        """A provider took them, in one call."""
        with self._store.writing() as database:
            for letter in letters:
                database.execute(
                    "UPDATE letters SET state = 'sent', why = '', tries = tries + 1, sent_at = ?, dispatch = ?"
                    " WHERE number = ?",
                    (now, letters[0].number, letter.number),
                )
            database.execute(
                "DELETE FROM letters WHERE state != 'waiting' AND number <="
                " (SELECT number FROM letters WHERE state != 'waiting' ORDER BY number DESC LIMIT 1 OFFSET ?)",
                (KEPT,),
            )

    def failed(self, letters: Sequence[Letter], why: str, seconds: float, now: float) -> int:
        """They were not taken: again later, or given up; how many were given up. ``seconds`` 0: at once, and no try."""
        given_up = 0
        with self._store.writing() as database:
            for letter in letters:
                over = now - letter.written_at > GIVEN_UP
                given_up += over
                wait = max(seconds, min(_SLOWEST, 5.0 * 2**letter.tries)) if seconds else 0.0
                database.execute(
                    "UPDATE letters SET due_at = ?, tries = tries + ?, why = ?, state = ? WHERE number = ?",
                    (now + wait, bool(seconds), why, "given_up" if over else "waiting", letter.number),
                )
        return given_up

    def waiting(self) -> int:
        """How many wait."""
        ((count,),) = self._store.read("SELECT count(*) FROM letters WHERE state = 'waiting'")
        return int(count)

    def of_case(self, case: int) -> list[Letter]:
        """All letters of a case."""
        return self._read("case_number = ? ORDER BY number", case)

    def channels_of(self, case: int) -> list[tuple[str, str]]:
        """(channel, person) that a case was told to: who hears of its end."""
        query = "SELECT DISTINCT channel, person FROM letters WHERE case_number = ? ORDER BY number"
        return [(str(channel), str(person)) for channel, person in self._store.read(query, (case,))]

    def _read(self, which: str, *values: object) -> list[Letter]:
        rows = self._store.read(f"SELECT {_COLUMNS} FROM letters WHERE {which}", values)  # noqa: S608 - ours
        return [_letter(row) for row in rows]


def _letter(row: tuple[Any, ...]) -> Letter:
    number, case, channel, person, message, written_at, due_at, tries, state, why, sent_at = row
    return Letter(number, case, channel, person, Message.load(message), written_at, due_at, tries, state, why, sent_at)
