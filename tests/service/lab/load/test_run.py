"""Whole loads: against a server that lies each lie is found; against the real one nothing is, whatever users do."""

import asyncio
import datetime as dt
import io
import ipaddress
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from service.lab.load.plan import Plan, Weak
from service.lab.load.progress import Lines
from service.lab.load.run import Failed, Load
from service.lab.load.server_figures import Watch
from tests.e2e.served import Served, configuration, token
from tests.service.lab.load.liar import Liar


async def played(url, workers=1, tokens=None, metrics="", **changes):
    usual = {"users": 6, "channels": 2, "rate": 60.0, "duration": 1.5, "arrivals": 1000.0, "drain": 1.0}
    plan = Plan(**{"url": url, "run": "test", **usual, **changes})
    load = Load(plan, tokens or [""] * plan.users, workers, Watch(metrics), Lines(io.StringIO()))
    account = await load.run()
    return account, account.figures()


@pytest.fixture
async def liar(aiohttp_server):
    async def make(deliver=lambda _number, pub: [pub], **options):
        made = Liar(deliver)
        server = await aiohttp_server(made.application(), **options)
        made.url = f"ws{'s' * bool(options)}://127.0.0.1:{server.port}/connection/websocket"
        return made

    return make


async def test_an_honest_server(liar):
    honest = await liar()
    account, figures = await played(honest.url, workers=2)
    assert figures["published"] == honest.count > 50
    assert figures["delivered"] == figures["expected"] == honest.count * 3
    assert [figures[name] for name in ("lost", "duplicated", "reordered", "told", "refused", "void")] == [0] * 6
    assert figures["connected"] == 6
    assert 0 < figures["p50"] <= figures["p99"] <= figures["longest"] < 1.5
    assert account.course[-1]["ready"] == 6


async def test_a_server_that_loses_is_found_out(liar):
    lossy = await liar(lambda number, pub: [] if number % 10 == 0 else [pub])
    _, figures = await played(lossy.url)
    assert figures["lost"] == lossy.count // 10 * 3
    assert figures["expected"] == lossy.count * 3
    assert (figures["duplicated"], figures["reordered"]) == (0, 0)


@pytest.mark.slow
async def test_a_server_that_doubles_is_found_out(liar):
    stuttering = await liar(lambda number, pub: [pub, pub] if number % 10 == 0 else [pub])
    _, figures = await played(stuttering.url)
    assert figures["duplicated"] == stuttering.count // 10 * 3
    assert (figures["lost"], figures["reordered"]) == (0, 0)


@pytest.mark.slow
async def test_a_server_that_reorders_is_found_out(liar):
    waiting = {}

    def swap(number, pub):
        """Every fifth comes behind the sixth."""
        held = list(waiting.values())
        waiting.clear()
        if pub["offset"] % 5 == 0:
            waiting[number] = pub
            return []
        return [pub, *held]

    shuffling = await liar(swap)
    _, figures = await played(shuffling.url, channels=1)
    assert figures["reordered"] > 0
    assert figures["reordered"] % 6 == 0
    assert figures["lost"] <= 6, "one may still be held back at the end"
    assert figures["duplicated"] == 0


@pytest.mark.slow
async def test_a_server_that_forgets_what_it_promised_to_recover_is_found_out(liar):
    forgetful = await liar()
    forgetful.missed = lambda _asked: []
    account, figures = await played(forgetful.url, users=8, channels=1, drop=60.0, drop_every=0.6, duration=3.0)
    assert account.counts["drops"] > 5
    assert figures["lost"] > 0
    assert figures["told"] == 0


@pytest.mark.slow
async def test_a_server_that_says_that_it_does_not_recover_is_none(liar):
    plain = await liar()
    plain.recovers = False
    account, figures = await played(plain.url, users=8, channels=1, drop=60.0, drop_every=0.6, duration=3.0)
    assert account.counts["drops"] > 5
    assert figures["lost"] == 0
    assert figures["told"] > 0


@pytest.mark.slow
async def test_refusals_are_counted_and_what_was_refused_is_not_owed(liar):
    strict = await liar()
    strict.refuse["publish"] = 103
    account, figures = await played(strict.url)
    assert account.refusals == {"publish 103": figures["published"]}
    assert (figures["lost"], figures["void"]) == (0, figures["published"])


async def test_nobody_to_talk_to_is_told():
    with pytest.raises(Failed, match="nobody can connect to ws://127.0.0.1:1/: nothing listens"):
        await played("ws://127.0.0.1:1/")


async def test_a_worker_that_says_nothing_more_ends_the_load(liar, monkeypatch):
    honest = await liar()
    monkeypatch.setattr("service.lab.load.run.SILENT", 0.0)
    with pytest.raises(Failed, match="said nothing for 0 s"):
        await played(honest.url)


@pytest.mark.slow
async def test_publications_are_sent_late_and_in_two_pieces(liar):
    slow = await liar()
    account, figures = await played(slow.url, delayed=50.0, delay=0.2, duration=2.0)
    assert account.counts["delayed"] > 10
    assert figures["lost"] == figures["reordered"] == 0
    assert figures["delivered"] == slow.count * 3
    assert figures["p90"] < 0.2, "how late we send is not the server's latency"


@pytest.mark.slow
async def test_a_weak_network_is_felt(liar):
    distant = await liar()
    _, near = await played(distant.url)
    _, far = await played(distant.url, weak=Weak(share=100.0, delay=0.15, jitter=0.02))
    assert far["p50"] > near["p50"] + 0.1
    assert far["lost"] == 0


def certified(folder):
    """A certificate for this machine that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").write_bytes(pem)


@pytest.mark.slow
async def test_tls_is_verified_unless_told_otherwise(liar, tmp_path, monkeypatch):
    certified(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
    secure = await liar(ssl=context)
    _, figures = await played(secure.url, cafile=str(tmp_path / "ca.pem"))
    assert figures["delivered"] == figures["expected"] > 0
    _, figures = await played(secure.url, verify=False)
    assert figures["delivered"] == figures["expected"] > 0
    with pytest.raises(Failed, match="certificate is not trusted"):
        await played(secure.url)


async def test_ctrl_c_ends_publishing_and_the_account_follows(liar):
    honest = await liar()
    plan = Plan(url=honest.url, run="test", users=4, channels=1, rate=50.0, duration=600.0, drain=1.0)
    load = Load(plan, [""] * 4, 1, Watch(""), Lines(io.StringIO()))
    running = asyncio.get_running_loop().create_task(load.run())
    async with asyncio.timeout(20):
        while honest.count < 20:
            await asyncio.sleep(0.01)
        load.stop()
        figures = (await running).figures()
    assert figures["delivered"] == figures["expected"] == honest.count * 4


NOTHING = ("lost", "duplicated", "reordered", "told", "unknown_causes", "unaccounted")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = configuration(client__ping_interval="5s", client__pong_timeout="5s")
    with Served(tmp_path_factory.mktemp("server"), settings) as served:
        yield served


@pytest.mark.slow
async def test_users_who_do_everything_wrong_lose_nothing_and_leave_nothing(server):
    """Late, dropped, bad frames, goodbyes, ping floods and a weak network at once, against the real server."""
    users = 120
    account, figures = await played(
        server.url, workers=2, tokens=[token(f"u{n}") for n in range(users)],
        metrics=f"http://127.0.0.1:{server.internal_port}/metrics",
        users=users, channels=12, subscriptions=2, namespace="stream", rate=60.0, duration=6.0, drain=10.0,
        delayed=30.0, delay=0.3, drop=30.0, drop_every=2.0, bad=30.0, bad_every=2.0, churn=3.0, flood=10.0,
        weak=Weak(share=15.0, delay=0.05, jitter=0.02, loss=2.0, rate=16_000),
    )  # fmt: skip
    assert [figures[name] for name in NOTHING] == [0] * len(NOTHING)
    assert figures["delivered"] == figures["expected"] > 3000
    for mischief in ("drops", "bad frames", "goodbyes", "delayed"):
        assert account.counts[mischief] > 5, mischief
    assert account.counts["pongs"] > 100
    assert figures["reconnects"] > 30
    assert {"1002", "dropped", "goodbye"} <= set(account.closes)
    assert account.before.fds - 2 <= account.after.fds <= account.before.fds + 2
    assert account.after.connections == 0
    assert figures["rss_growth"] is not None
    assert figures["objects_left"] is not None
