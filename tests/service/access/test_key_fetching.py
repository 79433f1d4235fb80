"""Key sets over HTTP."""

import pytest

from observability import names
from service.access.key_fetching import KeyFetcher
from service.access.refusals import KeysUnavailable
from service.outside.http_client import HttpClient
from tests.service.outside.backend import Backend


async def test_a_set_is_fetched_and_what_is_none_is_said(telemetry):
    client = HttpClient("1")
    fetcher = KeyFetcher(client.ask, telemetry.telemetry.outside)
    async with Backend() as issuer:
        issuer.says("/keys", b"{}", 500)
        assert await fetcher(issuer.address + "/keys") == b"{}"
        with pytest.raises(KeysUnavailable) as refusal:
            await fetcher(issuer.address + "/keys")
    await client.close()
    assert str(refusal.value) == "the key set cannot be had: status 500 instead of 200"
    assert telemetry.value(names.OUTSIDE_CALLS, "jwks", "jwks", "done") == 1
    assert telemetry.line("outside.failed")["dependency"] == "jwks"
    assert {figure.labels[0] for figure in fetcher.figures()} == {"jwks"}
