"""The supervisor with small programs: started in order, told about, and never left behind."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.native.plan import Bind, Plan, Probe, Root, Task, write
from deploy.native.stack import wall

ROOT = Path(__file__).parents[3]
SLEEP = "import time; time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
LISTEN = "import socket, time; time.sleep(0.3); s = socket.create_server(('127.0.0.1', 0)); time.sleep(600)"


class Supervised:
    """The supervisor as a process, its news and its orders."""

    def __init__(self, folder):
        self.folder = folder
        self.news = []
        self._queue = queue.Queue()

    def task(self, name, program=SLEEP, **changes):
        task = Task(
            name=name,
            argv=(sys.executable, "-c", program),
            environment={"PATH": os.environ["PATH"]},
            folder="/",
            root=None,
            probe=Probe(),
            after={},
            patience=10.0,
            grace=5.0,
            log=str(self.folder / f"{name}.log"),
        )
        return replace(task, **changes)

    def start(self, *tasks, spaces=(), **plan):
        file = self.folder / "plan.json"
        file.write_text(write(Plan(tasks, **plan)))
        command = [*spaces, sys.executable, "-m", "deploy.native.supervisor", str(file)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        with self.process.stdout as lines:
            for line in lines:
                self._queue.put(json.loads(line))

    def wait(self, **wanted):
        """The first news with these values."""
        end = time.monotonic() + 20
        while True:
            try:
                news = self._queue.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {wanted} in {self.news}") from None
            self.news.append(news)
            if wanted.items() <= news.items():
                return news

    def order(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def end(self):
        """Closes its stdin; how long it took to stop."""
        began = time.monotonic()
        self.process.stdin.close()
        self.process.wait(20)
        self._thread.join()
        return time.monotonic() - began


@pytest.fixture
def supervised(tmp_path):
    supervised = Supervised(tmp_path)
    yield supervised
    supervised.process.kill()
    supervised.process.wait()
    supervised._thread.join()
    if not supervised.process.stdin.closed:
        supervised.process.stdin.close()


def gone(pid):
    """Ended, whoever has to collect it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def until_gone(*pids):
    end = time.monotonic() + 10
    while not all(gone(pid) for pid in pids):
        assert time.monotonic() < end, [pid for pid in pids if not gone(pid)]
        time.sleep(0.02)


def test_all_are_stopped_when_the_order_s_end_comes(supervised):
    supervised.start(supervised.task("a"), supervised.task("b"))
    pids = [supervised.wait(event="ready", service=name)["pid"] for name in ("a", "b")]
    assert supervised.end() < 3
    assert all(gone(pid) for pid in pids)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_are_stopped_by_a_signal(supervised, number):
    supervised.start(supervised.task("a"))
    pid = supervised.wait(event="ready", service="a")["pid"]
    supervised.process.send_signal(number)
    supervised.wait(event="stopped")
    assert supervised.process.wait(10) == 0
    assert gone(pid)


def test_all_die_with_a_supervisor_that_is_killed(supervised):
    supervised.start(supervised.task("a"), supervised.task("b", STUBBORN))
    pids = [supervised.wait(event="ready", service=name)["pid"] for name in ("a", "b")]
    supervised.process.kill()
    until_gone(*pids)


def test_a_program_that_does_not_stop_is_killed_after_its_grace(supervised):
    supervised.start(supervised.task("a", STUBBORN, grace=0.3, probe=Probe()))
    pid = supervised.wait(event="ready", service="a")["pid"]
    log = supervised.folder / "a.log"
    while "up" not in log.read_text():
        time.sleep(0.01)
    assert 0.3 <= supervised.end() < 3
    assert gone(pid)


def test_a_program_that_ends_by_itself_is_told_with_its_code(supervised):
    supervised.start(supervised.task("a", "import time; time.sleep(0.5); raise SystemExit(7)"))
    assert supervised.wait(event="ended", service="a")["code"] == 7


def test_a_program_that_is_never_ready_is_told(supervised):
    never = Probe(url="http://127.0.0.1:1/")
    supervised.start(supervised.task("a", probe=never, patience=0.3), supervised.task("b", "1/0", probe=never))
    assert supervised.wait(event="failed", service="a")["why"] == "not ready in time"
    failed = {"event": "failed", "service": "b", "why": "ended"}
    assert failed in supervised.news or supervised.wait(event="failed", service="b") == failed
    assert "ZeroDivisionError" in (supervised.folder / "b.log").read_text()


def test_readiness_by_listening_and_by_a_command(supervised):
    flag = supervised.folder / "flag"
    command = (sys.executable, "-c", f"import os, sys; sys.exit(not os.path.exists({str(flag)!r}))")
    supervised.start(
        supervised.task("listens", LISTEN, probe=Probe(listens=True)),
        supervised.task("asked", probe=Probe(command=command)),
    )
    assert supervised.wait(event="ready", service="listens")["after"] >= 0.3
    assert not [news for news in supervised.news if news.get("service") == "asked"]
    flag.touch()
    supervised.wait(event="ready", service="asked")
    supervised.order(do="ports")
    told = supervised.wait(event="ports")["ports"]
    assert [address for address, _ in told["listens"]] == ["127.0.0.1"]
    assert told["asked"] == []


def test_one_waits_for_the_other(supervised):
    flag = supervised.folder / "flag"
    command = (sys.executable, "-c", f"import os, sys; sys.exit(not os.path.exists({str(flag)!r}))")
    supervised.start(
        supervised.task("second", after={"first": True}),
        supervised.task("beside", after={"first": False}),
        supervised.task("first", probe=Probe(command=command)),
    )
    supervised.wait(event="ready", service="beside")
    assert not (supervised.folder / "second.log").exists()
    flag.touch()
    supervised.wait(event="ready", service="second")
    ready = [news["service"] for news in supervised.news if news["event"] == "ready"]
    assert ready == ["beside", "first", "second"]


def test_one_can_be_stopped_and_started_again(supervised):
    tell = "import os, time; print(os.environ.get('WORD', 'none'), flush=True); time.sleep(600)"
    supervised.start(supervised.task("a", tell), supervised.task("b"))
    first = supervised.wait(event="ready", service="a")["pid"]
    supervised.order(do="stop", service="a")
    supervised.wait(event="down", service="a")
    assert gone(first)
    supervised.order(do="start", service="a", environment={"WORD": "again"})
    second = supervised.wait(event="ready", service="a")["pid"]
    end = time.monotonic() + 10
    while "again" not in (supervised.folder / "a.log").read_text():
        assert time.monotonic() < end
        time.sleep(0.02)
    supervised.order(do="signal", service="a", number=signal.SIGKILL)
    assert supervised.wait(event="ended", service="a")["code"] == -signal.SIGKILL
    assert gone(second)


def test_a_program_that_is_not_there_is_told(supervised):
    supervised.start(supervised.task("a", argv=("/no/such/program",), probe=Probe(listens=True)))
    supervised.wait(event="failed", service="a", why="ended")
    assert "/no/such/program cannot be started: No such file or directory" in (supervised.folder / "a.log").read_text()


def test_in_a_root_of_its_own_a_program_sees_what_it_was_given_alone(supervised):
    spaces = wall()
    if spaces is None:
        pytest.skip("namespaces are not allowed here")
    (supervised.folder / "given").mkdir()
    (supervised.folder / "given" / "file").write_text("content")
    (supervised.folder / "roots").mkdir()
    system = [f"/{name}" for name in ("usr", "lib", "lib64", "bin") if Path(f"/{name}").exists()]
    own = {os.path.realpath(sys.base_prefix), sys.base_prefix, sys.prefix} - {"/usr"}
    binds = (
        *(Bind(place, place, read_only=True) for place in (*system, *sorted(own))),
        Bind(str(supervised.folder / "given"), "/etc/given", read_only=True),
        Bind(str(supervised.folder / "given"), "/data/given"),
    )
    look = (
        "import os, socket; print(open('/etc/given/file').read(), sorted(os.listdir('/')), socket.gethostbyname('other'))\n"
        "open('/data/given/new', 'w').write('x')\n"
        "try: open('/etc/given/new', 'w')\n"
        "except OSError as e: print(e.strerror)\n"
        "s = socket.create_server(('127.0.0.9', 80)); s.close()\n"
        "print(open('/proc/self/net/dev').read().count(':'), flush=True)\n" + SLEEP
    )
    files = {"/etc/hosts": "127.0.0.9 other\n", "/etc/nsswitch.conf": "hosts: files\n"}
    root = Root(binds, ("/data",), files)
    task = supervised.task("a", look, root=root, folder="/data", probe=Probe())
    supervised.start(task, spaces=spaces, roots=str(supervised.folder / "roots"), network=True)
    supervised.wait(event="ready", service="a")
    end = time.monotonic() + 10
    while (text := (supervised.folder / "a.log").read_text()).count("\n") < 3:
        assert time.monotonic() < end, text
        time.sleep(0.05)
    first, second, third = text.splitlines()[:3]
    assert first.startswith("content [")
    assert "'root'" not in first or "/root" in str(own)
    assert "'work'" not in first or "/work" in str(own)
    assert first.endswith("127.0.0.9")
    assert second == "Read-only file system"
    assert third == "1", "only loopback is there"
    assert (supervised.folder / "given" / "new").read_text() == "x"
    supervised.end()
    assert list((supervised.folder / "roots").iterdir()) == [], "the mounts were the namespace's alone"
