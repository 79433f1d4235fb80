"""``pager.yml``: the channels, and for each route whom to tell, how and when. Without it there is the inbox only."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Final

from alerts.pager.case import Step
from alerts.pager.channels.dingtalk import DingTalk
from alerts.pager.channels.mail import Mail
from alerts.pager.channels.outcome import Channel, Unreachable, secret
from alerts.pager.channels.pagerduty import PagerDuty
from alerts.pager.channels.provider import Provider
from alerts.pager.channels.webhook import Webhook
from alerts.pager.channels.wecom import WeComApp, WeComRobot
from alerts.pager.pace import GATHER
from alerts.pager.reading import Form, Mistakes, Wrong, from_yaml
from alerts.pager.watchdog import WatchdogSettings

_FILE = Form(address=str, gather=str, channels=dict, routes=dict, watchdog=dict)
_STEP = Form(after=str, to=list, whom=str)
_WATCHDOG = Form(after=str, route=str, url_file=str)
#: The route of what is kept and shown, and told to nobody.
INBOX: Final = "inbox"
_ADDRESS: Final = "http://localhost:9099"
_LONGEST_GATHER: Final = 10.0  # seconds; in a storm it is up to thirty times as long
_WHOM: Final = ("primary", "secondary", "everybody")


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of channel: what makes one, its options, and those that it cannot do without."""

    make: Callable[..., Channel | Mail]
    form: Form
    needed: tuple[str, ...]


_PROVIDER = _Kind(
    Provider,
    Form(url=str, body=dict, token_file=str, success=dict, busy=dict, longest=int, limit=int),
    ("url", "body"),
)
KINDS: Final[Mapping[str, _Kind]] = {
    "dingtalk": _Kind(DingTalk, Form(url_file=str, secret_file=str, limit=int, mute=str), ("url_file",)),
    "wecom_robot": _Kind(WeComRobot, Form(url_file=str, limit=int), ("url_file",)),
    "wecom_app": _Kind(
        WeComApp,
        Form(corp_id=str, agent_id=int, secret_file=str, api=str, limit=int),
        ("corp_id", "agent_id", "secret_file"),
    ),
    "sms": _PROVIDER,
    "phone": _PROVIDER,
    "mail": _Kind(
        Mail,
        Form(host=str, port=int, tls=str, sender=str, to=list, username=str, password_file=str, ca_file=str, limit=int),
        ("host", "sender"),
    ),
    "pagerduty": _Kind(PagerDuty, Form(routing_key_file=str, url=str, limit=int), ("routing_key_file",)),
    "webhook": _Kind(Webhook, Form(url=str, secret_file=str, limit=int), ("url",)),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the file says."""

    address: str = _ADDRESS  # where people reach the pager's page
    channels: Mapping[str, Channel | Mail] = field(default_factory=dict)
    routes: Mapping[str, Sequence[Step]] = field(default_factory=dict)
    watchdog: WatchdogSettings = WatchdogSettings()
    gather: float = GATHER  # seconds that a letter waits for others


def load(file: Path | None) -> Settings:
    """The settings of a file; those without one when there is none.

    Raises:
        Wrong: with all mistakes.

    """
    if file is None:
        return Settings()
    try:
        return read(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Wrong([f"it cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise Wrong(["it is not UTF-8 text"]) from None


def read(text: str) -> Settings:
    """The settings of a text.

    Raises:
        Wrong: with all mistakes.

    """
    mistakes = Mistakes()
    given = mistakes.read(from_yaml(text), _FILE, "")
    channels = {
        str(name): made
        for name, each in given.get("channels", {}).items()
        if (made := _channel(str(name), each, mistakes)) is not None
    }
    known = set(map(str, given.get("channels", {})))
    routes = {
        str(name): _route(f"routes.{name}", each, known, mistakes) for name, each in given.get("routes", {}).items()
    }
    if INBOX in routes:
        mistakes.add(f"routes.{INBOX}: by this one the inbox alone hears; give yours another name")
    address = given.get("address", _ADDRESS)
    if not address.startswith(("http://", "https://")):
        mistakes.add(f"address: {address!r} is no http or https address")
    watchdog = _watchdog(given["watchdog"], routes, mistakes) if "watchdog" in given else WatchdogSettings()
    gather = mistakes.seconds(given["gather"], "gather") if "gather" in given else GATHER
    if gather > _LONGEST_GATHER:
        mistakes.add(f"gather: a page would wait {gather:g} seconds for others; {_LONGEST_GATHER:g}s at most")
    mistakes.raise_if_any()
    return Settings(address, channels, routes, watchdog, gather)


def _watchdog(given: object, routes: Mapping[str, Sequence[Step]], mistakes: Mistakes) -> WatchdogSettings:
    found: Mapping[str, Any] = mistakes.read(given, _WATCHDOG, "watchdog")
    after = mistakes.seconds(found.get("after", "5m"), "watchdog.after")
    route = found.get("route", "critical")
    if routes and route not in routes:
        mistakes.unknown("watchdog.route", route, routes, "route")
    return WatchdogSettings(after, route, found.get("url_file", ""))


def unusable_secrets(found: Settings) -> list[str]:
    """A sentence for each file of a secret that cannot be read, or is empty, as its reader here would find it."""
    told = []
    for name, channel in found.channels.items():
        assert is_dataclass(channel), "every kind of channel is one"
        for option in (each.name for each in fields(channel) if each.name.endswith("_file")):
            if file := getattr(channel, option):
                try:
                    secret(file, f"channels.{name}.{option}")
                except Unreachable as why:
                    told.append(str(why))
    return told


def _channel(name: str, given: object, mistakes: Mistakes) -> Channel | Mail | None:
    where = f"channels.{name}"
    if not isinstance(given, dict) or "type" not in given:
        mistakes.add(f"{where}.type is missing; known: {', '.join(KINDS)}")
        return None
    options = dict(given)
    word = str(options.pop("type"))
    if word not in KINDS:
        mistakes.unknown(f"{where}.type", word, KINDS, "type of channel")
        return None
    kind = KINDS[word]
    before = len(mistakes.sentences)
    found = mistakes.read(options, kind.form, where)
    for needed in kind.needed:
        if needed not in options:
            mistakes.add(f"{where}.{needed} is missing")
    if isinstance(found.get("to"), list):
        found["to"] = tuple(map(str, found["to"]))
    if "busy" in found and "success" not in found:
        mistakes.add(f"{where}.busy says nothing without success: then the status alone counts")
    if found.get("tls", "none") not in ("starttls", "implicit", "none"):
        mistakes.unknown(f"{where}.tls", found["tls"], ("starttls", "implicit", "none"), "way")
    if "mute" in found:
        found["mute"] = mistakes.seconds(found["mute"], f"{where}.mute")
    if found.get("limit", 0) < 0:
        mistakes.add(f"{where}.limit is negative; 0 is no limit")
    return kind.make(name, **found) if len(mistakes.sentences) == before else None


def _route(where: str, given: object, channels: set[str], mistakes: Mistakes) -> Sequence[Step]:
    if not isinstance(given, list) or not given:
        mistakes.add(f"{where} should be a list of steps")
        return ()
    steps = [_step(f"{where}[{number}]", each, channels, mistakes) for number, each in enumerate(given)]
    if [step.after for step in steps] != sorted(step.after for step in steps):
        mistakes.add(f"{where}: a step comes before the one above it; order them by after")
    return tuple(steps)


def _step(where: str, given: object, channels: set[str], mistakes: Mistakes) -> Step:
    found: Mapping[str, Any] = mistakes.read(given, _STEP, where)
    to = tuple(map(str, found.get("to", ())))
    if not to:
        mistakes.add(f"{where}.to names no channel")
    for channel in to:
        if channel not in channels:
            mistakes.unknown(f"{where}.to", channel, channels, "channel")
    whom = found.get("whom", "primary")
    if whom not in _WHOM:
        mistakes.unknown(f"{where}.whom", whom, _WHOM, "part of the rota")
    return Step(mistakes.seconds(found.get("after", "0s"), f"{where}.after"), to, whom)
