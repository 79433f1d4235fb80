import pytest
from typer.testing import CliRunner

from service import client_commands, serve_command
from service.commands import app

NAMES = ("serve", "check-config", "token", "pub", "sub")
runner = CliRunner()


@pytest.mark.parametrize("name", NAMES)
def test_each_help_shows_an_example(name):
    said = runner.invoke(app, [name, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert said.exit_code == 0
    assert f"Example: heliograph {name} " in said.output or "Example: heliograph serve --config" in said.output


def test_who_is_on_duty(tmp_path):
    (tmp_path / "rota.yml").write_text("people: {ada: {}, ben: {}}\nrotation: {order: [ada, ben]}")
    said = runner.invoke(app, ["oncall", "who", "--rota", str(tmp_path / "rota.yml"), "--at", "2026-01-06T12:00"])
    assert (said.exit_code, said.output.split(",")[0]) == (0, "ada (ada)")


def test_a_rota_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = runner.invoke(app, ["oncall", "who"], env={"COLUMNS": "200"})
    assert said.exit_code == 2
    assert "'--rota': file 'rota.yml' does not exist" in said.output


def test_the_list_of_commands():
    said = runner.invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    assert all(name in said for name in NAMES)


@pytest.mark.parametrize(
    ("words", "name", "arguments", "options"),
    [
        (["pub", "news", "1", "--key", "k"], "pub", ("news", "1", "http://127.0.0.1:8000", "k", None), {}),
        (["token", "--user", "u", "--channel", "c"], "token", ("u", "1h", "c", "", None), {}),
        (["debug", "slow", "--token", "t"], "debug", ("slow", "http://127.0.0.1:9000", "t", None), {}),
        (["sub", "a", "b", "--token", "t"], "sub", (["a", "b"], "http://127.0.0.1:8000", "t"), {"count": 0}),
    ],
)
def test_arguments_reach_their_command(monkeypatch, words, name, arguments, options):
    called = []
    monkeypatch.setattr(client_commands, name, lambda *given, **named: called.append((given, named)))
    assert runner.invoke(app, words).exit_code == 0
    assert called == [(arguments, options)]


def test_serve_and_check_config(monkeypatch, tmp_path):
    called = []
    monkeypatch.setattr(serve_command, "serve", lambda *given, **named: called.append((given, named)) or 0)
    monkeypatch.setattr(serve_command, "check_config", lambda *given, **named: called.append((given, named)))
    assert runner.invoke(app, ["serve", "--port", "1", "--lenient"]).exit_code == 0
    assert runner.invoke(app, ["check-config", str(tmp_path)]).exit_code == 0
    assert called == [
        ((None, 1, None), {"lenient": True, "print_config": False}),
        ((tmp_path,), {"lenient": False}),
    ]


@pytest.mark.parametrize(
    "words", [["serve", "--port", "x"], ["serve", "--port", "70000"], ["nonsense"], ["pub", "news"]]
)
def test_what_is_no_command_is_told_with_exit_code_2(words):
    assert runner.invoke(app, words).exit_code == 2
