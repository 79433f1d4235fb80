"""The mail server lets nobody write who is not known, and nothing that is no letter."""

import smtplib
import ssl
from email.message import EmailMessage

import pytest

from faults.providers.book import Book
from faults.providers.smtp import Smtp
from tests.service.connections.authority import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("mail"))


@pytest.fixture
def server(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue())
    with Smtp(Book(), context, username="pager@example.com", password="secret") as server:
        yield server


@pytest.fixture
def client(server):
    with smtplib.SMTP("localhost", server.port, timeout=5) as client:
        yield client


def letter(text="It burns.\n.\n..twice\n", **headers):
    made = EmailMessage()
    told = {
        "From": "Pager <pager@example.com>",
        "To": "ada@example.com",
        "Subject": "[FIRING] é",
        "Date": "Sat, 21 Nov 2026 18:00:00 +0000",
        "Message-ID": "<1@example.com>",
        "Auto-Submitted": "auto-generated",
    }
    for name, value in (told | headers).items():
        if value:
            made[name] = value
    made.set_content(text)
    return made


def test_a_letter_comes_as_it_was_written(server, client, authority):
    client.starttls(context=authority.trusting())
    client.login("pager@example.com", "secret")
    assert client.send_message(letter()) == {}
    (one,) = server.book.taken
    assert one.to == ("ada@example.com",)
    assert one.text == "[FIRING] é\n\nIt burns.\n.\n..twice\n"
    assert one.body["message-id"] == "<1@example.com>"


def test_the_other_way_to_log_in(server, client, authority):
    client.starttls(context=authority.trusting())
    client.ehlo()
    client.user, client.password = "pager@example.com", "secret"
    assert client.auth("LOGIN", client.auth_login)[0] == 235


def test_who_does_not_say_who_they_are_writes_nothing(server, client, authority):
    with pytest.raises(smtplib.SMTPNotSupportedError):
        client.login("pager@example.com", "secret")
    assert client.docmd("AUTH", "PLAIN AAAA")[0] == 538
    client.starttls(context=authority.trusting())
    with pytest.raises(smtplib.SMTPAuthenticationError):
        client.login("pager@example.com", "guess")
    with pytest.raises(smtplib.SMTPSenderRefused):
        client.send_message(letter())
    assert not server.book.taken
    assert [each.code for each in server.book.complaints][0] == 538


def test_a_name_that_the_certificate_does_not_have_is_the_client_s_to_refuse(server):
    with smtplib.SMTP("localhost", server.port, timeout=5) as client, pytest.raises(ssl.SSLCertVerificationError):
        client.starttls(context=ssl.create_default_context())


@pytest.mark.parametrize("missing", ["Date", "Message-ID", "From"])
def test_a_letter_without_its_headers_is_refused(server, client, authority, missing):
    client.starttls(context=authority.trusting())
    client.login("pager@example.com", "secret")
    with pytest.raises(smtplib.SMTPDataError, match=f"not once there: {missing}"):
        client.sendmail("pager@example.com", ["ada@example.com"], letter(**{missing: ""}).as_string())


def test_it_is_busy_when_it_is_told_to(server, client, authority):
    server.book.trouble_first("mail", (451, "later, please"))
    client.starttls(context=authority.trusting())
    client.login("pager@example.com", "secret")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        client.send_message(letter())
    client.send_message(letter())
    assert len(server.book.taken) == 1
    assert not server.book.complaints
