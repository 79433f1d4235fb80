"""The calls that were made of providers, and the pauses that a provider gets. On disk: a restart forgets neither.

Whatever a call was answered, the provider has counted it, and so do we: before it is made, so that a call whose answer
nobody heard counts, too.
"""

from typing import Final

from alerts.pager.pace import MINUTE, again
from alerts.pager.store import Store

LONGEST_PAUSE: Final = 3600.0  # seconds; a clock that was wrong must not silence a channel for longer
_KEPT: Final = 3600.0  # seconds that a call is remembered


class Calls:
    """Of all channels."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, channel: str, person: str, now: float) -> int:
        """A call is about to be made; its number.

        Raises:
            InboxUnusable: the disk; then the call must not be made, for nobody would know of it.

        """
        with self._store.writing() as database:
            database.execute("DELETE FROM calls WHERE began_at < ?", (now - _KEPT,))
            number = database.execute("INSERT INTO calls VALUES (NULL, ?, ?, ?)", (channel, person, now)).lastrowid
        assert number is not None, "a row that was inserted has its number"
        return number

    def forget(self, number: int) -> None:
        """That call was none that the provider counts."""
        with self._store.writing() as database:
            database.execute("DELETE FROM calls WHERE number = ?", (number,))

    def made(self, channel: str, person: str, since: float) -> int:
        """How often a person was called by a channel since a moment."""
        query = "SELECT count(*) FROM calls WHERE channel = ? AND person = ? AND began_at > ?"
        ((count,),) = self._store.read(query, (channel, person, since))
        return int(count)

    def free_at(self, channel: str, limit: int, now: float) -> float:
        """From when on the channel may be called: its pause is over and it has room for one more call in its minute."""
        return max(self._room_at(channel, limit, now), self._pause(channel, now)[0])

    def failed(self, channel: str, least: float, now: float) -> float:
        """The provider failed: a pause, longer each time, until the moment that is returned."""
        _, failures = self._pause(channel, now)
        until = now + min(LONGEST_PAUSE, again(failures, least))
        with self._store.writing() as database:
            database.execute("INSERT OR REPLACE INTO pauses VALUES (?, ?, ?)", (channel, until, failures + 1))
        return until

    def answered(self, channel: str) -> None:
        """The provider does its work."""
        with self._store.writing() as database:
            database.execute("DELETE FROM pauses WHERE channel = ?", (channel,))

    def _room_at(self, channel: str, limit: int, now: float) -> float:
        if not limit:
            return now
        query = "SELECT began_at FROM calls WHERE channel = ? AND began_at > ? ORDER BY began_at DESC LIMIT 1 OFFSET ?"
        found = self._store.read(query, (channel, now - MINUTE, limit - 1))
        return min(now, float(found[0][0])) + MINUTE if found else now

    def _pause(self, channel: str, now: float) -> tuple[float, int]:
        """Until when, and after how many failures in a row."""
        found = self._store.read("SELECT until, failures FROM pauses WHERE channel = ?", (channel,))
        if not found:
            return now, 0
        ((until, failures),) = found
        return min(float(until), now + LONGEST_PAUSE), int(failures)
