"""TLS to a real backend: whom we believe, what we show, which name we expect."""

import os
import ssl
from itertools import count
from pathlib import Path

import pytest
from cryptography import x509

from observability.observers.outside import SilentOutsideObserver
from service.outside.failures import OutsideFailed
from service.outside.http_client import HttpClient, HttpQuestion
from service.outside.pem import BadCertificate
from service.outside.tls import ClientTls, CurrentTls, secured
from tests.service.connections.authority import Authority
from tests.service.outside.backend import Backend

SECONDS = count(100.0)  # of looks at the files, one after the other


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


class Noted(SilentOutsideObserver):
    def __init__(self):
        self.loaded, self.refused = [], []

    def certificate_loaded(self, dependency, what, expires_in):
        self.loaded.append((dependency, what, round(expires_in / 86_400)))

    def certificate_refused(self, dependency, why):
        self.refused.append((dependency, why))


def serving(authority, name="localhost", *, asks_for_a_certificate=False, **more):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.issue(name, file="backend", **more))
    if asks_for_a_certificate:
        context.load_verify_locations(cadata=authority.pem)
        context.verify_mode = ssl.CERT_REQUIRED
    return Backend(context)


async def ask(backend, settings):
    client = HttpClient("1")
    backend.says("/x", b"1")
    tls = None if settings is None else secured(settings)
    try:
        return await client.ask(HttpQuestion("POST", backend.address + "/x", {}, b"{}", tls), 5)
    finally:
        await client.close()


async def failure(backend, settings):
    with pytest.raises(OutsideFailed) as caught:
        await ask(backend, settings)
    assert caught.value.result == "unreachable"
    return str(caught.value)


async def test_only_who_was_signed_by_the_authority_is_believed(authority, tmp_path):
    async with serving(authority) as backend:
        assert await ask(backend, ClientTls(server_ca_pem=str(authority.file))) == b"1"
        assert await failure(backend, None) == "no TLS: unable to get local issuer certificate"
        other = Authority(tmp_path, "other")
        assert "no TLS: " in await failure(backend, ClientTls(server_ca_pem=other.pem))
        assert len(backend.asked) == 1, "nothing was asked of somebody who is not believed"


async def test_the_name_may_be_another_than_the_address_s(authority):
    names = [x509.DNSName("hooks.internal")]
    async with serving(authority, "hooks", san=names) as backend:
        assert "IP address mismatch" in await failure(backend, ClientTls(server_ca_pem=authority.pem))
        expecting = ClientTls(server_ca_pem=authority.pem, server_name="hooks.internal")
        assert await ask(backend, expecting) == b"1"


async def test_a_certificate_is_shown_to_a_backend_that_asks_for_one(authority):
    async with serving(authority, asks_for_a_certificate=True) as backend:
        certificate, key = authority.issue("heliograph")
        shown = ClientTls(server_ca_pem=authority.pem, cert_pem=certificate, key_pem=key)
        assert await ask(backend, shown) == b"1"
        await failure(backend, ClientTls(server_ca_pem=authority.pem))


async def test_a_trial_may_believe_everybody(authority):
    async with serving(authority) as backend:
        assert await ask(backend, ClientTls(insecure_skip_verify=True)) == b"1"


def test_half_a_pair_and_files_that_are_not_there_are_told(authority):
    certificate, key = authority.issue()
    for settings, option in (
        (ClientTls(cert_pem=certificate), "key_pem"),
        (ClientTls(key_pem=key), "cert_pem"),
        (ClientTls(server_ca_pem="/nowhere"), "server_ca_pem"),
    ):
        with pytest.raises(BadCertificate) as caught:
            secured(settings)
        assert caught.value.option == option


def test_old_versions_are_not_spoken(authority):
    for settings in (ClientTls(), ClientTls(server_ca_pem=authority.pem)):
        assert secured(settings).context.minimum_version == ssl.TLSVersion.TLSv1_2


TIMES = count(1_000_000)


def replace(*files, by=None):
    """With a time of their own, however fast this goes."""
    for file in files:
        if by is not None:
            Path(file).write_text(by)
        os.utime(file, (seconds := next(TIMES), seconds))


def test_what_is_in_use_is_told_with_the_days_that_are_left(authority):
    certificate, key = authority.issue("heliograph", days=7)
    noted = Noted()
    for settings in (
        ClientTls(server_ca_pem=authority.pem),
        ClientTls(server_ca_pem=authority.pem, cert_pem=certificate, key_pem=key),
        ClientTls(cert_pem=certificate, key_pem=key),
        ClientTls(server_name="a"),
    ):
        CurrentTls("billing", settings, noted)
    believed, shown = "believes CN=authority", "shows CN=heliograph"
    assert noted.loaded == [
        ("billing", believed, 1), ("billing", f"{believed}, {shown}", 1), ("billing", shown, 7),
    ]  # fmt: skip


async def test_replaced_files_are_used_by_new_connections_when_they_are_whole(authority, tmp_path):
    noted = Noted()
    certificate, key = authority.issue("heliograph")
    settings = ClientTls(server_ca_pem=str(authority.file), cert_pem=certificate, key_pem=key)
    current = CurrentTls("default", settings, noted)
    other = Authority(tmp_path, "other")
    client = HttpClient("1")
    async with (
        serving(authority, asks_for_a_certificate=True) as before,
        serving(other, asks_for_a_certificate=True) as after,
    ):

        async def asked(backend):
            backend.says("/x", b"1")
            return await client.ask(HttpQuestion("POST", backend.address + "/x", {}, b"{}", current.secured), 5)

        assert await asked(before) == b"1"
        other.issue("renewed", file="heliograph")
        replace(authority.file, by=other.pem)
        replace(certificate, key)
        current.files.look(next(SECONDS))
        assert await asked(before) == b"1", "perhaps another file is still being written"
        current.files.look(next(SECONDS))
        assert await asked(after) == b"1"
        assert (before.shown, after.shown) == (["heliograph"], ["renewed"])
        with pytest.raises(OutsideFailed, match="no TLS"):
            await asked(before)
    await client.close()
    assert [what for _, what, _ in noted.loaded] == [
        "believes CN=authority, shows CN=heliograph",
        "believes CN=other, shows CN=renewed",
    ]


async def test_files_that_cannot_be_used_change_nothing_and_are_told_once(authority):
    noted = Noted()
    certificate, key = authority.issue("heliograph")
    settings = ClientTls(server_ca_pem=str(authority.file), cert_pem=certificate, key_pem=key)
    current = CurrentTls("default", settings, noted)
    used = current.secured
    for file, option in ((certificate, "cert_pem"), (key, "key_pem"), (authority.file, "server_ca_pem")):
        whole = Path(file).read_text()
        replace(file, by="half a file")
        for _ in range(5):
            current.files.look(next(SECONDS))
        assert noted.refused.pop() == ("default", f"{option}: the file holds no PEM block (-----BEGIN …)")
        replace(file, by=whole)
        for _ in range(5):
            current.files.look(next(SECONDS))
        assert current.secured is not used, "what is whole again is used"
        used = current.secured
    os.remove(authority.file)
    current.files.reload()
    assert noted.refused == [("default", "server_ca_pem: the file cannot be read: No such file or directory")]
    assert current.secured is used
