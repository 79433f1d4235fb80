"""Which incident a case is told in, where a provider keeps incidents of its own and calls people for each.

A case has its own. In a storm only the first ones do: what comes beyond them joins the newest that nobody has taken,
and that incident is acknowledged, or over, when all of its cases are. So nobody is called for each rule that fires.
"""

from dataclasses import replace
from typing import Final

from alerts.pager import pace
from alerts.pager.message import Kind, Message
from alerts.pager.store import Store

MOST: Final = 4  # new ones of a channel within ``pace.RECENT``
_NEW: Final = """SELECT DISTINCT incident, closed_at = 0 AND acknowledged_at = 0 FROM cases
 JOIN letters ON case_number = cases.number
 WHERE channel = ? AND opened_at > ? AND incident = group_key || ' ' || cases.number ORDER BY cases.number DESC"""
_OTHERS: Final = """SELECT DISTINCT cases.number, acknowledged_at > 0 FROM cases
 JOIN letters ON case_number = cases.number
 WHERE channel = ? AND incident = ? AND cases.number != ? AND closed_at = 0"""


class Incidents:
    """They follow from the letters on disk, so that a restart changes nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def told(self, message: Message, channel: str, now: float) -> Message | None:
        """What is told in which incident; None when that is nothing, for other cases' sake.

        Raises:
            InboxUnusable: the disk.

        """
        topic = self._topic(message, channel, now)
        kind = self._kind(message, channel, topic)
        return None if kind is None else replace(message, kind=kind, incident=topic)

    def _topic(self, message: Message, channel: str, now: float) -> str:
        query = "SELECT incident FROM letters WHERE case_number = ? AND channel = ? LIMIT 1"
        for (told,) in self._store.read(query, (message.case, channel)):
            return str(told)
        new = self._store.read(_NEW, (channel, now - pace.RECENT))
        if len(new) < MOST:
            return message.topic
        return next((str(topic) for topic, untaken in new if untaken), message.topic)

    def _kind(self, message: Message, channel: str, topic: str) -> Kind | None:
        """Others that still fire keep it open, and those that nobody has taken keep it calling."""
        if message.kind not in ("over", "acknowledged"):
            return message.kind
        others = self._store.read(_OTHERS, (channel, topic, message.case))
        if not others:
            return message.kind
        return "acknowledged" if all(taken for _, taken in others) else None
