"""What every command shares: the settings of the server here, and how a person is told what is wrong."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:  # a command that needs none of it does not pay for it
    from service.access.token_settings import TokenSettings
    from service.config import Settings

HOUR = 3600.0


def token_settings(config: Path | None) -> "TokenSettings":
    """With what tokens for the server here are signed."""
    settings = local_settings(config).tokens
    if not settings.hmac_secret_key:
        sorry("no secret is configured to make tokens with: give one with --token, or say --anonymous")
    return settings


def local_settings(config: Path | None) -> "Settings":
    """The configuration that the server here runs with: a file's, or the quick start's when there was one."""
    from service.settings.quick_start import FOLDER, known_secrets

    if config is None and known_secrets() is None:
        sorry(f"there is no {FOLDER} here: start the server in this folder, or say --config FILE")
    return load_settings(config, {}, lenient=True)


def load_settings(config: Path | None, flags: dict[str, object], *, lenient: bool) -> "Settings":
    """A configuration, as every command reads it; what is wrong with it ends the process."""
    from service.config import load
    from service.settings.mistakes import ConfigurationRefused
    from service.settings.quick_start import Unkept
    from service.settings.reading import Unreadable

    try:
        return load(config, os.environ, flags, lenient=lenient)
    except ConfigurationRefused as refusal:
        tell(str(refusal))
        raise SystemExit(1) from None
    except (Unreadable, Unkept) as problem:
        sorry(str(problem))


def sorry(sentence: str) -> NoReturn:
    """Ends the process with one sentence."""
    tell(f"heliograph: {sentence}")
    raise SystemExit(1)


def tell(text: str) -> None:
    """On stderr, at once."""
    print(text, file=sys.stderr, flush=True)
