"""The server API's door: ``POST /api/<method>`` and old-style ``POST /api``, answered as Centrifugo answers."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import ClientError, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from observability.observers.api import ApiObserver
from service.access.keys import ApiKey
from service.api.api_messages import (
    ApiError,
    BatchResult,
    BroadcastResult,
    OldStyleReply,
    OldStyleRequest,
    Response,
    encode,
)
from service.api.api_methods import Call, Methods, refused
from service.api.api_reading import BadBody, Packed, TooLong, TooSlow, read
from service.api.old_style import commands, method_of, request_of
from service.protocol.errors import BAD_REQUEST, INTERNAL, METHOD_NOT_FOUND

_ERROR_MODE: Final = "X-Centrifugo-Error-Mode"
_TURN: Final = 64  # commands of one body between two turns of the loop
_STATUS: Final = {100: 500, 102: 404, 104: 404, 107: 400, 108: 400, 112: 416}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """The server API (``http_api``)."""

    path: str = "/api"
    disabled: bool = False
    key: str = field(default="", repr=False)  # empty: every call is refused, unless insecure
    insecure: bool = False  # no key is asked for
    max_request_size: int = 1024 * 1024  # bytes of a body
    transport_errors: bool = False  # http_api.error_mode "transport": errors are HTTP statuses


class ServerApi:
    """Handlers of the routes. Who may call is decided by the key alone, after the method was found."""

    def __init__(
        self,
        settings: ApiSettings,
        methods: Methods,
        observe: ApiObserver,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._settings = settings
        self._key = ApiKey(settings.key)
        self._methods = methods
        self._observe = observe
        self._clock = clock

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """The API's routes, for every HTTP method: a wrong one is answered here, not by aiohttp."""
        path = self._settings.path
        router.add_route("*", path, self.old_style)
        router.add_route("*", f"{path}/{{method}}", self.call)

    async def call(self, request: web.Request) -> web.Response:
        """``POST /api/<method>``."""
        began, name = self._clock(), request.match_info["method"]
        known = name in self._methods
        if not known:
            return self._refuse("unknown", 404, "404 page not found\n", began)
        if refusal := self._door(request, name, began):
            return refusal
        call = Call(request.headers.get("traceparent"))
        try:
            asked = read(await _body_of(request), self._methods.kind(name))
            response = await self._methods.answer(name, asked, call)
        except BadBody as bad:
            return self._refuse(name, bad.status, f"{bad.title}: {bad}\n", began)
        except Exception:
            self._observe.called(name, 500, 100, self._clock() - began, call.parent)
            raise
        status, body = self._shape(request, name, response)
        code = worst(response)
        self._observe.called(name, status, code, self._clock() - began, call.parent)
        return _json(status, body, call)

    async def old_style(self, request: web.Request) -> web.Response:
        """``POST /api``: commands with method and params; the answers one a line."""
        began = self._clock()
        if refusal := self._door(request, "old_style", began):
            return refusal
        call = Call(request.headers.get("traceparent"))
        answers, code = [], 0
        try:
            for place, command in enumerate(commands(await _body_of(request)), 1):
                response = await self._old_command(command, call)
                code = max((code, worst(response)), key=_weight)
                answers.append(encode(OldStyleReply(command.id, response.error, response.result)))
                if not place % _TURN:
                    await asyncio.sleep(0)
        except BadBody as bad:
            return self._refuse("old_style", bad.status, f"{bad.title}: {bad}\n", began)
        self._observe.called("old_style", 200, code, self._clock() - began, call.parent)
        return _json(200, b"\n".join(answers), call)

    async def _old_command(self, command: OldStyleRequest, call: Call) -> Response:
        name = method_of(command, self._methods)
        if not name:
            return refused(METHOD_NOT_FOUND)
        try:
            asked = request_of(command, self._methods.kind(name))
        except BadBody:
            return refused(BAD_REQUEST)
        return await self._methods.answer(name, asked, call)

    def _door(self, request: web.Request, name: str, began: float) -> web.Response | None:
        """Wrong HTTP method, wrong key."""
        if request.method != hdrs.METH_POST:
            return self._refuse(name, 405, "", began, {"Allow": "POST"})
        if not self._permitted(request):
            return self._refuse(name, 401, "", began)
        return None

    def _permitted(self, request: web.Request) -> bool:
        return self._settings.insecure or self._key.permits(
            query=request.query.get("api_key", ""),
            header=request.headers.get("X-API-Key", ""),
            authorization=request.headers.get(hdrs.AUTHORIZATION, ""),
        )

    def _shape(self, request: web.Request, name: str, response: Response) -> tuple[int, bytes]:
        """Status and body; errors are statuses where that was asked for."""
        if isinstance(response.error, ApiError):
            transport = self._settings.transport_errors or request.headers.get(_ERROR_MODE) == "transport"
            if transport:
                return _STATUS.get(response.error.code, 400), encode(response.error)
        return 200, _body(name, response)

    def _refuse(
        self, name: str, status: int, text: str, began: float, headers: dict[str, str] | None = None
    ) -> web.Response:
        self._observe.called(name, status, 0, self._clock() - began)
        if not text:
            return web.Response(status=status, headers=headers)
        return web.Response(status=status, text=text)


def worst(response: Response) -> int:
    """The error to tell of: 100 before any other, those within a broadcast or a batch included; 0 for none."""
    if isinstance(response.error, ApiError):
        return response.error.code
    parts: list[Any] = []
    if isinstance(response.result, BroadcastResult):
        parts = [part.error for part in response.result.responses]
    elif isinstance(response.result, BatchResult) and response.result.replies:
        parts = [reply.get("error") for reply in response.result.replies]
    return max((part.code for part in parts if isinstance(part, ApiError)), key=_weight, default=0)


def _weight(code: int) -> tuple[bool, bool]:
    return code == INTERNAL.code, code != 0


async def _body_of(request: web.Request) -> bytes:
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise Packed("compressed bodies are not taken")
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise TooLong("http_api.max_request_size is the limit") from None
    except web.HTTPRequestTimeout:
        raise TooSlow("the body did not come in time") from None
    except (ClientError, HttpProcessingError, OSError) as error:  # the caller went away, or broke its own framing
        raise BadBody(f"the body did not arrive ({type(error).__name__})") from None


def _body(name: str, response: Response) -> bytes:
    """A batch's answer has no wrapper."""
    return encode(response.result if name == "batch" and not response.error else response)


def _json(status: int, body: bytes, call: Call) -> web.Response:
    headers = {"traceparent": call.traceparent} if call.traceparent else None
    return web.Response(status=status, body=body, headers=headers, content_type="application/json")
