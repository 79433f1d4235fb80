"""Certificates and keys: the three forms, and a sentence for what is none."""

import base64
import ssl
from pathlib import Path

import pytest

from service.outside.pem import BadCertificate, pem, show, trust
from tests.service.connections.authority import Authority


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def refused(act, *arguments):
    with pytest.raises(BadCertificate) as caught:
        act(*arguments)
    return caught.value.option, str(caught.value)


def test_a_path_a_text_and_its_base64_form(authority):
    text = authority.pem
    assert {pem("x", form) for form in (str(authority.file), text, base64.b64encode(text.encode()).decode())} == {text}


def test_what_is_none_is_told(authority, tmp_path):
    (tmp_path / "empty").write_text("nothing")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    assert refused(pem, "a", "") == ("a", "is needed when TLS is enabled")
    assert refused(pem, "a", str(tmp_path / "empty")) == ("a", "the file holds no PEM block (-----BEGIN …)")
    assert refused(pem, "a", str(tmp_path / "bytes")) == ("a", "the file cannot be read: not a text")
    assert refused(pem, "a", "/nowhere")[1] == "the file cannot be read: No such file or directory"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    assert refused(trust, context, "a", "-----BEGIN nonsense")[0] == "a"


def test_a_certificate_is_shown_with_its_own_key(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    certificate, key = (Path(file).read_text() for file in authority.issue())
    _, other = (Path(file).read_text() for file in authority.issue("other"))
    show(context, certificate, key)
    assert refused(show, context, certificate, other) == ("key_pem", "the key does not belong to the certificate")


def test_nothing_is_left_in_a_file(authority):
    """The key is read from memory, by a file without a name."""
    before = set(Path("/proc/self/fd").iterdir())
    certificate, key = (Path(file).read_text() for file in authority.issue())
    show(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certificate, key)
    assert set(Path("/proc/self/fd").iterdir()) == before
