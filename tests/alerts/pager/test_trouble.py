"""Providers that answer what nobody expects, secrets that are none, faults of our own: the others hear all the same."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from alerts.pager import pace
from alerts.pager.store import InboxUnusable
from tests.alerts.pager.notices import notice
from tests.alerts.pager.offices import hook, rendered, settled, take, until
from tests.alerts.pager.providers import Provider, Smtp

FINE = web.json_response
NESTED = b'{"errcode":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
WECOM = "{{type: wecom_app, corp_id: c, agent_id: 1, secret_file: {}, api: '{}'}}"
ROTA = "people: {ada: {phone: '+1', wecom: ada}, ben: {phone: '+2', wecom: ben}}\nrotation: {order: [ada, ben]}"


def raw(body, status=200, **headers):
    return web.Response(status=status, body=body, headers={"Content-Type": "application/json", **headers})


def token(number, _body, answer):
    """WeCom's two questions."""
    return FINE({"errcode": 0, "access_token": "T", "expires_in": 7200}) if number == 1 else answer()


@pytest.fixture
def secret(tmp_path):
    def write(text, name="secret"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


async def told_by_the_other(office, odd, quick, *, clock):
    """A channel called odd has its trouble, in words; one called quick goes on; the letter stays."""
    text = f"""
channels: {{odd: {odd}, quick: {hook(quick)}}}
routes: {{critical: [{{to: [odd, quick]}}]}}"""
    async with office(text) as one:
        take(one, notice())
        await quick.called(1)
        await until(lambda: all(each.tries for each in one.letters.of_case(1)))
        take(one, notice(), group="another")
        await quick.called(2)
        await until(lambda: not one.post._news["odd"].is_set())  # its loop goes on, too
        (letter,) = (each for each in one.letters.of_case(1) if each.channel == "odd")
        return letter, rendered(one)


def robot(answer):
    return "{{type: dingtalk, url_file: {}}}", lambda _number, _body: answer()


def app(answer):
    return WECOM, lambda number, body: token(number, body, answer)


def sms(answer):
    return "{{type: sms, url: '{1}', body: {{a: 1}}, success: {{code: OK}}}}", lambda _number, _body: answer()


@pytest.mark.parametrize(
    ("kind", "answer", "words"),
    [
        (robot, lambda: raw(NESTED), "an answer without errcode"),
        (robot, lambda: raw(b"\xff\xfe"), "an answer without errcode"),
        (robot, lambda: raw(b"[0]"), "an answer without errcode: [0]"),
        (robot, lambda: FINE({"errcode": 10**30}), "errcode 1000"),
        (robot, lambda: FINE({"errcode": 7, "errmsg": {"a": None}}), "errcode 7: {'a': None}"),
        (robot, lambda: raw(b"", 503, **{"Retry-After": "\u00b2"}), "HTTP 503"),
        (robot, lambda: raw(b"", 429, **{"Retry-After": "0"}), "HTTP 429"),
        (robot, lambda: raw(b"", 429, **{"Retry-After": "9" * 400}), "HTTP 429"),
        (app, lambda: FINE({"errcode": 0, "invaliduser": ["ada"]}), "WeCom knows no user ['ada']"),
        (app, lambda: raw(NESTED), "an answer without errcode"),
        (app, lambda: FINE({"errcode": 42001, "errmsg": "token has ended"}), "errcode 42001"),
        (sms, lambda: raw(NESTED), "the provider did not say"),
        (sms, lambda: raw(b"null"), "the provider did not say"),
    ],
)
async def test_an_odd_answer_has_words_and_stops_nobody(office, clock, tmp_path, secret, kind, answer, words):
    (tmp_path / "rota.yml").write_text(ROTA)
    form, answers = kind(answer)
    async with Provider(answers) as odd, Provider(lambda *_: FINE({})) as quick:
        letter, metrics = await told_by_the_other(
            office, form.format(secret(odd.url("/send?access_token=T")), odd.url().rstrip("/")), quick, clock=clock
        )
        assert letter.state == "waiting"
        assert words in letter.why
        assert len(odd.calls) <= 8, "asked again at once, and again, and again"
    assert 'pager_faults_total{part="channel odd"} 0.0' in metrics, "it was foreseen"


@pytest.mark.parametrize(
    "answer",
    [
        {"errcode": 0, "access_token": None},
        {"errcode": 0, "access_token": 7},
        {"errcode": 0},
        {"errcode": 0, "access_token": "T", "expires_in": None},
        {"errcode": 0, "access_token": "T", "expires_in": "7200"},
        {"errcode": 0, "access_token": "T", "expires_in": -1},
        {"errcode": 0, "access_token": "T\n", "expires_in": 7200, "errmsg": None},
    ],
)
async def test_an_odd_token_is_used_or_told(office, clock, tmp_path, secret, answer):
    (tmp_path / "rota.yml").write_text(ROTA)
    sent = []

    async def wecom(request):
        if request.path.endswith("/gettoken"):
            return FINE(answer)
        sent.append(request.query["access_token"])
        return FINE({"errcode": 0, "errmsg": None, "invaliduser": None})

    server = web.Application()
    server.router.add_route("*", "/{path:.*}", wecom)
    async with TestServer(server) as odd, Provider(lambda *_: FINE({})) as quick:
        form = WECOM.format(secret("key"), str(odd.make_url("")).rstrip("/"))
        letter, _ = await told_by_the_other(office, form, quick, clock=clock)
        if answer.get("access_token") in (None, 7):
            assert (letter.state, letter.why) == ("waiting", "WeCom gave no access token")
        else:
            assert sent[0] == answer["access_token"]


@pytest.mark.parametrize("content", ["to\x00ken", "\x1b[2J", "to\u2028ken"])
async def test_a_secret_that_no_header_can_hold_is_told(office, clock, tmp_path, secret, content):
    (tmp_path / "rota.yml").write_text(ROTA)
    async with Provider(lambda *_: FINE({})) as odd, Provider(lambda *_: FINE({})) as quick:
        file = secret(content, "token")
        form = f"{{type: sms, url: '{odd.url()}', body: {{}}, token_file: {file}}}"
        if content == "to\u2028ken":  # odd, and no control character
            await told_by_the_other_at_once(office, form, quick)
            return
        letter, metrics = await told_by_the_other(office, form, quick, clock=clock)
    assert letter.why == f"odd: {file} holds a control character"
    assert content not in letter.why
    assert odd.calls == []
    assert 'pager_channel_calls_total{channel="odd",result="refused"} ' in metrics


async def told_by_the_other_at_once(office, form, quick):
    async with office(f"channels: {{odd: {form}, quick: {hook(quick)}}}\nroutes: {{c: [{{to: [odd, quick]}}]}}") as one:
        take(one, notice(), route="c")
        await settled(one)


async def test_a_fault_of_our_own_is_counted_and_tried_again_later(office, clock, monkeypatch, caplog):
    async with Provider(lambda *_: FINE({})) as quick, Provider(lambda *_: FINE({})) as odd:
        text = f"channels: {{odd: {hook(odd)}, quick: {hook(quick)}}}\nroutes: {{critical: [{{to: [odd, quick]}}]}}"
        async with office(text) as one:
            channel = one.post._channels["odd"]
            real = type(channel).verdict

            def verdict(self, answer):
                if self is channel:
                    raise KeyError("https://provider/?access_token=SECRET")
                return real(self, answer)

            with monkeypatch.context() as broken:
                broken.setattr(type(channel), "verdict", verdict)
                take(one, notice())
                await quick.called(1)
                why = await until(lambda: next(each.why for each in one.letters.of_case(1) if each.channel == "odd"))
                assert why.startswith("a fault of the pager: KeyError in ")
                assert 'pager_faults_total{part="channel odd"} 1.0' in rendered(one)
            clock.now += 60
            one.post.wake()
            await settled(one)
    assert "a fault in channel odd: KeyError" in caplog.text
    assert "SECRET" not in caplog.text + why


async def test_a_letter_that_cannot_be_read_holds_up_its_own_channel_only(office, monkeypatch):
    monkeypatch.setattr("alerts.pager.post._FAULT_AGAIN", 0.02)
    async with Provider(lambda *_: FINE({})) as quick:
        text = f"channels: {{odd: {hook(quick)}, quick: {hook(quick)}}}\nroutes: {{critical: [{{to: [odd, quick]}}]}}"
        async with office(text) as one:
            with one.post._store.writing() as database:
                database.execute(
                    "INSERT INTO letters VALUES (NULL, 9, 'odd', '', '{', 0, 0, 0, 'waiting', '', 0, 0, '')"
                )
            take(one, notice())
            await quick.called(1)
            await until(lambda: 'pager_faults_total{part="channel odd"} 0.0' not in rendered(one))
            with one.post._store.writing() as database:
                database.execute("DELETE FROM letters WHERE case_number = 9")
            await until(lambda: len(quick.calls) == 2)


async def test_a_case_that_has_a_fault_stops_no_other(office, clock):
    async with Provider(lambda *_: FINE({})) as provider:
        text = f"channels: {{h: {hook(provider)}}}\nroutes: {{critical: [{{to: [h]}}, {{after: 5m, to: [h]}}]}}"
        async with office(text) as one:
            for group in ("a", "b", "c"):
                take(one, notice(), group=group)
            await settled(one)
            one.cases._change(2, message="{")
            heard = len(provider.calls)
            clock.now += 300
            one.post.wake()
            await until(lambda: sum(len(call["cases"]) for call in provider.calls[heard:]) == 2)
            assert 'pager_faults_total{part="escalation"} 0.0' not in rendered(one)
            assert [case.steps for case in one.cases.open()] == [2, 1, 2]


@pytest.mark.parametrize("letters", [25, 250])
async def test_many_letters_and_a_provider_that_fails_are_few_calls(office, clock, tmp_path, letters):
    """More than go into one call, for a day, with a restart: no letter is left behind, and none is asked about at once."""
    (tmp_path / "url").write_text("")
    async with Provider(lambda *_: FINE({"errcode": 130101, "errmsg": "too fast"})) as chat:
        (tmp_path / "url").write_text(chat.url("/robot/send?access_token=T"))
        text = f"channels: {{chat: {{type: dingtalk, url_file: {tmp_path / 'url'}}}}}\nroutes: {{critical: [{{to: [chat]}}]}}"
        async with office(text) as one:
            with one.post._store.writing():
                for number in range(letters):
                    take(one, notice(), group=f"g{number}")
            await until(lambda: all(one.letters.of_case(case)[0].why for case in (1, letters)))
            assert len(chat.calls) == 1
        async with office(text) as two:
            for _ in range(20):
                clock.now += 600
                heard = len(chat.calls)
                two.post.wake()
                await chat.called(heard + 1)
                await until(lambda: two.letters.next_due("chat") > clock.now)
            assert len(chat.calls) == 21
            assert {two.letters.of_case(case)[0].tries for case in (1, 21, letters)} == {21}


@pytest.mark.parametrize("failures", [0, 1, 5, 2000, 10**9])
def test_a_pause_has_an_end_however_often_it_failed(failures):
    assert pace.again(failures, 0) <= 60
    assert pace.again(failures, 600) == 600


async def test_tries_that_were_written_by_a_pager_in_trouble_end_nothing(office, clock):
    async with Provider(lambda number, _: FINE({}, status=503 if number == 1 else 200)) as provider:
        text = f"channels: {{h: {hook(provider)}}}\nroutes: {{critical: [{{to: [h]}}]}}"
        async with office(text) as one:
            with one.post._store.writing() as database:
                take(one, notice())
                database.execute("UPDATE letters SET tries = 1025")
                database.execute("INSERT INTO pauses VALUES ('h', 0, 1025)")
            await provider.called(1)
            await until(lambda: one.letters.of_case(1)[0].why)
            clock.now += 61
            one.post.wake()
            await settled(one)


async def test_every_call_counts_also_one_that_failed(office, clock):
    """New letters do not make new calls: neither beyond the limit nor while the provider has its pause."""
    async with Provider(lambda *_: FINE({}, status=400)) as provider:
        text = f"channels: {{h: {hook(provider, limit=3)}}}\nroutes: {{critical: [{{to: [h]}}]}}"
        async with office(text) as one:
            for number in range(6):
                take(one, notice(), group=f"g{number}")
                await until(lambda: len(provider.calls) == min(number + 1, 3))
            assert one.calls.free_at("h", 3, clock.now) == clock.now + 61
    async with Provider(lambda *_: FINE({}, status=503)) as provider:
        text = f"channels: {{i: {hook(provider)}}}\nroutes: {{critical: [{{to: [i]}}]}}"
        async with office(text) as one:
            take(one, notice(), group="a")
            await until(lambda: one.calls.free_at("i", 0, clock.now) == clock.now + 15)
            for number in range(5):
                take(one, notice(), group=f"n{number}")
                await until(lambda: not one.post._news["i"].is_set())
            assert len(provider.calls) == 1
            clock.now += 15
            one.post.wake()
            await provider.called(2)
            await until(lambda: one.calls.free_at("i", 0, clock.now) == clock.now + 15)
            for expected in (20, 40, 60, 60):
                clock.now = one.calls.free_at("i", 0, clock.now)
                heard = len(provider.calls)
                one.post.wake()
                await provider.called(heard + 1)
                await until(lambda: one.calls.free_at("i", 0, clock.now) == clock.now + expected)
            assert len(provider.calls[-1]["cases"]) == 6


async def test_a_message_that_a_provider_cannot_bear_holds_up_no_other(office, clock):
    def answers(_number, body):
        return FINE({}, status=400 if any(case["severity"] == "poison" for case in body["cases"]) else 200)

    async with Provider(answers) as provider:
        text = f"gather: 1s\nchannels: {{h: {hook(provider)}}}\nroutes: {{critical: [{{to: [h]}}]}}"
        async with office(text) as one:
            for number in range(20):
                take(one, notice(severity="poison" if number == 7 else "critical"), group=f"g{number}")
            for _ in range(30):
                clock.now += 1
                one.post.wake()
                await until(lambda: not one.post._news["h"].is_set() and one.letters.next_due("h") > clock.now)
            assert one.letters.waiting() == 1
            calls = len(provider.calls)
            assert calls <= 16
            take(one, notice(), group="later")
            clock.now += 30
            one.post.wake()
            await until(lambda: one.letters.waiting() == 1)
            assert "later" in provider.calls[calls]["cases"][0]["key"]


async def test_a_refusal_that_ends_is_one_message_again(office, clock):
    """A password that was wrong is put right: what was refused piece by piece goes out together."""
    right = []
    async with Provider(lambda *_: FINE({}, status=200 if right else 401)) as provider:
        text = f"gather: 1s\nchannels: {{h: {hook(provider)}}}\nroutes: {{critical: [{{to: [h]}}]}}"
        async with office(text) as one:
            for number in range(30):
                take(one, notice(), group=f"g{number}")
            for _ in range(60):
                clock.now += 1
                one.post.wake()
                await until(lambda: not one.post._news["h"].is_set() and one.letters.next_due("h") > clock.now)
            right.append(True)
            heard = len(provider.calls)
            clock.now += 300
            one.post.wake()
            await settled(one)
            assert len(provider.calls) - heard <= 2


async def test_one_persons_full_mailbox_is_nobody_elses(office, clock):
    async with Smtp([b"452 full", b"250 ok"]) as smtp:
        text = f"""
channels: {{mail: {{type: mail, host: 127.0.0.1, port: {smtp.port}, tls: none, sender: a@b}}}}
routes: {{critical: [{{to: [mail], whom: everybody}}]}}"""
        async with office(text) as one:
            take(one, notice())
            await smtp.delivered(1)
            await settled(one, 1)


async def test_a_disk_that_fails_after_the_providers_yes_makes_no_second_call(office, monkeypatch):
    async with Provider(lambda *_: FINE({})) as provider:
        text = f"channels: {{h: {hook(provider)}}}\nroutes: {{critical: [{{to: [h]}}]}}"
        async with office(text) as one:
            failures = []

            def sent(*_):
                failures.append(1)
                raise InboxUnusable("full")

            with monkeypatch.context() as full:
                full.setattr("alerts.pager.post._DISK_AGAIN", 0.02)
                full.setattr(one.letters, "sent", sent)
                take(one, notice())
                await until(lambda: len(failures) == 2)
            await settled(one)
    assert len(provider.calls) == 1


async def test_an_answer_in_pieces_is_read_to_its_end(office, secret):
    async def pieces(request):
        answer = web.StreamResponse()
        await answer.prepare(request)
        for piece in (b'{"errc', b'ode"', b": 0}"):
            await answer.write(piece)
            await asyncio.sleep(0.01)
        return answer

    server = web.Application()
    server.router.add_post("/", pieces)
    async with TestServer(server) as there:
        file = secret(str(there.make_url("/")))
        text = f"channels: {{chat: {{type: dingtalk, url_file: {file}}}}}\nroutes: {{critical: [{{to: [chat]}}]}}"
        async with office(text) as one:
            take(one, notice())
            await settled(one)
            assert one.letters.of_case(1)[0].tries == 1
