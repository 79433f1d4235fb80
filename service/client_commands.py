"""The commands that speak to a server, or for one: token, pub, sub, why."""

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

from service.local import HOUR, load_settings, local_settings, sorry, tell


def token(user: str, expire: str, channel: str, info: str, config: Path | None) -> None:
    """Print a token."""
    from service.access.issuing import Wanted, issue
    from service.settings.kinds import Misfit, seconds

    settings = local_settings(config)
    try:
        lifetime = seconds(expire)
    except Misfit as misfit:
        sorry(f"--expire {misfit}")
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
        sorry("no secret is configured: set client.token.hmac_secret_key in the configuration")


def pub(channel: str, data: str, server: str, key: str, config: Path | None) -> None:
    """Publish by the server API."""
    from service.lab.publisher import NotPublished, publish

    message = _json(data, "DATA", '{"text":"hello"}')
    key = key or os.environ.get("HELIOGRAPH_HTTP_API_KEY", "") or local_settings(config).api.key
    try:
        done = asyncio.run(publish(server, key, channel, message))
    except NotPublished as refusal:
        sorry(str(refusal))
    place = f", offset {done.offset} of epoch {done.epoch}" if done.offset else ""
    trace = f", trace {done.traceparent[3:35]}" if done.traceparent else ""
    print(f"published to {channel}{place}{trace}")


def sub(channels: list[str], server: str, given: str, *, count: int) -> None:
    """Print what is published, with a connection token that was given."""
    from service.lab.address import websocket
    from service.lab.subscriber import GaveUp, Subscriber

    subscriber = Subscriber(websocket(server), given, list(dict.fromkeys(channels)), lambda line: tell(f"# {line}"))
    try:
        asyncio.run(_print_publications(subscriber, count))
    except GaveUp as reason:
        hint = "; run this in the server's folder, or say --config FILE or --token TOKEN" * (reason.code == 3500)
        sorry(f"{reason}{hint}")
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
        sorry("there is nobody to ask: say --server URL of the internal port, or --log FILE")
    given = given or os.environ.get("HELIOGRAPH_DEBUG_TOKEN", "")
    node = Node(server, given or _debug_token(config, logs)) if server else None
    try:
        case, silent = asked.gather(subject, node, logs)
    except Silent as reason:
        sorry(str(reason))
    print(json.dumps(asked.as_json(case, silent), indent=2) if as_json else asked.as_text(case, silent))
    if not case.known:
        raise SystemExit(1)


def debug(page: str, server: str, given: str, config: Path | None) -> None:
    """Print a page of the debug API of a running node."""
    from service.lab.evidence import Node, Silent

    given = given or os.environ.get("HELIOGRAPH_DEBUG_TOKEN", "")
    try:
        print(json.dumps(Node(server, given or _debug_token(config, None)).ask(page), indent=2, ensure_ascii=False))
    except Silent as reason:
        sorry(str(reason))


def _debug_token(config: Path | None, logs: list[Path] | None) -> str:
    """That of the server here; a log can be read without one. ``logs``: None for a command that reads none."""
    from service.settings.quick_start import known_secrets

    if config is None and known_secrets() is None:
        if logs:
            return ""
        otherwise = "" if logs is None else ", or read a log with --log"
        sorry(f"the node's token is not known: say --token or --config FILE{otherwise}")
    return load_settings(config, {}, lenient=True).debug.token


def own_token(user: str, config: Path | None) -> str:
    """A connection token for an hour, made with the secret of the server here."""
    from service.access.issuing import Wanted, issue

    try:
        return issue(local_settings(config).tokens, Wanted(user, expire_at=time.time() + HOUR))
    except ValueError:
        sorry("no secret is configured to make a token with: give one with --token")


def _json(text: str, what: str, example: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except ValueError:
        sorry(f"{what} is not JSON; in a shell it takes quotes, such as '{example}'")


def _no_number(name: str) -> None:
    """NaN and Infinity: Python's, not JSON's."""
    raise ValueError(name)
