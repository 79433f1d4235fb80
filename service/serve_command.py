"""``heliograph serve``, and what it would say of a configuration."""

import errno
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from service.local import HOUR, load_settings, sorry, tell

if TYPE_CHECKING:
    from service.config import Settings
    from service.settings.doors import Address, Listener


def serve(
    config: Path | None = None,
    port: int | None = None,
    internal_port: int | None = None,
    *,
    lenient: bool = False,
    print_config: bool = False,
) -> int:
    """Serve until SIGTERM or SIGINT; the exit code."""
    flags = {"http_server.port": port, "http_server.internal_port": internal_port}
    given: dict[str, object] = {path: value for path, value in flags.items() if value is not None}
    if print_config:
        return _print_config(config, given, lenient=lenient)
    settings = load_settings(config, given, lenient=lenient)
    import uvloop

    from service.connections.takeover import UnknownRelease

    pid_file = Path(settings.pid_file) if settings.pid_file else None
    try:
        if pid_file:
            pid_file.write_text(f"{os.getpid()}\n")
        return uvloop.run(_serving(settings))
    except UnknownRelease as problem:
        sorry(str(problem))
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        sorry(
            f"cannot start: {error}" + "; at another address: --port 0 or --internal-port 0 takes any free one" * taken
        )
    finally:
        if pid_file:
            pid_file.unlink(missing_ok=True)


async def _serving(settings: "Settings") -> int:
    from service.app import Service

    service = Service(settings)
    public, internal = await service.start()
    _announce(settings, public, internal)
    await service.stop(await service.until_told())
    return 0


def _announce(settings: "Settings", public: "Address", internal: "Address") -> None:
    """Where we are, on stderr: logs go elsewhere, and these lines are for the person who started us."""
    here = _url(public, secured=settings.http.public.tls is not None)
    inside = _url(internal, secured=settings.http.internal.tls is not None)
    if settings.quick_start:
        from service.access.issuing import Wanted, issue
        from service.settings.banner import banner
        from service.settings.quick_start import FOLDER

        token = issue(settings.tokens, Wanted("demo", expire_at=time.time() + HOUR))
        tell(banner(here, inside, settings.api.key, token, folder=f"{FOLDER.resolve()} (mode 0600)"))
    others = [
        f"{each.name} {_url(each, secured=each.tls is not None)}" for each in settings.http.listeners if each.port
    ]
    tell(f"listening on {here} ({', '.join([*others, f'internal {inside}'])})")


def _url(address: "Address | Listener", *, secured: bool = False) -> str:
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(address.host, address.host)  # noqa: S104
    return f"http{'s' * secured}://{f'[{host}]' if ':' in host and host[0] != '[' else host}:{address.port}"


def _print_config(config: Path | None, flags: dict[str, object], *, lenient: bool) -> int:
    """The built-in configuration, to be saved; or a user's own as it is understood, its secrets masked."""
    import yaml

    from service.config import examine
    from service.settings.masking import masked
    from service.settings.quick_start import built_in, kept_secrets

    settings = load_settings(config, flags, lenient=lenient)
    if settings.quick_start:
        print(
            "# Heliograph's quick-start configuration. It holds your key and secret: keep it to yourself (chmod 600)."
        )
        tree = built_in(*kept_secrets())
    else:
        tree = masked(examine(config, os.environ, flags).tree)
    print(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True), end="", flush=True)
    return 0


def check_config(file: Path, *, lenient: bool = False) -> None:
    """Check a configuration file, as ``serve`` would."""
    settings = load_settings(file, {}, lenient=lenient)
    for warning in (*settings.warnings, *settings.shut):
        print(f"{file}: {warning}")
    print(f"{file}: the configuration is right")
