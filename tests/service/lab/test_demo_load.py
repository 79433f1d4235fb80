"""The demonstration's load against the real server: everything that it does is seen in the server's figures."""

import asyncio
import contextlib
import time

import pytest

from service.lab import demo_load
from service.lab.demo_load import Load, LoadSettings
from tests.e2e.served import KEY, RECOVERABLE, SECRET, Served, configuration

QUICK = {"cut_every": 0.2, "leave_every": 0.3, "mistake_every": 0.2, "nap_every": 0.5, "report_every": 0.5}


@pytest.fixture
def served(tmp_path):
    with Served(tmp_path, configuration(channel__without_namespace=RECOVERABLE)) as server:
        yield server


@contextlib.asynccontextmanager
async def running(served, **changes):
    load = Load(LoadSettings(f"http://127.0.0.1:{served.port}", KEY, SECRET, **changes))
    task = asyncio.create_task(load.run())
    try:
        yield load
        assert not task.done(), "it goes on for ever"
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert asyncio.all_tasks() == {asyncio.current_task()}, "nothing of it is left"


async def until(ask, patience=20.0, what="it"):
    """The answer of ``ask``, asked off the loop, once it is true."""
    end = time.monotonic() + patience
    while not (answer := await asyncio.to_thread(ask)):
        assert time.monotonic() < end, f"{what} did not become true"
        await asyncio.sleep(0.1)
    return answer


@pytest.mark.slow
async def test_everything_that_a_board_shows_moves(served, monkeypatch):
    # The napping reader's own client takes 128 KiB more: however slowly a busy machine publishes, a nap is longer than that.
    monkeypatch.setattr(demo_load, "_HEAVY_BYTES", 64 * 1024)

    def moved(name, **labels):
        return served.figure(f"heliograph_{name}", **labels) > 0

    wanted = [
        ("publications_total", {"via": "api"}),
        ("publications_total", {"via": "client"}),
        ("messages_delivered_total", {}),
        ("connections_closed_total", {"cause": "network_lost"}),
        ("connections_closed_total", {"cause": "client_closed"}),
        ("connections_closed_total", {"cause": "invalid_token"}),
        ("recoveries_total", {"result": "recovered"}),
        ("upgrades_total", {"result": "bad_request"}),
        ("backlog_messages", {}),
        ("message_receive_seconds_count", {}),
        ("client_disconnects_total", {"seen": "transport_closed"}),
    ]
    async with running(served, clients=10, publications=40.0, **QUICK):
        for name, labels in wanted:
            await until(lambda name=name, labels=labels: moved(name, **labels), what=f"{name} {labels}")
    assert served.figure("heliograph_errors_total") == 0, "everyday is no error of ours"
    assert served.figure("heliograph_publish_errors_total") == 0


@pytest.mark.slow
async def test_it_outlives_the_server(served):
    quiet = {"cut_every": 0.0, "leave_every": 0.0, "mistake_every": 0.0}
    async with running(served, clients=5, publications=20.0, **quiet) as load:
        await until(lambda: served.figure("heliograph_connections") >= 6)
        served.kill()
        await until(lambda: load.tally.failed)
        served.start()
        await until(lambda: served.figure("heliograph_connections") >= 6)
        await until(lambda: served.figure("heliograph_messages_delivered_total") > 0)


def test_key_and_secret_are_those_of_the_server_s_folder(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(demo_load.asyncio, "run", lambda work: (seen.append(work), work.close()))
    (tmp_path / "api_key").write_text("the-key\n")
    (tmp_path / "token_secret").write_text("the-secret\n")
    demo_load.main(["--keys", str(tmp_path), "--server", "http://there:8000/", "--clients", "3"])
    assert len(seen) == 1
    assert demo_load._kept(tmp_path) == ("the-key", "the-secret")


def test_a_folder_without_keys_is_named(tmp_path):
    with pytest.raises(SystemExit, match="api_key: No such file or directory; is the server's folder here"):
        demo_load._kept(tmp_path, patience=0.0)
