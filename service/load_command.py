"""``heliograph load``: options as typer knows them, and what becomes of them."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import typer

from service.lab.address import websocket
from service.lab.load.assertions import Assertion, assertion
from service.lab.load.plan import Misplanned, Plan, Weak, checked, seconds, weak_network
from service.local import token_settings

if TYPE_CHECKING:  # the other commands do not pay for them
    from service.lab.load.report import Account
    from service.lab.load.server_figures import Watch

MANY: Final = 1500  # users that one process plays well
TOKEN_LIFE: Final = 24 * 3600.0
_MISCHIEF: Final = "What users do wrong"
_WAY_IN: Final = "The way in"
_ACCOUNT: Final = "Conditions and account"


def load(  # noqa: PLR0917 - each is an option
    server: Annotated[
        str, typer.Option(help="Where the server is; https and wss speak TLS.", rich_help_panel=_WAY_IN)
    ] = "http://127.0.0.1:8000",
    users: Annotated[int, typer.Option(help="How many.", min=1)] = 100,
    channels: Annotated[int, typer.Option(help="How many, made for this run.", min=1)] = 10,
    subscriptions: Annotated[int, typer.Option(help="Channels of one user.", min=1)] = 1,
    namespace: Annotated[str, typer.Option(help="Namespace of the channels.")] = "",
    rate: Annotated[float, typer.Option(help="Publications a second, by all users together.", min=0)] = 50.0,
    size: Annotated[int, typer.Option(help="Bytes of a publication.", min=0)] = 128,
    arrivals: Annotated[float, typer.Option(help="Users a second that connect at the beginning.")] = 500.0,
    duration: Annotated[str, typer.Option(help="How long they publish, such as 30s, 3m or 1h.")] = "30s",
    delayed: Annotated[
        float,
        typer.Option(help="Percent of publications sent late, half of them in two pieces.", rich_help_panel=_MISCHIEF),
    ] = 0.0,
    delay: Annotated[str, typer.Option(help="... at most so late.", rich_help_panel=_MISCHIEF)] = "1s",
    drop: Annotated[
        float, typer.Option(help="Percent of users whose connection is lost now and then.", rich_help_panel=_MISCHIEF)
    ] = 0.0,
    drop_every: Annotated[str, typer.Option(help="... on average this often.", rich_help_panel=_MISCHIEF)] = "20s",
    bad: Annotated[
        float, typer.Option(help="Percent of users that send bad frames now and then.", rich_help_panel=_MISCHIEF)
    ] = 0.0,
    bad_every: Annotated[str, typer.Option(help="... on average this often.", rich_help_panel=_MISCHIEF)] = "20s",
    churn: Annotated[
        float, typer.Option(help="Users a second that say goodbye and come back.", min=0, rich_help_panel=_MISCHIEF)
    ] = 0.0,
    ping_flood: Annotated[
        float, typer.Option(help="Percent of users that send WebSocket pings.", rich_help_panel=_MISCHIEF)
    ] = 0.0,
    ping_rate: Annotated[float, typer.Option(help="... so many a second.", min=0.01, rich_help_panel=_MISCHIEF)] = 50.0,
    weak: Annotated[
        str,
        typer.Option(
            help="A weak network, such as share=20,delay=100ms,jitter=30ms,loss=2,rate=64kbit.",
            rich_help_panel=_MISCHIEF,
        ),
    ] = "",
    processes: Annotated[int, typer.Option(help="Processes that play the users; 0: as many as it takes.", min=0)] = 0,
    seed: Annotated[
        int, typer.Option(help="The same users do the same mischief again.", rich_help_panel=_MISCHIEF)
    ] = 1,
    require: Annotated[
        list[str] | None,
        typer.Option(
            "--assert",
            help="A condition, such as lost=0, p99<=250ms or rss_growth<=1%; repeat it.",
            rich_help_panel=_ACCOUNT,
        ),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="File for the whole account; - is stdout.", rich_help_panel=_ACCOUNT)
    ] = None,
    picture_file: Annotated[
        Path | None, typer.Option("--picture", help="File for a picture (SVG).", rich_help_panel=_ACCOUNT)
    ] = None,
    metrics: Annotated[
        str,
        typer.Option(
            help="The server's metrics; without: port 9000 of its host; none: do not look.", rich_help_panel=_ACCOUNT
        ),
    ] = "",
    token: Annotated[
        str,
        typer.Option(help="One connection token for all. Without: made with the secret here.", rich_help_panel=_WAY_IN),
    ] = "",
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Connect without tokens.", rich_help_panel=_WAY_IN)
    ] = False,
    cafile: Annotated[
        str, typer.Option(help="Certificates to trust beside the system's.", rich_help_panel=_WAY_IN)
    ] = "",
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Accept any certificate.", rich_help_panel=_WAY_IN)
    ] = False,
    config: Annotated[
        Path | None, typer.Option(help="The server's configuration, for its token secret.", rich_help_panel=_WAY_IN)
    ] = None,
) -> None:
    """Play users by the thousand and account for every message: what is lost, doubled, late, and what it costs."""
    from service.lab.load.report import FIGURES
    from service.lab.load.server_figures import Watch

    try:
        plan = checked(
            Plan(
                url=websocket(server), run=f"{int(time.time()):x}{os.getpid() % 1000}", users=users, channels=channels,
                subscriptions=subscriptions, namespace=namespace, rate=rate, size=size, arrivals=arrivals,
                duration=seconds(duration), delayed=delayed, delay=seconds(delay), drop=drop,
                drop_every=seconds(drop_every), bad=bad, bad_every=seconds(bad_every), churn=churn, flood=ping_flood,
                flood_rate=ping_rate, weak=weak_network(weak) if weak else Weak(), seed=seed, cafile=cafile,
                verify=not insecure,
            )
        )  # fmt: skip
        conditions = [assertion(each, FIGURES) for each in require or ()]
        _see_that_they_can_be_written(json_file, picture_file)
    except Misplanned as mistake:
        sys.stderr.write(f"heliograph: {mistake}\n")
        raise SystemExit(2) from None
    tokens = [""] * users if anonymous else [token] * users if token else _tokens(config, users)
    watch = Watch("" if metrics == "none" else metrics or _metrics(plan.url))
    raise SystemExit(_run(plan, tokens, processes or _processes(users), watch, conditions, (json_file, picture_file)))


def _see_that_they_can_be_written(*files: Path | None) -> None:
    """Before the load, not after half an hour of it."""
    for file in files:
        if file is not None and str(file) != "-":
            try:
                file.open("a").close()
            except OSError as error:
                raise Misplanned(f"{file}: cannot be written: {error.strerror}") from None


def _run(  # noqa: PLR0917 - as they come
    plan: Plan,
    tokens: Sequence[str],
    processes: int,
    watch: "Watch",
    conditions: Sequence[Assertion],
    files: tuple[Path | None, Path | None],
) -> int:
    from service.lab.load.progress import progress
    from service.lab.load.run import Failed, Load

    with progress() as shown:
        try:
            account = asyncio.run(Load(plan, tokens, min(processes, plan.users), watch, shown).run())
        except Failed as failure:
            sys.stderr.write(f"heliograph: {failure}\n")
            return 1
    figures = account.figures()
    failed = [sentence for each in conditions if (sentence := each.verdict(figures))]
    if vain := account.in_vain():
        failed.append(vain)
    _save(account, failed, plan, *files)
    return 1 if failed else 0


def _save(account: "Account", failed: list[str], plan: Plan, json_file: Path | None, picture_file: Path | None) -> None:
    from service.lab.load.report import text, told

    whole = json.dumps({"plan": plan.told(), **told(account, failed)}, indent=1) + "\n"
    to_stdout = json_file is not None and str(json_file) == "-"
    (sys.stderr if to_stdout else sys.stdout).write(text(account, failed) + "\n")
    if to_stdout:
        sys.stdout.write(whole)
    elif json_file is not None:
        json_file.write_text(whole)
    if picture_file is not None:
        from service.lab.load.picture import picture

        picture_file.write_text(picture(account, f"{plan.users:,} users, {plan.rate:g} publications a second"))


def _metrics(url: str) -> str:
    """Where a server's internal port is unless its configuration says otherwise."""
    host = urlsplit(url).hostname or ""
    return f"http://{f'[{host}]' if ':' in host else host}:9000/metrics"


def _processes(users: int) -> int:
    return max(1, min((os.cpu_count() or 1), -(-users // MANY)))


def _tokens(config: Path | None, users: int) -> list[str]:
    """One a user, signed with the secret of the server here."""
    from service.access.issuing import Wanted, issue

    settings = token_settings(config)
    end = time.time() + TOKEN_LIFE
    return [issue(settings, Wanted(f"load-{number}", expire_at=end)) for number in range(users)]
