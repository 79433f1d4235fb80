"""pager.yml: what it makes, and that every mistake is told at once."""

from pathlib import Path

import pytest

from alerts.pager.case import Step
from alerts.pager.reading import Wrong
from alerts.pager.settings import KINDS, Settings, load, read

ROOT = Path(__file__).parents[3]


def test_without_a_file_there_is_the_inbox_only():
    assert load(None) == Settings()
    assert not Settings().channels


def test_the_example_uses_every_type_of_channel_and_is_right():
    found = load(ROOT / "alerts" / "pager.example.yml")
    kinds = {type(channel) for channel in found.channels.values()}
    assert kinds == {kind.make for kind in KINDS.values()}
    assert found.routes["critical"][0].after == 0
    assert [step.after for step in found.routes["critical"]] == sorted(step.after for step in found.routes["critical"])


def test_routes_are_steps():
    found = read(
        """
channels: {hook: {type: webhook, url: "http://there"}}
routes: {critical: [{to: [hook]}, {after: 5m, to: [hook], whom: secondary}, {after: 1.5h, to: [hook], whom: everybody}]}
"""
    )
    assert found.routes == {
        "critical": (Step(0.0, ("hook",)), Step(300.0, ("hook",), "secondary"), Step(5400.0, ("hook",), "everybody"))
    }


def test_letters_wait_a_second_for_others_and_robots_are_mute_for_ten_minutes():
    robot = "{type: dingtalk, url_file: f%s}"
    assert (Settings().gather, read("channels: {}").gather) == (1, 1)
    assert read("gather: 0s").gather == 0
    assert read(f"channels: {{a: {robot % ''}}}").channels["a"].mute == 600
    assert read(f"channels: {{a: {robot % ', mute: 1m'}}}").channels["a"].mute == 60


def test_all_mistakes_are_told_at_once():
    with pytest.raises(Wrong) as wrong:
        read(
            """
adress: http://x
address: pager.example.com
gather: 1m
channels:
  a: {type: dingtlk}
  b: {type: dingtalk, secret: x}
  c: {}
  d: {type: mail, host: smtp, sender: a@b, tls: ssl, port: "25"}
  e: {type: webhook, url: "http://there", limit: -1}
  f: {type: sms, url: "http://there", body: {}, busy: {code: BUSY}}
  g: {type: dingtalk, url_file: x, mute: ten}
routes:
  critical: [{to: [chat]}, {after: soon, to: [b]}]
  warning: [{after: 5m, to: [e]}, {to: [e], whom: tertiary}, {whom: primary}]
  info: nothing
  inbox: [{to: [e]}]
"""
        )
    told = "\n".join(wrong.value.sentences)
    for part in (
        "adress: 'adress' is no known option; did you mean address?",
        "address: 'pager.example.com' is no http or https address",
        "channels.a.type: 'dingtlk' is no type of channel; did you mean dingtalk?",
        "channels.b.secret: 'secret' is no known option; did you mean secret_file?",
        "channels.b.url_file is missing",
        "channels.c.type is missing; known: dingtalk",
        "channels.d.tls: 'ssl' is no way; known: starttls, implicit, none",
        "channels.d.port should be a whole number",
        "channels.e.limit is negative",
        "channels.f.busy says nothing without success",
        "routes.inbox: by this one the inbox alone hears",
        "channels.g.mute: 'ten' is no duration such as 30s, 5m or 1h",
        "gather: a page would wait 60 seconds for others; 10s at most",
        "routes.critical[0].to: 'chat' is no channel",
        "routes.critical[1].after: 'soon' is no duration such as 30s, 5m or 1h",
        "routes.warning: a step comes before the one above it",
        "routes.warning[1].whom: 'tertiary' is no part of the rota",
        "routes.warning[2].to names no channel",
        "routes.info should be a list of steps",
    ):
        assert part in told, part
    with pytest.raises(Wrong, match="no YAML"):
        read("channels: [")


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(Wrong, match="cannot be read"):
        load(tmp_path / "pager.yml")
