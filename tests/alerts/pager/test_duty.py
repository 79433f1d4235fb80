"""The rota in force: read again when it changes, the last good one while it is broken."""

import os
from datetime import datetime

import pytest

from alerts.pager.__main__ import main, who
from alerts.pager.channels.provider import Provider
from alerts.pager.channels.webhook import Webhook
from alerts.pager.duty import Roster
from alerts.pager.reading import Wrong

ROTA = "people: {ada: {name: Ada A.}, ben: {}}\nrotation: {order: [ada, ben]}\n"
CHANNELS = {"sms": Provider("sms", "http://x", {}), "chat": Webhook("chat", "http://x")}
WEDNESDAY = datetime.fromisoformat("2026-01-07T12:00:00+00:00").timestamp()


@pytest.fixture
def file(tmp_path):
    place = tmp_path / "rota.yml"
    place.write_text(ROTA)
    return place


def written(place, text):
    before = place.stat().st_mtime_ns
    place.write_text(text)
    os.utime(place, ns=(before + 10**9, before + 10**9))


def test_recipients_by_part_of_the_rota(file):
    roster = Roster(file, CHANNELS, lambda: WEDNESDAY)
    assert roster.recipients("sms", "primary") == ("ada",)
    assert roster.recipients("sms", "secondary") == ("ben",)
    assert roster.recipients("sms", "everybody") == ["ada", "ben"]
    assert roster.recipients("chat", "everybody") == ("",), "a group is told once"
    assert roster.recipients("chat", "primary") == ("ada",), "who is mentioned there"
    assert roster.person("ada").name == "Ada A."
    assert roster.person("") is None


def test_without_a_rota_channels_that_are_nobodys_own_still_work():
    roster = Roster(None, CHANNELS, lambda: WEDNESDAY)
    assert roster.on_duty() is None
    assert roster.recipients("chat", "everybody") == ("",)


def test_a_change_counts_at_once_and_a_broken_one_does_not(file):
    roster = Roster(file, CHANNELS, lambda: WEDNESDAY)
    written(file, ROTA.replace("[ada, ben]", "[ben, ada]"))
    assert roster.on_duty().primary.key == "ben"
    written(file, "people: [")
    assert roster.on_duty().primary.key == "ben"
    assert "no YAML" in roster.wrong[0]
    written(file, ROTA)
    assert roster.on_duty().primary.key == "ada"
    assert not roster.wrong
    file.unlink()
    assert roster.on_duty().primary.key == "ada"
    assert roster.wrong == ("it cannot be read: No such file or directory",)


@pytest.mark.parametrize("mistake", ["since: 2026-02-30", "at: '09:00Z'", "every: {{ week }}"])
def test_a_mistake_of_any_kind_is_told_and_the_last_good_one_counts(file, mistake):
    roster = Roster(file, CHANNELS, lambda: WEDNESDAY)
    written(file, ROTA.replace("order", f"{mistake}, order").replace("[ada, ben]", "[ben, ada]"))
    assert roster.on_duty().primary.key == "ada"
    assert roster.wrong


def test_a_broken_file_is_told_although_nobody_was_called(file):
    """A scrape asks; the page that would find it out is the one that then reaches nobody."""
    roster = Roster(file, CHANNELS, lambda: WEDNESDAY)
    written(file, "people: [")
    assert "no YAML" in roster.wrong[0]


def test_a_broken_rota_is_told_at_the_start(file, capsys):
    file.write_text("rotation: {}")
    with pytest.raises(Wrong):
        Roster(file, CHANNELS, lambda: WEDNESDAY)
    assert main(["--rota", str(file), "--inbox", str(file.parent / "inbox")]) == 1
    assert main(["--rota", str(file), "--check"]) == 1
    assert "rota.yml: rotation.order names nobody" in capsys.readouterr().err


def test_secrets_that_cannot_be_read_are_told_before_somebody_has_to_be_called(tmp_path, capsys):
    key, empty, config = tmp_path / "key", tmp_path / "empty", tmp_path / "pager.yml"
    key.write_text("SEC0123456789\n")
    empty.write_text("\n")
    config.write_text(
        f"channels: {{chat: {{type: dingtalk, url_file: {tmp_path}/gone, secret_file: {key}}}, "
        f"own: {{type: webhook, url: 'http://there', secret_file: {empty}}}}}"
    )
    assert main(["--config", str(config), "--check"]) == 1
    said = capsys.readouterr().err
    assert f"channels.chat.url_file: {tmp_path}/gone cannot be read: No such file or directory" in said
    assert f"channels.own.secret_file: {empty} is empty" in said
    assert "SEC0123456789" not in said
    (tmp_path / "gone").write_text("https://robot.example/send?access_token=x")
    empty.write_text("a key")
    assert main(["--config", str(config), "--check"]) == 0


def test_a_broken_configuration_is_told_with_all_mistakes(tmp_path, capsys):
    (tmp_path / "pager.yml").write_text("channels: {a: {type: b}}\nrouts: {}")
    assert main(["--config", str(tmp_path / "pager.yml")]) == 1
    said = capsys.readouterr().err
    assert "did you mean routes?" in said
    assert "channels.a.type" in said


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        *(("--port", port, "is no port, 0 to 65535") for port in ("65536", "-1", "http")),
        ("--keep", "0", "is no number"),
    ],
)
def test_a_figure_that_is_none_is_told(option, value, says, capsys):
    with pytest.raises(SystemExit) as ended:
        main([option, value])
    assert ended.value.code == 2
    assert f"'{value}' {says}" in capsys.readouterr().err


def test_who_is_on_duty_when(file, capsys):
    assert who(file, "2026-01-07T12:00") == 0
    assert capsys.readouterr().out == "Ada A. (ada), then ben (ben); until 2026-01-12 09:00 UTC, by rotation\n"
    assert who(file, "2026-01-13T12:00+08:00") == 0
    assert capsys.readouterr().out.startswith("ben (ben), then Ada A. (ada)")
    assert who(file) == 0
    assert who(file, "tomorrow") == 2
    assert "is no time such as" in capsys.readouterr().err
    assert who(file, "0001-01-01T00:00+14:00") == 2
    assert "is beyond the calendar" in capsys.readouterr().err
    assert who(file.parent / "nothing.yml") == 1
