"""Letters: what is to be told to whom by which channel, on disk until a provider has taken it.

Those that wait for the same channel and person go out together: each waits a moment for others, and when a provider's
limit or a fault held them up, one call tells them all. What a provider refuses is tried by halves, apart from what it
has not seen yet, so that one message that it cannot bear holds up no other. A letter that no provider took within a
day is given up, and counted.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from alerts.pager import pace
from alerts.pager.calls import Calls
from alerts.pager.incidents import Incidents
from alerts.pager.message import Message
from alerts.pager.store import Store

TOGETHER: Final = 1000  # letters in one call
GIVEN_UP: Final = 24 * 3600.0  # seconds
KEPT: Final = 2000  # letters that are done, and the last ones of open cases: who was told hears of the end
REFUSED_AGAIN: Final = 300.0  # seconds; somebody may have put the configuration right
_APART_AGAIN: Final = 5.0  # seconds until the halves of a refused call are tried
_HOPELESS: Final = 12  # tries after which another letter's success is no reason for one more
_ANY: Final = 0  # the party of letters that may go with any other
_REFUSED: Final = -1  # of those that were refused when another one went; else a letter's number: the first of its half
_IN_TURN: Final = """ AND NOT EXISTS (SELECT 1 FROM letters AS older WHERE older.incident = letters.incident
 AND older.channel = letters.channel AND older.state = 'waiting' AND older.number < letters.number)"""
_FORGET: Final = """DELETE FROM letters WHERE state != 'waiting' AND number <=
 (SELECT number FROM letters WHERE state != 'waiting' ORDER BY number DESC LIMIT 1 OFFSET ?)
 AND number NOT IN (SELECT max(number) FROM letters
 WHERE case_number IN (SELECT number FROM cases WHERE closed_at = 0) GROUP BY case_number, channel, person)"""
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

    def __init__(
        self, store: Store, calls: Calls, *, window: float = pace.GATHER, single: Collection[str] = ()
    ) -> None:
        """``window``: seconds that a letter waits for others; ``single``: channels whose letters go one by one."""
        self._store = store
        self._calls = calls
        self._window = window
        self._single = frozenset(single)
        self._incidents = Incidents(store)

    def write(self, message: Message, channel: str, person: str, now: float) -> None:
        """One more; part of the caller's transaction. None where an incident has to wait for its other cases.

        Raises:
            InboxUnusable: the disk.

        """
        wait = 0.0
        if channel in self._single:
            told = self._incidents.told(message, channel, now)
            if told is None:
                return
            message = told
        else:
            wait = pace.gather(self._window, self._calls.made(channel, person, now - pace.RECENT))
        with self._store.writing() as database:
            database.execute(
                "INSERT INTO letters VALUES (NULL, ?, ?, ?, ?, ?, ?, 0, 'waiting', '', 0, 0, ?)",
                (message.case, channel, person, message.dump(), now, now + wait, message.topic),
            )

    def next(self, channel: str, now: float) -> list[Letter]:
        """The letter of a channel that is due for longest, and those that go with it; of an incident in order."""
        first = (
            f"channel = ? AND state = 'waiting' AND due_at <= ?{self._turn(channel)} ORDER BY due_at, number LIMIT 1"
        )
        found = self._store.read(f"SELECT number, person, dispatch FROM letters WHERE {first}", (channel, now))  # noqa: S608
        if not found:
            return []
        ((number, person, party),) = found
        if channel in self._single:
            return self._read("number = ?", number)
        which = "channel = ? AND person = ? AND dispatch = ? AND state = 'waiting' AND (dispatch = ? OR due_at <= ?)"
        letters = self._read(f"{which} ORDER BY due_at, number LIMIT ?", channel, person, party, _ANY, now, TOGETHER)
        return sorted(letters, key=lambda letter: letter.number)

    def next_due(self, channel: str) -> float:
        """When the next letter of a channel is due; infinity for never."""
        query = f"SELECT min(due_at) FROM letters WHERE channel = ? AND state = 'waiting'{self._turn(channel)}"  # noqa: S608
        ((due,),) = self._store.read(query, (channel,))
        return float("inf") if due is None else float(due)

    def _turn(self, channel: str) -> str:
        return _IN_TURN if channel in self._single else ""

    def sent(self, letters: Sequence[Letter], now: float, note: str = "") -> None:
        """A provider took them, in one call. What it refused before may please it now."""
        channel, person = letters[0].channel, letters[0].person
        with self._store.writing() as database:
            database.executemany(
                "UPDATE letters SET state = 'sent', why = ?, tries = tries + 1, sent_at = ?, dispatch = ?"
                " WHERE number = ?",
                [(note, now, letters[0].number, letter.number) for letter in letters],
            )
            database.execute(
                "UPDATE letters SET due_at = ?, dispatch = ? WHERE channel = ? AND person = ? AND state = 'waiting'"
                " AND dispatch != ? AND tries < ?",
                (now, _REFUSED, channel, person, _ANY, _HOPELESS),
            )
            database.execute(_FORGET, (KEPT,))

    def at_once(self, letters: Sequence[Letter], why: str) -> None:
        """They go with the next call, which is to be made now; this one was no try."""
        with self._store.writing() as database:
            database.executemany(
                "UPDATE letters SET why = ? WHERE number = ?", [(why, each.number) for each in letters]
            )

    def failed(self, letters: Sequence[Letter], why: str, until: float, now: float) -> int:
        """They were not taken: again at that moment, or given up; how many were given up."""
        return self._put_off([(letter, until, None) for letter in letters], why, now)

    def refused(self, letters: Sequence[Letter], why: str, now: float) -> int:
        """They were not wanted: each half by itself soon, a single one later; how many were given up."""
        if len(letters) == 1:
            return self._put_off([(letters[0], now + REFUSED_AGAIN, letters[0].number)], why, now)
        middle = (len(letters) + 1) // 2
        halves = letters[:middle], letters[middle:]
        return self._put_off(
            [(letter, now + _APART_AGAIN, half[0].number) for half in halves for letter in half], why, now
        )

    def _put_off(self, letters: Sequence[tuple[Letter, float, int | None]], why: str, now: float) -> int:
        """Each with the moment of its next try and its new party."""
        given_up = 0
        with self._store.writing() as database:
            for letter, until, party in letters:
                over = now - letter.written_at > GIVEN_UP
                given_up += over
                database.execute(
                    "UPDATE letters SET due_at = ?, tries = tries + 1, why = ?, state = ?,"
                    " dispatch = coalesce(?, dispatch) WHERE number = ?",
                    (until, why, "given_up" if over else "waiting", party, letter.number),
                )
        return given_up

    def waiting(self) -> int:
        """How many wait, those that still gather others included."""
        ((count,),) = self._store.read("SELECT count(*) FROM letters WHERE state = 'waiting'")
        return int(count)

    def overdue(self, now: float) -> int:
        """How many wait for their provider: it has failed them, or their time has come."""
        query = "SELECT count(*) FROM letters WHERE state = 'waiting' AND (tries > 0 OR why != '' OR due_at <= ?)"
        ((count,),) = self._store.read(query, (now,))
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
