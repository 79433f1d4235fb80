"""What the SDKs make of a backend's `disconnect`: codes say who stays away, and the JavaScript SDK wants a reason as well."""

import asyncio

import pytest

from tests.e2e.served import token
from tests.sdk.clients import JavaScript

pytestmark = pytest.mark.sdk


async def disconnected_with(sdk, server, **disconnect):
    user = f"user-{sdk.name}-{disconnect['code']}"
    await sdk.connect(server.url, token(user))
    await sdk.expect("connected")
    await asyncio.to_thread(server.api, "disconnect", user=user, disconnect=disconnect)


@pytest.mark.parametrize("code", [3500, 4500, 4999])
async def test_who_is_to_stay_away_does(sdk, server, code):
    await disconnected_with(sdk, server, code=code, reason="banned")
    ended = await sdk.expect("disconnected")
    assert (ended["code"], ended["reason"]) == (code, "banned")


@pytest.mark.parametrize("code", [3001, 4000, 4499])
async def test_who_may_come_back_does(sdk, server, code):
    await disconnected_with(sdk, server, code=code, reason="elsewhere")
    left = await sdk.expect("connecting", code=code)
    assert left["reason"] == "elsewhere"
    await sdk.expect("connected")


async def test_a_code_without_a_reason(sdk, server):
    """The frame is Centrifugo's, code by code; the JavaScript SDK looks at a close code only beside a reason."""
    await disconnected_with(sdk, server, code=4501)
    if isinstance(sdk, JavaScript):
        await sdk.expect("connecting", code=4501)
        await sdk.expect("connected")
    else:
        assert (await sdk.expect("disconnected"))["code"] == 4501
