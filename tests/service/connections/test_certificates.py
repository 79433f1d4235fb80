"""A listener's certificate: read in three ways, refused with a sentence, replaced without harm."""

import base64
import os
import ssl
import time
from itertools import count
from pathlib import Path

import pytest

from observability.observers.door import SilentDoorObserver
from service.connections.certificates import Certificate, TlsSettings, load
from service.outside.pem import BadCertificate, pem
from tests.service.connections.authority import Authority


class Noted(SilentDoorObserver):
    def __init__(self):
        self.loaded, self.refused_ = [], []

    def certificate_loaded(self, listener, subject, expires_in):
        self.loaded.append((listener, subject, expires_in))

    def certificate_refused(self, listener, why):
        self.refused_.append(why)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def seconds():
    """Of looks at the files, one after the other."""
    return count(100.0)


def settings(certificate, key, **more):
    return TlsSettings(cert_pem=certificate, key_pem=key, **more)


def test_a_path_a_text_and_its_base64_form(authority):
    certificate, key = authority.issue()
    text = Path(certificate).read_text()
    for form in (certificate, text, base64.b64encode(text.encode()).decode()):
        assert pem("cert_pem", form) == text
        context, subject, expires = load(settings(form, key))
        assert subject == "CN=localhost"
        assert 29 * 86_400 < expires - time.time() < 31 * 86_400
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_clients_certificates_are_asked_for_as_it_is_said(authority):
    pair = authority.issue()
    assert load(settings(*pair))[0].verify_mode == ssl.CERT_NONE
    assert load(settings(*pair, client_ca_pem=authority.pem))[0].verify_mode == ssl.CERT_REQUIRED
    optional = settings(*pair, client_ca_pem=str(authority.file), client_required=False)
    assert load(optional)[0].verify_mode == ssl.CERT_OPTIONAL


def refused(**changes):
    with pytest.raises(BadCertificate) as caught:
        load(settings(**changes) if "cert_pem" not in changes else TlsSettings(**changes))
    return caught.value.option, str(caught.value)


def test_what_cannot_be_used_is_told_in_a_sentence(authority, tmp_path):
    certificate, key = authority.issue()
    other, _ = authority.issue("other")
    _, locked = authority.issue("locked", passphrase=b"secret")
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    assert refused(cert_pem="/nowhere/cert.pem", key_pem=key) == (
        "cert_pem", "the file cannot be read: No such file or directory",
    )  # fmt: skip
    assert refused(cert_pem=certificate, key_pem="") == ("key_pem", "is needed when TLS is enabled")
    assert refused(cert_pem=str(empty), key_pem=key) == ("cert_pem", "the file holds no PEM block (-----BEGIN …)")
    assert refused(cert_pem=other, key_pem=key) == ("key_pem", "the key does not belong to the certificate")
    option, why = refused(cert_pem=certificate, key_pem=locked)
    assert (option, "encrypted" in why or "cannot be used" in why) == ("key_pem", True)
    assert refused(cert_pem=key, key_pem=key)[0] == "cert_pem"
    assert refused(cert_pem=certificate, key_pem=key, client_ca_pem=key)[0] == "client_ca_pem"


def replaced(*pair, at):
    for file in pair:
        os.utime(file, (at, at))


def test_replaced_files_are_used_when_they_are_whole(authority, seconds):
    pair, noted = authority.issue(), Noted()
    certificate = Certificate("public", settings(*pair), noted)
    before = certificate.context
    certificate.files.look(next(seconds))
    assert certificate.context is before
    authority.issue("renewed", file="localhost")
    replaced(*pair, at=1_000_000)
    certificate.files.look(next(seconds))
    assert certificate.context is before  # perhaps the other file is still being written
    certificate.files.look(next(seconds))
    assert certificate.context is not before
    assert [subject for _, subject, _ in noted.loaded] == ["CN=localhost", "CN=renewed"]
    certificate.files.look(next(seconds))
    assert len(noted.loaded) == 2


def test_files_that_cannot_be_used_change_nothing_and_are_told_once(authority, seconds):
    pair, noted = authority.issue(), Noted()
    certificate = Certificate("public", settings(*pair), noted)
    before = certificate.context
    Path(pair[0]).write_text("half a file")
    for _ in range(5):
        certificate.files.look(next(seconds))
    assert certificate.context is before
    assert noted.refused_ == ["cert_pem: the file holds no PEM block (-----BEGIN …)"]


def test_told_to_it_reads_at_once(authority):
    pair, noted = authority.issue(), Noted()
    certificate = Certificate("public", settings(*pair), noted)
    authority.issue("renewed", file="localhost")
    certificate.files.reload()
    assert noted.loaded[-1][1] == "CN=renewed"


def test_the_time_that_is_left_is_a_figure(authority):
    certificate = Certificate("public", settings(*authority.issue(days=1)), Noted())
    (figure,) = certificate.figures()
    assert figure.labels == ("public",)
    assert 86_000 < figure.value <= 86_400
    expired = Certificate("public", settings(*authority.issue("old", days=-1)), Noted())
    assert next(expired.figures()).value < 0
