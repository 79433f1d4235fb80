"""A real Alertmanager and the pager as a process of its own, with the example's channels and routes, beside providers."""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from alerts.lab import PACE
from alerts.pager import duty
from deploy.native import quick
from deploy.native.programs import find
from faults.providers.town import Town

ROOT = Path(__file__).parents[3]
ALWAYS = [{"start_time": "00:00", "end_time": "24:00"}]
EVERY_DAY = ["sunday:saturday"]
#: The example's addresses, which are nobody's, and where they lead here.
SECRETS = "/run/secrets"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def asked(url, body=None, patience=10.0):
    """The text of an answer."""
    kind = {"Content-Type": "application/json"} if body is not None else {}
    data = json.dumps(body).encode() if body is not None else None
    with urllib.request.urlopen(urllib.request.Request(url, data, kind), timeout=patience) as answer:
        return answer.read().decode()


def until(ask, patience=20.0):
    """The first true answer; whoever cannot be reached has none."""
    end = time.monotonic() + patience
    while True:
        try:
            if answer := ask():
                return answer
        except OSError:
            pass
        assert time.monotonic() < end, f"after {patience:.0f} s {ask} was not true"
        time.sleep(0.05)


def pager_settings(town: Town, secrets: Path, pace: float) -> str:
    """The example with these providers in the place of those that it names."""
    text = (ROOT / "alerts" / "pager.example.yml").read_text().replace(SECRETS, str(secrets))
    tree = yaml.safe_load(text)
    channels = tree["channels"]
    channels["wecom"]["api"] = town.url("")
    channels["sms"]["url"] = town.url("/v1/messages")
    channels["phone"]["url"] = town.url("/v1/calls")
    channels["mail"] |= {"host": "localhost", "port": town.mail.port}
    channels["duty"]["url"] = town.url("/v2/enqueue")
    channels["own"]["url"] = town.url("/alerts")
    if pace > 1:
        tree["gather"] = "0.1s"
    del tree["watchdog"]  # no Prometheus here that could be silent
    for route in tree["routes"].values():
        for step in route:
            if "after" in step:
                step["after"] = f"{_seconds(step['after']) / pace:g}s"
    return yaml.safe_dump(tree, sort_keys=False)


def _seconds(duration):
    number, unit = re.fullmatch(r"(\d+)(s|m|h)", duration).groups()
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]


def alertmanager_settings(pager_port: int, pace: float, hours=None) -> str:
    """The project's own file: where the pager is, its waits at this pace, and the working hours (else always)."""
    text = (ROOT / "alerts" / "alertmanager.yml").read_text()
    text = quick.waits(text, pace).replace("http://pager:9099", f"http://127.0.0.1:{pager_port}")
    tree = yaml.safe_load(text)
    for interval in tree["time_intervals"]:
        if interval["name"] == "working hours":
            interval["time_intervals"][0] |= {"times": hours or ALWAYS, "weekdays": EVERY_DAY}
        else:
            interval["time_intervals"][0] |= {"years": ["1999"]}  # no holiday today
    return yaml.safe_dump(tree, sort_keys=False)


def rota_settings() -> str:
    """The example's, with its hand-over half a day from now: whoever is on duty stays so while a story is told."""
    tree = yaml.safe_load((ROOT / "alerts" / "rota.example.yml").read_text())
    there = datetime.now(ZoneInfo(tree["time_zone"])) + timedelta(hours=12)
    tree["rotation"]["at"] = minutes(there)
    del tree["overrides"]
    return yaml.safe_dump(tree, sort_keys=False)


class House:
    """``with House(…) as house:`` runs all three; ``pace`` 1 is that of production, also of letters that gather.

    ``certificate``: the mail server's, and its key; ``trusted``: who signed it.
    """

    def __init__(self, folder: Path, trusted: Path, certificate, *, pace: float = PACE, hours=None) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._trusted = str(trusted)
        self._rota = folder / "rota.yml"
        self._rota.write_text(rota_settings())
        self.duty = duty.load(self._rota).on_duty(datetime.now(UTC))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self.town = Town(context, users=frozenset({"ada", "ben", "chi"}))
        self.book = self.town.book
        self._pace, self._hours = pace, hours
        self._ports = [free_port(), free_port()]
        self._manager: subprocess.Popen | None = None
        self._pager: subprocess.Popen | None = None
        self.posted: dict[str, float] = {}

    def __enter__(self):
        self.town.__enter__()
        try:
            secrets = self.town.secrets(self._folder / "secrets")
            (self._folder / "pager.yml").write_text(pager_settings(self.town, secrets, self._pace))
            settings = alertmanager_settings(self._ports[0], self._pace, self._hours)
            (self._folder / "alertmanager.yml").write_text(settings)
            self.start_pager()
            self._start_manager()
            until(lambda: asked(self.manager("/-/ready")))
            until(lambda: asked(self.pager("/health")))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in (self._manager, self._pager):
            if process is not None and process.poll() is None:
                process.terminate()
        for process in (self._manager, self._pager):
            if process is not None:
                process.wait(20)
        self.town.__exit__()

    def _start_manager(self):
        words = [
            find("alertmanager"),
            f"--config.file={self._folder / 'alertmanager.yml'}",
            f"--storage.path={self._folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self._ports[1]}",
            "--cluster.listen-address=",
        ]
        self._manager = self._started("alertmanager", words, os.environ)

    def start_pager(self):
        """As its image does, with a time zone that is not the rota's."""
        words = [sys.executable, "-m", "alerts.pager", "--port", self._ports[0], "--config", self._folder / "pager.yml"]
        words += ["--inbox", self._folder / "inbox.sqlite3", "--rota", self._rota]
        environment = {**os.environ, "SSL_CERT_FILE": self._trusted, "TZ": "America/New_York"}
        self._pager = self._started("pager", words, environment)

    def _started(self, name, words, environment):
        with (self._folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen([*map(str, words)], cwd=ROOT, stdout=log, stderr=log, env=environment)

    def kill_pager(self):
        """As a machine that loses its power."""
        self._pager.send_signal(signal.SIGKILL)
        self._pager.wait()

    def pager(self, path):
        return f"http://127.0.0.1:{self._ports[0]}{path}"

    def manager(self, path):
        return f"http://127.0.0.1:{self._ports[1]}{path}"

    def post(self, *alerts):
        """The alerts fire, or are over, now."""
        for each in alerts:
            self.posted.setdefault(each["labels"]["alertname"], time.time())  # an end does not count
        asked(self.manager("/api/v2/alerts"), list(alerts))

    def inbox(self):
        return json.loads(asked(self.pager("/inbox.json")))

    def case_of(self, name):
        """The number of the open case about an alert."""
        told = self.inbox()["cases"]
        return next((case["number"] for case in told if f'alertname="{name}"' in case["group_key"]), None)

    def pages(self):
        """The page of each open case."""
        return [asked(self.pager(f"/cases/{case['number']}")) for case in self.inbox()["cases"]]

    def settled(self):
        """Every letter of every open case has been taken."""
        return until(lambda: (pages := self.pages()) and not any(">waiting" in page for page in pages), 40)

    def acknowledge(self, number, by):
        request = urllib.request.Request(self.pager(f"/cases/{number}/acknowledge"), f"by={by}".encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status

    def figure(self, name):
        """The sum of a metric of Alertmanager's."""
        lines = [line for line in asked(self.manager("/metrics")).splitlines() if line.startswith(name)]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def log(self, name):
        return (self._folder / f"{name}.log").read_text()

    # --------------------------------------------------------------------- what was delivered

    def messages(self, provider, word, mark=""):
        """What a provider took about an alert, of one kind."""
        return [
            one for one in self.book.taken if one.provider == provider and word in shown(one) and mark in shown(one)
        ]

    def arrived(self, provider, word, mark="", patience=20.0):
        """The first message of a provider about an alert."""
        return self.book.until(lambda _: next(iter(self.messages(provider, word, mark)), None), patience)


def shown(one):
    """All that can be read of a message."""
    action = one.body.get("event_action")  # PagerDuty has no words of its own for an end
    return one.text.replace("[FIRING]", "[RESOLVED]") if action == "resolve" else one.text


def minutes(moment: datetime) -> str:
    return f"{moment:%H:%M}"
