"""Publishes one message by the server API, for the command line."""

import json
from dataclasses import dataclass
from typing import Any

import aiohttp

from service.lab.unanswered import why

PATIENCE = aiohttp.ClientTimeout(total=10)


class NotPublished(Exception):  # noqa: N818 - says what happened
    """The server did not take it; the text says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class Published:
    """What the server answered."""

    offset: int
    epoch: str
    traceparent: str  # "" when the message was not sampled


async def publish(server: str, key: str, channel: str, data: Any) -> Published:
    """Publish ``data`` to ``channel``.

    Args:
        server: URL such as ``http://127.0.0.1:8000``.
        key: the API key.
        channel: name.
        data: anything that JSON can say.

    Raises:
        NotPublished: nobody answers, the key is wrong, or the server refuses.

    """
    url = server.rstrip("/") + "/api/publish"
    body = json.dumps({"channel": channel, "data": data})
    try:
        async with (
            aiohttp.ClientSession(timeout=PATIENCE) as session,
            session.post(url, data=body, headers={"X-API-Key": key}) as response,
        ):
            return _read(response.status, await response.read(), response.headers.get("traceparent", ""), url)
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
        raise NotPublished(f"{server} is no URL; it looks like http://127.0.0.1:8000") from None
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise NotPublished(f"no server answers at {server} ({why(error)}); is it running?") from None
    except ValueError:  # aiohttp's of a header
        raise NotPublished("the API key holds what no header can carry, such as the end of a line") from None


def _read(status: int, body: bytes, traceparent: str, url: str) -> Published:
    if status == 401:
        raise NotPublished(
            "the server refuses the API key; run this in the server's folder, or say --config FILE or --key KEY"
        )
    if status == 400 and body.startswith(b"Bad Request: "):
        raise NotPublished(f"the server refuses: {body[13:].decode(errors='replace').strip()}")
    if status != 200:
        raise NotPublished(f"{url} answered with HTTP status {status}; is this a Heliograph?")
    try:
        answer = json.loads(body)
        if error := answer.get("error"):
            raise NotPublished(f"the server refuses: {error['message']} (code {error['code']})")
        result = answer["result"]
        return Published(result.get("offset", 0), result.get("epoch", ""), traceparent)
    except (ValueError, AttributeError, LookupError, TypeError):
        raise NotPublished(f"{url} answered with something unknown; is this a Heliograph?") from None
