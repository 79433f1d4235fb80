"""``python -m alerts.pager``: run the pager."""

import argparse
import sys
from pathlib import Path

from aiohttp import web

from alerts.pager.desk import Desk
from alerts.pager.inbox import Inbox, InboxUnusable


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m alerts.pager", description="Takes alerts, keeps and shows them.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9099)
    parser.add_argument("--inbox", type=Path, default=Path("inbox.sqlite3"), help="SQLite file; made when missing")
    parser.add_argument("--keep", type=int, default=1000, help="entries that are kept")
    asked = parser.parse_args(arguments)
    try:
        inbox = Inbox(asked.inbox, asked.keep)
    except InboxUnusable as trouble:
        _tell(f"{trouble}")
        return 1
    _tell(f"http://{asked.host}:{asked.port}, inbox {asked.inbox}")
    try:
        web.run_app(
            Desk(inbox).application(), host=asked.host, port=asked.port, print=None, access_log=None, shutdown_timeout=2
        )
    except OSError as error:
        _tell(f"cannot listen on {asked.host}:{asked.port}: {error.strerror}")
        return 1
    finally:
        inbox.close()
    return 0


def _tell(sentence: str) -> None:
    sys.stderr.write(f"pager: {sentence}\n")


if __name__ == "__main__":
    sys.exit(main())
