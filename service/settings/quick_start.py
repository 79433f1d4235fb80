"""The first start: a configuration that needs no file, with a key and a secret that are made once and kept.

Nothing in it is insecure: it listens on loopback, asks for tokens and for the key, and anonymous clients stay outside.
"""

import os
import secrets
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(".heliograph")
_FILES: Final = ("api_key", "token_secret")

Tree = dict[str, Any]


class Unkept(Exception):  # noqa: N818 - says what happened
    """Key and secret cannot be kept or read."""


def built_in(key: str, secret: str) -> Tree:
    """The quick-start configuration, as a file would say it."""
    return {
        "http_server": {"address": "127.0.0.1", "port": 8000},
        "http_api": {"key": key},
        "client": {"token": {"hmac_secret_key": secret}},
        "channel": {
            "without_namespace": {
                "allow_subscribe_for_client": True,
                "allow_publish_for_client": True,
                "allow_history_for_client": True,
                "history_size": 100,
                "history_ttl": "300s",
                "force_recovery": True,
                "presence": True,
                "join_leave": True,
                "allow_presence_for_subscriber": True,
            }
        },
        "health": {"enabled": True},
        "debug": {"enabled": True, "token": key},
        "demo": {"enabled": True},
    }


def kept_secrets(folder: Path = FOLDER) -> tuple[str, str]:
    """API key and token secret: those of the first start, made now if this is it. Only their owner may read them.

    Raises:
        Unkept: with a sentence.

    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        key, secret = (_kept(folder / name) for name in _FILES)
    except OSError as error:
        raise Unkept(f"{folder}: key and secret cannot be kept here: {error.strerror}") from None
    return key, secret


def known_secrets(folder: Path = FOLDER) -> tuple[str, str] | None:
    """Key and secret of an earlier start, None when there was none."""
    try:
        key, secret = ((folder / name).read_text(encoding="ascii").strip() for name in _FILES)
    except (OSError, UnicodeDecodeError):
        return None
    return key, secret


def _kept(file: Path) -> str:
    """Create exclusively or read: two first starts at a time agree."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        kept = file.read_text(encoding="ascii", errors="replace").strip()
        if not kept:
            raise Unkept(f"{file} is empty: remove it, and a new one is made") from None
        return kept
    made = secrets.token_urlsafe(32)
    with os.fdopen(handle, "w", encoding="ascii") as out:
        out.write(made + "\n")
    return made
