"""The command line. ``serve`` has a way of its own past typer, so that a start does not pay for what help needs."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from service.access.token_settings import TokenSettings
    from service.config import Settings
    from service.settings.doors import Address

_HOUR = 3600.0
_FLAGS = {"--config": Path, "--port": int, "--internal-port": int}
_SWITCHES = ("--lenient", "--print-config")


def main() -> None:
    """Run the command that ``sys.argv`` names; ends the process with its exit code."""
    plain = _plain_serve(sys.argv[1:])
    if plain is not None:
        raise SystemExit(serve(**plain))
    from service.commands import app

    app(prog_name="heliograph")


def _plain_serve(arguments: list[str]) -> dict[str, Any] | None:
    """The flags of a well-formed ``serve``; None for whatever typer has to look at."""
    if not arguments or arguments[0] != "serve":
        return None
    found: dict[str, Any] = {}
    rest = [part for word in arguments[1:] for part in (word.split("=", 1) if word.startswith("--") else [word])]
    while rest:
        flag = rest.pop(0)
        name = flag.removeprefix("--").replace("-", "_")
        if flag in _SWITCHES:
            found[name] = True
        elif flag in _FLAGS and rest and not rest[0].startswith("-"):
            try:
                found[name] = _FLAGS[flag](rest.pop(0))
            except ValueError:
                return None
        else:
            return None
    return found


# ------------------------------------------------------------------------------- serve


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
    settings = _load(config, given, lenient=lenient)
    import uvloop

    from service.connections.takeover import UnknownRelease

    pid_file = Path(settings.pid_file) if settings.pid_file else None
    try:
        if pid_file:
            pid_file.write_text(f"{os.getpid()}\n")
        return uvloop.run(_serving(settings))
    except UnknownRelease as problem:
        _sorry(str(problem))
    except OSError as error:
        _sorry(f"cannot start: {error}; if the address is taken, --port 0 or --internal-port 0 takes any free one")
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

        token = issue(settings.tokens, Wanted("demo", expire_at=time.time() + _HOUR))
        _tell(banner(here, inside, settings.api.key, token, folder=f"{FOLDER.resolve()} (mode 0600)"))
    _tell(f"listening on {here} (internal {inside})")


def _url(address: "Address", *, secured: bool = False) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(address.host, address.host)  # noqa: S104
    return f"http{'s' * secured}://{f'[{host}]' if ':' in host and host[0] != '[' else host}:{address.port}"


def _print_config(config: Path | None, flags: dict[str, object], *, lenient: bool) -> int:
    """The built-in configuration, to be saved; or a user's own as it is understood, its secrets masked."""
    import yaml

    from service.config import examine
    from service.settings.masking import masked
    from service.settings.quick_start import built_in, kept_secrets

    settings = _load(config, flags, lenient=lenient)
    if settings.quick_start:
        print(
            "# Heliograph's quick-start configuration. It holds your key and secret: keep it to yourself (chmod 600)."
        )
        tree = built_in(*kept_secrets())
    else:
        tree = masked(examine(config, os.environ, flags).tree)
    print(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True), end="")
    return 0


# ----------------------------------------------------------------- the other commands


def check_config(file: Path, *, lenient: bool = False) -> None:
    """Check a configuration file, as ``serve`` would."""
    settings = _load(file, {}, lenient=lenient)
    for warning in (*settings.warnings, *settings.shut):
        print(f"{file}: {warning}")
    print(f"{file}: the configuration is right")


def token(user: str, expire: str, channel: str, info: str, config: Path | None) -> None:
    """Print a token."""
    from service.access.issuing import Wanted, issue
    from service.settings.kinds import Misfit, seconds

    settings = _local_settings(config)
    try:
        lifetime = seconds(expire)
    except Misfit as misfit:
        _sorry(f"--expire {misfit}")
    chosen = (settings.subscription_tokens if channel else None) or settings.tokens
    wanted = Wanted(
        user,
        channel,
        time.time() + lifetime if lifetime else 0,
        _json(info, "--info", '{"name":"Ann"}') if info else None,
    )
    try:
        print(issue(chosen, wanted))
    except ValueError:
        _sorry("no secret is configured: set client.token.hmac_secret_key in the configuration")


def pub(channel: str, data: str, server: str, key: str, config: Path | None) -> None:
    """Publish by the server API."""
    from service.lab.publisher import NotPublished, publish

    message = _json(data, "DATA", '{"text":"hello"}')
    key = key or os.environ.get("HELIOGRAPH_HTTP_API_KEY", "") or _local_settings(config).api.key
    try:
        done = asyncio.run(publish(server, key, channel, message))
    except NotPublished as refusal:
        _sorry(str(refusal))
    place = f", offset {done.offset} of epoch {done.epoch}" if done.offset else ""
    trace = f", trace {done.traceparent[3:35]}" if done.traceparent else ""
    print(f"published to {channel}{place}{trace}")


def sub(channels: list[str], server: str, given: str, *, count: int) -> None:
    """Print what is published, with a connection token that was given."""
    from service.lab.address import websocket
    from service.lab.subscriber import GaveUp, Subscriber

    subscriber = Subscriber(websocket(server), given, list(dict.fromkeys(channels)), lambda line: _tell(f"# {line}"))
    try:
        asyncio.run(_print_publications(subscriber, count))
    except GaveUp as reason:
        hint = "; run this in the server's folder, or say --config FILE or --token TOKEN" * (reason.code == 3500)
        _sorry(f"{reason}{hint}")
    except KeyboardInterrupt:
        raise SystemExit(130) from None


async def _print_publications(subscriber: Any, count: int) -> None:
    from contextlib import aclosing

    async with aclosing(subscriber.receive()) as stream:
        async for received in stream:
            trace = received.tags.get("traceparent", "")[3:35]
            place = f" {received.offset}" if received.offset else ""
            data = json.dumps(received.data, ensure_ascii=False)
            print(f"{received.channel}{place} {data}{f'  trace {trace}' if trace else ''}", flush=True)
            count -= 1
            if not count:
                return


def why(subject: str, server: str, given: str, logs: list[Path], *, as_json: bool, config: Path | None) -> None:
    """Say why a connection ended, a message came late or a user is gone; exit code 1 when nothing is known."""
    from service.lab import why as asked
    from service.lab.evidence import Node, Silent

    if not server and not logs:
        _sorry("there is nobody to ask: say --server URL of the internal port, or --log FILE")
    given = given or os.environ.get("HELIOGRAPH_DEBUG_TOKEN", "")
    node = Node(server, given or _debug_token(config, logs)) if server else None
    try:
        case, silent = asked.gather(subject, node, logs)
    except Silent as reason:
        _sorry(str(reason))
    print(json.dumps(asked.as_json(case, silent), indent=2) if as_json else asked.as_text(case, silent))
    if not case.known:
        raise SystemExit(1)


def _debug_token(config: Path | None, logs: list[Path]) -> str:
    """That of the server here; a log can be read without one."""
    from service.settings.quick_start import known_secrets

    if config is None and known_secrets() is None:
        if logs:
            return ""
        _sorry("the node's token is not known: say --token, --config FILE, or read a log with --log")
    return _load(config, {}, lenient=True).debug.token


def own_token(user: str, config: Path | None) -> str:
    """A connection token for an hour, made with the secret of the server here."""
    from service.access.issuing import Wanted, issue

    try:
        return issue(_local_settings(config).tokens, Wanted(user, expire_at=time.time() + _HOUR))
    except ValueError:
        _sorry("no secret is configured to make a token with: give one with --token")


def token_settings(config: Path | None) -> "TokenSettings":
    """With what tokens for the server here are signed."""
    settings = _local_settings(config).tokens
    if not settings.hmac_secret_key:
        _sorry("no secret is configured to make tokens with: give one with --token, or say --anonymous")
    return settings


def _local_settings(config: Path | None) -> "Settings":
    """The configuration that the server here runs with: a file's, or the quick start's when there was one."""
    from service.settings.quick_start import FOLDER, known_secrets

    if config is None and known_secrets() is None:
        _sorry(f"there is no {FOLDER} here: start the server in this folder, or say --config FILE")
    return _load(config, {}, lenient=True)


def _load(config: Path | None, flags: dict[str, object], *, lenient: bool) -> "Settings":
    from service.config import load
    from service.settings.mistakes import ConfigurationRefused
    from service.settings.quick_start import Unkept
    from service.settings.reading import Unreadable

    try:
        return load(config, os.environ, flags, lenient=lenient)
    except ConfigurationRefused as refusal:
        _tell(str(refusal))
        raise SystemExit(1) from None
    except (Unreadable, Unkept) as problem:
        _sorry(str(problem))


def _json(text: str, what: str, example: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        _sorry(f"{what} is not JSON; in a shell it takes quotes, such as '{example}'")


def _sorry(sentence: str) -> NoReturn:
    _tell(f"heliograph: {sentence}")
    raise SystemExit(1)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
