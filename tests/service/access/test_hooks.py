"""Hooks: who is asked what, with which headers."""

import json
import os

import pytest
from msgspec import Raw

from observability import names
from observability.observers.outside import SilentOutsideObserver
from service.access.hook_messages import Nonsense, Refusal
from service.access.hook_settings import HookSettings, HooksSettings, RpcRules
from service.access.hooks import Caller, Client, Hooks
from service.channels.namespaces import Namespace
from service.outside.failures import OutsideFailed
from service.outside.tls import ClientTls
from service.protocol.errors import METHOD_NOT_FOUND, NOT_AVAILABLE, ClientMistake, ReplyError
from service.protocol.messages import ConnectRequest
from tests.service.connections.authority import Authority


class Backend:
    def __init__(self, answer=b'{"result":{}}'):
        self.answer = answer
        self.asked = []

    async def __call__(self, question, limit):
        self.asked.append(question)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def hooks(self, **settings):
        return Hooks(HooksSettings(**settings), self, SilentOutsideObserver())


ALICE = Client(
    "c-1",
    "json",
    "alice",
    Caller({"cookie": "a=1"}, {"authorization": "B x", "cookie": "forged"}, meta=Raw(b'{"m":1}')),
)


def hook(name="default", **more):
    return HookSettings(f"http://backend/{name}", name, **more)


async def test_later_headers_win_and_none_is_handed_on_unasked():
    backend = Backend()
    everything = hook(
        static_headers={"Cookie": "static", "X-Static": "1", "Content-Type": "text/plain"},
        emulated_headers=frozenset({"authorization", "cookie"}),
        http_headers=frozenset({"cookie", "absent"}),
    )
    hooks = backend.hooks(
        rpc={"default": everything, "bare": hook("bare")}, rpc_rules=RpcRules("default", {"b": "bare"})
    )
    await hooks.rpc(ALICE, "x", Raw(b"1"))
    await hooks.rpc(ALICE, "b:x", Raw(b"1"))
    first, second = (dict(question.headers) for question in backend.asked)
    assert first == {
        "cookie": "a=1",
        "authorization": "B x",
        "x-static": "1",
        "content-type": "application/json",
    }
    assert second == {"content-type": "application/json"}
    assert [question.url for question in backend.asked] == ["http://backend/default", "http://backend/bare"]


async def test_a_hook_is_asked_with_its_own_tls(tmp_path):
    backend = Backend()
    trusted = ClientTls(server_ca_pem=Authority(tmp_path).pem, server_name="hooks.internal")
    hooks = backend.hooks(refresh=hook(tls=trusted), rpc={"default": hook()}, rpc_rules=RpcRules("default"))
    await hooks.refresh(ALICE)
    await hooks.rpc(ALICE, "x", Raw(b"1"))
    first, second = (question.tls for question in backend.asked)
    assert (first.server_name, second) == ("hooks.internal", None)


async def test_certificate_files_are_looked_at_each_second_and_at_once_when_told(tmp_path):
    """However often it is called; backends that are asked alike share what was read."""
    backend, authority = Backend(), Authority(tmp_path)
    trusted = ClientTls(server_ca_pem=str(authority.file))
    hooks = backend.hooks(refresh=hook("a", tls=trusted), rpc={"b": hook("b", tls=trusted)}, rpc_rules=RpcRules("b"))

    async def used():
        await hooks.refresh(ALICE)
        await hooks.rpc(ALICE, "x", Raw(b"1"))
        first, second = (question.tls for question in backend.asked[-2:])
        assert first is second
        return first

    before = await used()
    authority.file.write_text(Authority(tmp_path, "other").pem)
    os.utime(authority.file, (1, 1))
    for now in (100.0, 100.3, 100.9):
        hooks.look(now)
    assert await used() is before
    hooks.look(101.0)
    renewed = await used()
    assert renewed is not before
    hooks.renew_certificates()
    assert await used() is not renewed


@pytest.mark.shows("heliograph_outside_certificate_expiry_seconds")
def test_the_end_of_certificates_is_told_for_each_backend(tmp_path, telemetry):
    """The first one of what we believe and show; nothing where the system is believed and nothing shown."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue("heliograph", days=7)
    believed, shown = ClientTls(server_ca_pem=authority.pem), ClientTls(cert_pem=certificate, key_pem=key)
    named = ClientTls(server_name="named")
    hooks = Backend().hooks(
        refresh=hook("hooks", tls=shown),
        rpc={"hooks": hook("hooks", tls=believed), "billing": hook("billing", tls=shown), "default": hook(tls=named)},
    )
    telemetry.registry.add_source(hooks.figures)
    left = {name: telemetry.value(names.OUTSIDE_CERTIFICATE_EXPIRY, name) for name in ("hooks", "billing")}
    assert {name: round(seconds / 86_400, 2) for name, seconds in left.items()} == {"hooks": 1, "billing": 7}
    told = [each.labels for each in hooks.figures() if each.name == names.OUTSIDE_CERTIFICATE_EXPIRY.name]
    assert told == [("hooks",), ("billing",)]


async def test_meta_goes_only_where_it_is_wanted():
    backend = Backend()
    hooks = backend.hooks(refresh=hook(include_connection_meta=True), subscribe={"default": hook()})
    await hooks.refresh(ALICE)
    await hooks.subscribe(ALICE, Namespace(), "a", Raw())
    first, second = (json.loads(question.body) for question in backend.asked)
    assert first["meta"] == {"m": 1}
    assert "meta" not in second


async def test_a_namespace_names_its_hook():
    backend = Backend()
    hooks = backend.hooks(
        publish={"default": hook(), "p": hook("p")},
        subscribe={"s": hook("s")},
        sub_refresh={"r": hook("r")},
    )
    space = Namespace(publish_proxy_name="p", subscribe_proxy_name="s", sub_refresh_proxy_name="r")
    await hooks.publish(ALICE, space, "a", Raw(b"1"))
    await hooks.subscribe(ALICE, space, "a", Raw(b"1"))
    await hooks.sub_refresh(ALICE, space, "a")
    await hooks.publish(ALICE, Namespace(publish_proxy_name=""), "a", Raw(b"1"))
    assert [question.url[-1] for question in backend.asked] == ["p", "s", "r", "t"]


@pytest.mark.parametrize(
    ("method", "error"), [("x", NOT_AVAILABLE), ("off:x", NOT_AVAILABLE), ("none:x", METHOD_NOT_FOUND)]
)
async def test_methods_without_a_hook(method, error):
    hooks = Backend().hooks(rpc={"default": hook()}, rpc_rules=RpcRules(None, {"on": "default", "off": None}))
    assert hooks.on_rpc
    with pytest.raises(ClientMistake) as mistake:
        await hooks.rpc(ALICE, method, Raw())
    assert mistake.value.error is error


async def test_without_a_boundary_every_method_is_without_namespace():
    backend = Backend()
    hooks = backend.hooks(rpc={"default": hook()}, rpc_rules=RpcRules("default", boundary=""))
    await hooks.rpc(ALICE, "a:b", Raw())
    assert json.loads(backend.asked[0].body)["method"] == "a:b"


async def test_a_status_can_mean_something():
    backend = Backend(OutsideFailed("status", "status 403 instead of 200", 403))
    denied = ReplyError(403, "denied")
    hooks = backend.hooks(connect=hook(statuses={403: denied}), refresh=hook())
    with pytest.raises(Refusal) as refusal:
        await hooks.connect(Client("c", "json"), ConnectRequest())
    assert refusal.value.verdict is denied
    with pytest.raises(OutsideFailed):
        await hooks.refresh(ALICE)


async def test_data_of_another_format_is_the_backend_s_mistake():
    backend = Backend(b'{"result":{"data":5}}')
    hooks = backend.hooks(publish={"default": hook()})
    with pytest.raises(OutsideFailed) as failure:
        await hooks.publish(ALICE, Namespace(publication_data_format="json_object"), "a", Raw(b"{}"))
    assert (failure.value.result, str(failure.value)) == ("garbage", "the answer's data is not of the channel's format")


async def test_a_binary_payload_takes_binary_encoding():
    hooks = Backend().hooks(rpc={"default": hook()}, rpc_rules=RpcRules("default"))
    with pytest.raises(Nonsense):
        await hooks.rpc(Client("c", "protobuf", "a"), "x", Raw(b"\x00"))


# ------------------------------------------------------------------------------- introductions


def test_only_wanted_headers_are_kept():
    hooks = Backend().hooks(connect=hook(http_headers=frozenset({"cookie"})))
    assert hooks.caller({"Cookie": "a", "Other": "b"}).headers == {"cookie": "a"}
    assert hooks.caller({"Other": "b"}) is None
    assert Backend().hooks(connect=hook()).caller({"Cookie": "a"}) is None
    assert hooks.caller({}, "sse").transport == "sse"


def test_what_a_client_says_is_one_line_and_not_endless():
    hooks = Backend().hooks(connect=hook(emulated_headers=frozenset({"a", "b", "c", "d"})))
    said = {"A": "fine", "B": "two\r\nlines", "C": "x" * 8193, "D": "\x00", "E": "unwanted"}
    assert hooks.introduce(None, said).emulated == {"a": "fine"}
    known = Caller({"cookie": "x"}, transport="sse")
    assert hooks.introduce(known, None) is known
    assert hooks.introduce(known, {"E": "x"}) is known
    assert hooks.introduce(known, {"a": "1"}) == Caller({"cookie": "x"}, {"a": "1"}, "sse")


def test_figures_tell_of_every_line():
    hooks = Backend().hooks(connect=hook(), rpc={"b": hook("b")})
    assert {figure.labels[:2] for figure in hooks.figures()} == {("default", "connect"), ("b", "rpc")}
