"""The pager's rooms, built and connected from its settings."""

import time
from collections.abc import Callable
from pathlib import Path

from alerts.pager.alert import NEVER, Notification
from alerts.pager.calls import Calls
from alerts.pager.cases import Cases
from alerts.pager.duty import Roster
from alerts.pager.faults import Faults
from alerts.pager.figures import Figures
from alerts.pager.inbox import Inbox
from alerts.pager.letters import Letters
from alerts.pager.message import Kind
from alerts.pager.post import Post
from alerts.pager.settings import INBOX, Settings
from alerts.pager.store import Store
from alerts.pager.watchdog import NAME, Watchdog


class Office:
    """Everything behind the doors."""

    def __init__(
        self,
        store: Store,
        settings: Settings = Settings(),  # noqa: B008 - frozen
        rota: Path | None = None,
        *,
        keep: int = 1000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``keep``: entries of the inbox; ``clock``: seconds since the epoch.

        Raises:
            Wrong: the rota's file.

        """
        self.clock = clock
        self._store = store
        self.roster = Roster(rota, settings.channels, clock)
        self.figures = Figures(settings.channels, (*settings.routes, INBOX) if settings.routes else ())
        self.inbox = Inbox(store, keep)
        self.calls = Calls(store)
        channels = settings.channels
        self.letters = Letters(
            store,
            self.calls,
            window=settings.gather,
            single=[name for name, channel in channels.items() if not channel.together],
        )
        self.cases = Cases(
            store,
            self.letters,
            settings.routes,
            self.roster.recipients,
            settings.address,
            followers=[name for name, channel in channels.items() if channel.follows],
        )
        faults = Faults(self.figures.fault)
        self.post = Post(
            store=store,
            letters=self.letters,
            calls=self.calls,
            cases=self.cases,
            channels=channels,
            person=self.roster.person,
            counts=self.figures,
            faults=faults,
            clock=clock,
        )
        self.watchdog = Watchdog(
            settings.watchdog,
            self.take,
            self._silent_since,
            self.figures.forwarded,
            faults,
            address=settings.address,
            clock=clock,
        )

    def take(self, route: str, notification: Notification) -> Kind | None:
        """Keep a notification and write its letters, all of it or nothing; what is told of it.

        By the route ``inbox`` nobody is told but the end: Alertmanager tells no end while it may not tell its route.

        Raises:
            InboxFull: there is no room and nothing that may go.
            InboxUnusable: the disk.

        """
        now = self.clock()
        with self._store.writing():
            self.inbox.take(notification.alerts, notification.alertmanager, now)
            if route == INBOX:
                firing = {alert.fingerprint for alert in self.inbox.firing()}
                return "over" if self.cases.end(firing, notification, now) else None
            return self.cases.take(route, notification, now)

    def hear(self) -> None:
        """The watchdog came."""
        self.watchdog.heard()
        self.figures.heard(self.watchdog.heard_at)

    def _silent_since(self) -> float:
        return next((entry.starts_at for entry in self.inbox.firing() if entry.fingerprint == NAME), NEVER)
