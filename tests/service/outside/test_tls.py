"""TLS to a real backend: whom we believe, what we show, which name we expect."""

import ssl

import pytest
from cryptography import x509

from service.outside.failures import OutsideFailed
from service.outside.http_client import HttpClient, HttpQuestion
from service.outside.pem import BadCertificate
from service.outside.tls import ClientTls, secured
from tests.service.connections.authority import Authority
from tests.service.outside.backend import Backend


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


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
