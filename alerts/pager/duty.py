"""Who is to be called now: the rota's file, read again when it changes, and the last good one when it is broken."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from alerts.pager.channels.mail import Mail
from alerts.pager.channels.outcome import Channel
from alerts.pager.reading import Wrong
from alerts.pager.rota import Duty, Person, Rota, read


def load(file: Path) -> Rota:
    """The rota of a file.

    Raises:
        Wrong: with all mistakes.

    """
    try:
        return read(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Wrong([f"it cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise Wrong(["it is not UTF-8 text"]) from None


class Roster:
    """The rota in force. Without a file nobody is on duty, and channels that reach persons reach nobody."""

    def __init__(self, file: Path | None, channels: Mapping[str, Channel | Mail], clock: Callable[[], float]) -> None:
        """Read the file.

        Raises:
            Wrong: with all mistakes; later ones are told by ``wrong``.

        """
        self._file = file
        self._channels = channels
        self._clock = clock
        self._rota = load(file) if file is not None else None
        self._stamp = self._changed()
        self._wrong: tuple[str, ...] = ()

    @property
    def wrong(self) -> tuple[str, ...]:
        """Why the file that is there now is not in force; looked at now, since nobody may have been called for days."""
        self._current()
        return self._wrong

    def on_duty(self) -> Duty | None:
        """Who has it now."""
        rota = self._current()
        return None if rota is None else rota.on_duty(datetime.fromtimestamp(self._clock(), UTC))

    def person(self, key: str) -> Person | None:
        """Somebody by the key in the file; None for nobody."""
        rota = self._current()
        return None if rota is None else rota.people.get(key)

    def recipients(self, channel: str, whom: str) -> Sequence[str]:
        """Whom a step's letter goes to by a channel. One that is nobody's own mentions whoever is on duty."""
        rota, duty = self._current(), self.on_duty()
        if rota is None or duty is None:
            return ("",)
        if whom == "everybody":
            return [person.key for person in rota.order] if self._channels[channel].personal else ("",)
        return (duty.primary.key if whom == "primary" else duty.secondary.key,)

    def _current(self) -> Rota | None:
        if self._file is not None and (stamp := self._changed()) != self._stamp:
            self._stamp = stamp
            try:
                self._rota, self._wrong = load(self._file), ()
            except Wrong as mistakes:
                self._wrong = tuple(mistakes.sentences)
        return self._rota

    def _changed(self) -> tuple[int, int]:
        try:
            found = self._file.stat() if self._file is not None else None
        except OSError:
            found = None
        return (found.st_mtime_ns, found.st_size) if found is not None else (0, 0)
