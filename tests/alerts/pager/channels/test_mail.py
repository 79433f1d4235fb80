"""Mail: TLS and a login at a server that wants both, refusals, and a letter that is never sent twice."""

import asyncio
import ssl

import pytest

from alerts.pager.channels.mail import Mail
from alerts.pager.channels.outcome import Later, Refused, Sent
from alerts.pager.rota import Person
from tests.alerts.pager.notices import notice
from tests.alerts.pager.providers import Smtp
from tests.alerts.pager.test_message import message
from tests.service.connections.authority import Authority

ADA = Person("ada", "Ada", mail="ada@example.com")
ONE = [message(notice())]


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def context(authority):
    one = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    one.load_cert_chain(*authority.issue())
    return one


@pytest.fixture
def password(tmp_path):
    file = tmp_path / "password"
    file.write_text("s3cret\n")
    return file


async def sent(server, person=ADA, messages=ONE, **options):
    mail = Mail("mail", "127.0.0.1", "Pager <pager@example.com>", **{"port": server.port, "tls": "none"} | options)
    return await asyncio.to_thread(mail.send, messages, person)


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_server_that_wants_tls_and_a_login_gets_both(context, authority, password, tls):
    account = {"username": "pager", "password_file": str(password)}
    async with Smtp(context=context, implicit=tls == "implicit", account=("pager", "s3cret")) as server:
        assert await sent(server, tls=tls, ca_file=str(authority.file), **account) == Sent()
        assert server.secured == ["TLSv1.3"]
        assert "Subject: [FIRING] critical: HeliographBacklog" in server.letters[0]
        without = await sent(server, tls=tls, ca_file=str(authority.file))
        assert without == Refused("the mail server says 530 5.7.0 Authentication required")
        password.write_text("wrong")
        wrong = await sent(server, tls=tls, ca_file=str(authority.file), **account)
        assert wrong == Refused("the mail server says 535 5.7.8 wrong name or password")
        password.write_text("päss")
        assert await sent(server, tls=tls, ca_file=str(authority.file), **account) == Refused(
            "this cannot be said to a mail server: UnicodeEncodeError"
        )
        assert len(server.letters) == 1


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_server_that_nobody_vouches_for_gets_no_password(context, password, tls):
    async with Smtp(context=context, implicit=tls == "implicit", account=("pager", "s3cret")) as server:
        outcome = await sent(server, tls=tls, username="pager", password_file=str(password))
        assert isinstance(outcome, Later)
        assert "CERTIFICATE_VERIFY_FAILED" in outcome.why
        assert not server.letters


async def test_a_server_without_tls_is_not_spoken_to_in_the_clear(password):
    async with Smtp() as server:
        outcome = await sent(server, tls="starttls", username="pager", password_file=str(password))
        assert outcome == Refused(
            "the mail server does not offer what is asked: STARTTLS extension not supported by server."
        )
        assert not server.letters
        nothing = await sent(server, tls="starttls", ca_file="/nowhere/ca.pem")
        assert nothing == Refused(
            "certificates: /nowhere/ca.pem cannot be used: No such file or directory", called=False
        )


@pytest.mark.parametrize("goodbye", [b"421 too busy to say goodbye", b"500 what?", b"\xff"])
async def test_what_was_taken_is_taken_however_the_server_says_goodbye(goodbye):
    async with Smtp(goodbye=goodbye) as server:
        assert await sent(server) == Sent()
        assert len(server.letters) == 1


async def test_some_of_several_recipients_that_are_refused_are_named(tmp_path):
    async with Smtp([b"550 unknown", b"250 ok"]) as server:
        outcome = await sent(server, to=("gone@example.com", "ops@example.com"))
        assert outcome == Sent("the mail server does not take gone@example.com")
        assert len(server.letters) == 1


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"452 4.2.2 full", Later("the mail server says 452 4.2.2 full", 60.0, personal=True)),
        (b"550 5.1.1 unknown", Refused("the mail server says 550 5.1.1 unknown")),
    ],
)
async def test_a_recipients_trouble_is_the_recipients(answer, outcome):
    async with Smtp([answer]) as server:
        assert await sent(server) == outcome


async def test_what_cannot_be_written_as_a_mail_is_refused_with_words():
    async with Smtp() as server:
        assert await sent(server, Person("ben", "Ben")) == Refused("Ben has no mail address in the rota", called=False)
        odd = await sent(server, Person("eve", "Eve", mail="eve@example.com\nBcc: all@example.com"))
        assert odd == Refused("this cannot be said to a mail server: ValueError")
        assert not server.letters
