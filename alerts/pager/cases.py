"""The cases on disk: a notification or the passing of time changes them and writes the letters, in one transaction."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields, replace
from typing import Final

from alerts.pager import case as rules
from alerts.pager.alert import NEVER, Alert, Notification
from alerts.pager.case import Case, Step
from alerts.pager.letters import Letters
from alerts.pager.message import Kind, Message, compose
from alerts.pager.store import InboxUnusable, Store

KEPT: Final = 500  # closed cases
_COLUMNS: Final = tuple(each.name for each in fields(Case))
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM cases"  # noqa: S608 - no word of it comes from outside

Recipients = Callable[[str, str], Sequence[str]]
"""(channel, whom) -> keys of the persons to tell by it; ("",) for a channel that is no person's."""


class Cases:
    """All cases of the pager."""

    def __init__(
        self,
        store: Store,
        letters: Letters,
        routes: Mapping[str, Sequence[Step]],
        recipients: Recipients,
        address: str,
        *,
        followers: Collection[str] = (),
    ) -> None:
        """``address``: where people reach the pager's page; ``followers``: channels that hear of acknowledgements."""
        self._store = store
        self._letters = letters
        self._routes = routes
        self._recipients = recipients
        self._address = address.rstrip("/")
        self._followers = frozenset(followers)

    def take(self, route: str, notification: Notification, now: float) -> Kind | None:
        """A notification came by a route; what is told of it.

        Raises:
            InboxUnusable: the disk.

        """
        with self._store.writing():
            case = self._heard_of(route, notification, now)
            kind = rules.heard(case, notification.alerts, now)
            if kind is None:
                self._keep_what_is_left(case, notification, now)
                return None
            if case is None:
                case = self._open(route, notification, now)
            message = self._message(kind, case, notification)
            self._change(case.number, state=rules.state_of(notification.alerts), told_at=now, message=message.dump())
            if kind == "over":
                self._change(case.number, closed_at=now)
            if kind == "firing":
                self._take_steps(case, message, now)
            else:
                self._tell(message, self._letters.channels_of(case.number), now)
            return kind

    def end(self, firing: Collection[str], notification: Notification, now: float) -> int:
        """Close the cases about alerts of a notification of which none fires any more; how many there were.

        ``firing``: fingerprints of what fires.

        Raises:
            InboxUnusable: the disk.

        """
        over = {alert.fingerprint: alert for alert in notification.alerts if not alert.firing}
        with self._store.writing():
            cases = [
                case
                for case in self.open()
                if over.keys() & _fingerprints(case) and not _fingerprints(case) & set(firing)
            ]
            for case in cases:
                alerts = tuple(over[each] for each in sorted(_fingerprints(case)) if each in over)
                self.take(case.route, replace(notification, alerts=alerts, group_key=case.group_key), now)
            return len(cases)

    def _heard_of(self, route: str, notification: Notification, now: float) -> Case | None:
        """The open case of a notification's group. One that was forgotten ends now: what fires needs its own steps."""
        case = self._open_one(route, notification.group_key)
        if case is None:
            return None
        if rules.forgotten(case, notification.alerts, now):
            self._tell(self.message(case).as_kind("over"), self._letters.channels_of(case.number), now)
            self._change(case.number, closed_at=now)
            return None
        self._change(case.number, heard_at=now)
        return case

    def _keep_what_is_left(self, case: Case | None, notification: Notification, now: float) -> None:
        """Fewer alerts are no news, but the page shows those that still fire."""
        state = rules.state_of(notification.alerts)
        if case is not None and state and case.state != state:
            left = self._message("reminder", case, notification)
            self._change(case.number, state=state, told_at=now, message=left.dump())

    def tick(self, now: float) -> int:
        """Take the steps whose time has come; how many there were. A case that has a fault stops no other.

        Raises:
            InboxUnusable: the disk.
            Exception: the first fault of a case, when the others have taken their steps.

        """
        faults: list[Exception] = []
        taken = 0
        for case in self.open():
            if rules.due(case, self._routes.get(case.route, ()), now):
                try:
                    taken += self._tick_one(case.number, now)
                except InboxUnusable:
                    raise
                except Exception as fault:  # noqa: BLE001 - one case's fault is not that of the others
                    faults.append(fault)
        if faults:
            raise faults[0]
        return taken

    def _tick_one(self, number: int, now: float) -> int:
        with self._store.writing():
            case = self.one(number)  # it may have been acknowledged meanwhile
            return 0 if case is None else self._take_steps(case, self.message(case), now)

    def next_step(self) -> float:
        """When ``tick`` has something to do, seconds since the epoch; infinity for never."""
        return min(
            (rules.next_step(case, self._routes.get(case.route, ())) for case in self.open()), default=float("inf")
        )

    def acknowledge(self, number: int, by: str, now: float) -> Case | None:
        """Somebody looks after it: no further step. The first one counts; None when there is no such case."""
        with self._store.writing() as database:
            changed = database.execute(
                "UPDATE cases SET acknowledged_at = ?, acknowledged_by = ? WHERE number = ? AND acknowledged_at = 0",
                (now, by, number),
            ).rowcount
            case = self.one(number)
            if changed and case is not None and case.closed_at == NEVER:
                message = replace(self.message(case), kind="acknowledged", by=by)
                told = self._letters.channels_of(number)
                self._tell(message, [each for each in told if each[0] in self._followers], now)
            return case

    def open(self) -> list[Case]:
        """Those that fire, the newest first."""
        return self._read("closed_at = 0 ORDER BY number DESC")

    def closed(self, most: int = 20) -> list[Case]:
        """Those that are over, the newest first."""
        return self._read("closed_at > 0 ORDER BY closed_at DESC, number DESC LIMIT ?", most)

    def one(self, number: int) -> Case | None:
        """A case."""
        found = self._read("number = ?", number)
        return found[0] if found else None

    def message(self, case: Case) -> Message:
        """What was told of it last."""
        ((text,),) = self._store.read("SELECT message FROM cases WHERE number = ?", (case.number,))
        return Message.load(text)

    def _open_one(self, route: str, group_key: str) -> Case | None:
        found = self._read("closed_at = 0 AND route = ? AND group_key = ?", route, group_key)
        return found[0] if found else None

    def _open(self, route: str, notification: Notification, now: float) -> Case:
        with self._store.writing() as database:
            number = database.execute(
                "INSERT INTO cases VALUES (NULL, ?, ?, ?, 0, 0, '', 0, '', ?, '', ?)",
                (route, notification.group_key, now, now, now),
            ).lastrowid
            database.execute(
                "DELETE FROM cases WHERE closed_at > 0 AND number <="
                " (SELECT number FROM cases WHERE closed_at > 0 ORDER BY number DESC LIMIT 1 OFFSET ?)",
                (KEPT,),
            )
        assert number is not None, "a row that was inserted has its number"
        return Case(number, route, notification.group_key, now, NEVER, NEVER, "", 0, "", now, now)

    def _message(self, kind: Kind, case: Case, notification: Notification) -> Message:
        alerts: Sequence[Alert] = [alert for alert in notification.alerts if alert.firing] or notification.alerts
        message = compose(kind, case.number, alerts, f"{self._address}/cases/{case.number}", notification.group_key)
        return message if not notification.truncated else message.with_more(notification.truncated)

    def _take_steps(self, case: Case, message: Message, now: float) -> int:
        steps = rules.due(case, self._routes.get(case.route, ()), now)
        if not steps:
            return 0
        for number, step in enumerate(steps, case.steps):
            kind: Kind = "escalation" if number and step.after else "firing"
            told = [(channel, person) for channel in step.channels for person in self._recipients(channel, step.whom)]
            self._tell(message.as_kind(kind), told, now)
        self._change(case.number, steps=case.steps + len(steps))
        return len(steps)

    def _tell(self, message: Message, told: Sequence[tuple[str, str]], now: float) -> None:
        for channel, person in told:
            self._letters.write(message, channel, person, now)

    def _change(self, number: int, **values: object) -> None:
        columns = ", ".join(f"{name} = ?" for name in values)
        with self._store.writing() as database:
            database.execute(f"UPDATE cases SET {columns} WHERE number = ?", (*values.values(), number))  # noqa: S608

    def _read(self, which: str, *values: object) -> list[Case]:
        return [Case(*row) for row in self._store.read(f"{_SELECT} WHERE {which}", values)]


def _fingerprints(case: Case) -> frozenset[str]:
    """Of the alerts that fired when it was told last."""
    return frozenset(each.rpartition("@")[0] for each in case.state.split(",") if each)
