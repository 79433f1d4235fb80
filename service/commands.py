"""The commands as typer knows them: arguments, help and an example each. What they do stands in files of their own."""

from pathlib import Path
from typing import Annotated

import typer

from service import client_commands, load_command, serve_command

LOCAL = "http://127.0.0.1:8000"
INTERNAL = "http://127.0.0.1:9000"

Config = Annotated[Path | None, typer.Option(help="Configuration: JSON, YAML or TOML. Without: the quick start's.")]
Server = Annotated[str, typer.Option(help="Where the server is.")]
Lenient = Annotated[bool, typer.Option("--lenient", help="Forgive what Centrifugo has and this server has not yet.")]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Heliograph: a realtime WebSocket server whose every message, connection and deploy can be seen.",
)


on_call = typer.Typer(no_args_is_help=True, help="Who is called when something is wrong.")
app.add_typer(on_call, name="oncall")


@app.command(epilog="Example: heliograph serve --config config.yaml --port 8000")
def serve(
    config: Config = None,
    port: Annotated[int | None, typer.Option(help="Public port; 0 takes any free one.", min=0, max=65535)] = None,
    internal_port: Annotated[int | None, typer.Option(help="Internal port; likewise.", min=0, max=65535)] = None,
    *,
    lenient: Lenient = False,
    print_config: Annotated[bool, typer.Option("--print-config", help="Print the configuration and stop.")] = False,
) -> None:
    """Serve. Without a configuration a built-in one is used, whose key and secret are made once."""
    raise SystemExit(serve_command.serve(config, port, internal_port, lenient=lenient, print_config=print_config))


@app.command(epilog="Example: heliograph check-config config.yaml")
def check_config(
    file: Annotated[Path, typer.Argument(help="JSON, YAML or TOML.")],
    *,
    lenient: Lenient = False,
) -> None:
    """Tell every mistake of a configuration at once."""
    serve_command.check_config(file, lenient=lenient)


@app.command(epilog="Example: heliograph token --user alice --expire 24h")
def token(
    user: Annotated[str, typer.Option(help="User id.")],
    expire: Annotated[str, typer.Option(help="Lifetime, such as 30m or 24h; 0: for ever.")] = "1h",
    channel: Annotated[str, typer.Option(help="Make a subscription token for this channel.")] = "",
    info: Annotated[str, typer.Option(help="JSON that others see beside what the user does.")] = "",
    config: Config = None,
) -> None:
    """Make a token, as your backend would."""
    client_commands.token(user, expire, channel, info, config)


@app.command(epilog="""Example: heliograph pub news '{"text":"hello"}'""")
def pub(
    channel: Annotated[str, typer.Argument(help="Channel.")],
    data: Annotated[str, typer.Argument(help="JSON.")],
    server: Server = LOCAL,
    key: Annotated[str, typer.Option(help="API key. Without: the environment's or the configuration's.")] = "",
    config: Config = None,
) -> None:
    """Publish a message by the server API."""
    client_commands.pub(channel, data, server, key, config)


@app.command(epilog="Example: heliograph sub news weather --server http://127.0.0.1:8000")
def sub(
    channels: Annotated[list[str], typer.Argument(help="Channels.")],
    server: Server = LOCAL,
    *,
    token: Annotated[str, typer.Option(help="Connection token. Without: one made with the secret here.")] = "",
    user: Annotated[str, typer.Option(help="User id of a token made here.")] = "sub",
    count: Annotated[int, typer.Option(help="Stop after so many messages; 0: never.", min=0)] = 0,
    config: Config = None,
) -> None:
    """Print what is published; reconnects, and says whether it recovered."""
    client_commands.sub(channels, server, token or client_commands.own_token(user, config), count=count)


@on_call.command(epilog="Example: heliograph oncall who --rota rota.yml --at 2026-12-24T18:00")
def who(
    rota: Annotated[Path, typer.Option(help="The rota's file.", exists=True, dir_okay=False)] = Path("rota.yml"),
    at: Annotated[str, typer.Option(help="A time, in the rota's own zone unless it says another. Without: now.")] = "",
) -> None:
    """Tell who is on duty, who is next, and until when."""
    from alerts.pager.__main__ import who as tell

    raise SystemExit(tell(rota, at))


@on_call.callback()
def _only_a_group() -> None:
    """Keep ``who`` a word of its own: typer takes the only command of a group for the group."""


@app.command(epilog="Example: heliograph why 5c1b0a3e-0c0f-4b5e-9d57-0f4a3c8e6d21 --log heliograph.log")
def why(
    subject: Annotated[str, typer.Argument(help="A connection's id, a trace id, or a user.", metavar="SUBJECT")],
    server: Annotated[
        str, typer.Option(help="Internal port of a running node with the debug API. Empty: logs only.")
    ] = INTERNAL,
    token: Annotated[str, typer.Option(help="debug.token. Without: the environment's or the configuration's.")] = "",
    log: Annotated[list[Path] | None, typer.Option(help="A log file to read, too; may be given several times.")] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    config: Config = None,
) -> None:
    """Say why a connection ended, a message came late or a user is gone: likely cause, evidence, next step."""
    client_commands.why(subject, server, token, log or [], as_json=json, config=config)


@app.command(epilog="Example: heliograph debug slow")
def debug(
    page: Annotated[
        str, typer.Argument(help="slow, ended, node, channels, connections, 'connections?user=ada&limit=10', …")
    ],
    server: Annotated[str, typer.Option(help="Internal port of a running node with the debug API.")] = INTERNAL,
    token: Annotated[str, typer.Option(help="debug.token. Without: the environment's or the configuration's.")] = "",
    config: Config = None,
) -> None:
    """Print a page of the debug API: who is slow, who ended and why, which channels are full."""
    client_commands.debug(page, server, token, config)


app.command(
    name="load", epilog="Example: heliograph load --users 5000 --drop 15 --bad 10 --duration 3m --assert lost=0"
)(load_command.load)
