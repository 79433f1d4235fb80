"""``python -m alerts.pager``: run the pager, check its files, or ask who is on duty."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from alerts.pager import duty, settings
from alerts.pager.desk import Desk
from alerts.pager.office import Office
from alerts.pager.reading import Wrong
from alerts.pager.rota import Rota
from alerts.pager.store import InboxUnusable, Store


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT, or answer; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m alerts.pager", description="Takes alerts, keeps, shows, tells them."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_port, default=9099)
    parser.add_argument("--inbox", type=Path, default=Path("inbox.sqlite3"), help="SQLite file; made when missing")
    parser.add_argument("--keep", type=_count, default=1000, help="entries that are kept")
    parser.add_argument("--config", type=Path, help="pager.yml: channels and routes; else the inbox only")
    parser.add_argument("--rota", type=Path, help="rota.yml: who is on duty")
    parser.add_argument("--check", action="store_true", help="tell what is wrong with the files, and serve nothing")
    asked = parser.parse_args(arguments)
    try:
        found = settings.load(asked.config)
    except Wrong as wrong:
        return _tell_all(asked.config, wrong)
    try:
        if asked.check:
            return _check(found, asked.config, asked.rota)
        store = Store(asked.inbox)
        office = Office(store, found, asked.rota, keep=asked.keep)
    except Wrong as wrong:
        return _tell_all(asked.rota, wrong)
    except InboxUnusable as trouble:
        _tell(f"{trouble}")
        return 1
    return _serve(office, store, asked.host, asked.port, f"inbox {asked.inbox}, {len(found.channels)} channels")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port, 0 to 65535")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _check(found: settings.Settings, config: Path | None, rota: Path | None) -> int:
    """Both files and the secrets that the first one names: all that can be known before somebody has to be called.

    Raises:
        Wrong: of the rota.

    """
    missing = settings.unusable_secrets(found)
    for sentence in missing:
        _tell(f"{config}: {sentence}")
    if rota is not None:
        duty.load(rota)
    if missing:
        return 1
    _tell("the files are right")
    return 0


def _serve(office: Office, store: Store, host: str, port: int, what: str) -> int:
    _tell(f"http://{host}:{port}, {what}")
    try:
        web.run_app(Desk(office).application(), host=host, port=port, print=None, access_log=None, shutdown_timeout=2)
    except OSError as error:
        _tell(f"cannot listen on {host}:{port}: {error.strerror}")
        return 1
    finally:
        store.close()
    return 0


def who(rota: Path, at: str = "") -> int:
    """Say who is on duty at a moment (ISO 8601; without a time zone: the rota's own); the exit code."""
    try:
        found = duty.load(rota)
    except Wrong as wrong:
        return _tell_all(rota, wrong)
    moment = _moment(at, found)
    if moment is None:
        _tell(f"{at!r} is no time such as 2026-12-24T18:00")
        return 2
    try:
        now = found.on_duty(moment)
    except OverflowError:
        _tell(f"{at!r} is beyond the calendar")
        return 2
    sys.stdout.write(
        f"{now.primary.name} ({now.primary.key}), then {now.secondary.name} ({now.secondary.key}); "
        f"until {now.until:%Y-%m-%d %H:%M %Z}, by {now.why}\n"
    )
    return 0


def _moment(at: str, rota: Rota) -> datetime | None:
    if not at:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=rota.zone)


def _tell_all(file: Path, wrong: Wrong) -> int:
    for sentence in wrong.sentences:
        _tell(f"{file}: {sentence}")
    return 1


def _tell(sentence: str) -> None:
    sys.stderr.write(f"pager: {sentence}\n")


if __name__ == "__main__":
    sys.exit(main())
