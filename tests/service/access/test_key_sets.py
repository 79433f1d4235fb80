"""Key sets: rotation, one fetch for all, bounded asking, and an endpoint that is gone."""

import asyncio

import pytest

from service.access.key_sets import KeySets
from service.access.refusals import InvalidToken, KeysUnavailable
from tests.service.access import key_pairs

ADDRESS = "https://id.example/keys"


class Issuer:
    """An endpoint that counts how often it is asked; the test says what it answers, and when."""

    def __init__(self, *kids):
        self.now = 1000.0
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.told = []
        self.offers(*kids)
        self.sets = KeySets(
            self.fetch,
            ttl=3600,
            stale_limit=86400,
            told=self.told.append,
            now=lambda: self.now,
        )

    def offers(self, *kids):
        self.answer = key_pairs.body(*(key_pairs.jwk("ES256", kid) for kid in kids))

    async def fetch(self, address):
        self.asked += 1
        answer = self.answer
        await self.gate.wait()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def key(self, kid, address=ADDRESS):
        found = self.sets.key(address, kid)
        return await found if asyncio.iscoroutine(found) else found


async def test_a_known_key_is_there_at_once():
    issuer = Issuer("one")
    first = await issuer.key("one")
    assert issuer.sets.key(ADDRESS, "one") is first  # no awaitable
    assert (issuer.asked, issuer.told) == (1, [1])


async def test_a_rotated_key_is_found_and_the_old_one_ends():
    issuer = Issuer("old")
    await issuer.key("old")
    issuer.offers("new")
    issuer.now += 60
    assert (await issuer.key("new")).algorithms == ("ES256",)
    issuer.now += 60
    with pytest.raises(InvalidToken) as refusal:
        await issuer.key("old")
    assert refusal.value.cause == "unknown_key"
    assert issuer.asked == 3


async def test_a_set_is_asked_for_again_when_its_time_is_over():
    issuer = Issuer("one")
    await issuer.key("one")
    issuer.now += 3599
    await issuer.key("one")
    assert issuer.asked == 1
    issuer.now += 1
    await issuer.key("one")
    assert issuer.asked == 2


async def test_one_fetch_serves_all_who_wait():
    issuer = Issuer("one")
    issuer.gate.clear()
    waiting = [asyncio.ensure_future(issuer.key("one")) for _ in range(50)]
    await asyncio.sleep(0)
    issuer.gate.set()
    assert len({id(key) for key in await asyncio.gather(*waiting)}) == 1
    assert issuer.asked == 1


async def test_a_fetch_that_is_abandoned_is_taken_up_by_the_next():
    issuer = Issuer("one")
    issuer.gate.clear()
    first = asyncio.ensure_future(issuer.key("one"))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(issuer.key("one"))
    await asyncio.sleep(0)
    first.cancel()
    issuer.gate.set()
    assert (await second).algorithms == ("ES256",)
    assert issuer.asked == 2


async def test_strangers_cannot_make_us_ask_all_the_time():
    issuer = Issuer("one")
    for number in range(100):
        with pytest.raises((InvalidToken, KeysUnavailable)):
            await issuer.key(f"made-up-{number}")
    assert issuer.asked == 1
    assert (await issuer.key("one")).algorithms == ("ES256",)


async def test_a_key_that_may_be_newer_than_the_set_is_no_lie():
    """Between two attempts nobody can say: the client comes again, and then it is found."""
    issuer = Issuer("old")
    await issuer.key("old")
    issuer.offers("old", "new")
    issuer.now += 1
    with pytest.raises(KeysUnavailable):
        await issuer.key("new")
    issuer.now += 5
    await issuer.key("new")


async def test_old_keys_go_on_until_the_limit_while_nobody_answers():
    issuer = Issuer("one")
    await issuer.key("one")
    issuer.answer = KeysUnavailable("gone")
    issuer.now += 4000
    await issuer.key("one")
    await issuer.key("one")  # within the pause: no second attempt
    assert issuer.asked == 2
    issuer.now += 86400
    for _ in range(2):
        with pytest.raises(KeysUnavailable):
            await issuer.key("one")
    assert issuer.asked == 3


async def test_an_endpoint_that_never_answered_is_no_fault_of_the_token():
    issuer = Issuer()
    issuer.answer = KeysUnavailable("gone")
    for _ in range(2):
        with pytest.raises(KeysUnavailable):
            await issuer.key("one")
    assert issuer.asked == 1


async def test_garbage_does_not_replace_keys():
    issuer = Issuer("one")
    await issuer.key("one")
    issuer.answer = b"<html>"
    issuer.now += 4000
    assert (await issuer.key("one")).algorithms == ("ES256",)
    with pytest.raises(KeysUnavailable):
        await issuer.key("two")


async def test_the_keys_of_one_issuer_count_for_no_other():
    issuer = Issuer("one")
    await issuer.key("one", "https://a.example")
    issuer.answer = key_pairs.body(key_pairs.jwk("ES256", "two"))
    with pytest.raises(InvalidToken):
        await issuer.key("one", "https://b.example")


async def test_endpoints_out_of_tokens_are_bounded_and_good_sets_stay():
    issuer = Issuer("one")
    await issuer.key("one")
    issuer.answer = KeysUnavailable("gone")
    for number in range(200):
        with pytest.raises(KeysUnavailable):
            await issuer.key("one", f"https://{number}.example")
    assert len(issuer.sets._sets) == 64
    assert issuer.sets.key(ADDRESS, "one")


async def test_a_token_without_kid_is_refused_without_asking():
    issuer = Issuer("one")
    with pytest.raises(InvalidToken):
        issuer.sets.key(ADDRESS, "")
    assert issuer.asked == 0
