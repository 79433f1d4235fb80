"""The account: its figures, its text, its JSON."""

import json

import pytest

from service.lab.load.ledger import Holes, Place, Tally
from service.lab.load.quantiles import Quantiles
from service.lab.load.report import FIGURES, Account, text, told
from service.lab.load.server_figures import Glance


def worker(**changes):
    latency = Quantiles()
    for each in range(1, 101):
        latency.add(each / 1000)
    holes = Holes()
    holes.add("a", Place(Tally()), 3)
    return {
        "ready": 5, "published": 10, "delivered": 100, "duplicated": 1, "reordered": 2, "told": 3, "reconnects": 4,
        "latency": latency.told(), "connecting": latency.told(), "holes": holes.told(), "void": {"a": [3]},
        "counts": {"drops": 2, "connects": 9}, "closes": {"3501": 1}, "refusals": {"publish 103": 5}, **changes,
    }  # fmt: skip


def account():
    made = Account(10, began=0.0, connected=9)
    made.include(worker())
    made.include(worker(void={}))
    made.before = Glance(0.0, 100e6, 20, 1000, 0, {"unknown": 1.0, "network_lost": 1})
    made.after = Glance(30.0, 110e6, 22, 1100, 0, {"unknown": 3.0, "network_lost": 1}, 5.0)
    made.glances = [Glance(float(at), 100e6, objects=1000.0 + 3 * at) for at in range(31)]
    return made


def test_the_figures_are_those_that_are_explained():
    figures = account().figures()
    assert set(figures) == set(FIGURES)
    assert (figures["users"], figures["connected"], figures["published"], figures["void"]) == (10, 9, 20, 1)
    assert (figures["delivered"], figures["lost"], figures["expected"]) == (200, 4, 204)
    assert (figures["duplicated"], figures["reordered"], figures["told"], figures["refused"]) == (2, 4, 6, 10)
    assert figures["p50"] == pytest.approx(0.05, rel=0.03)
    assert figures["longest"] == 0.1
    assert (figures["fds_left"], figures["unknown_causes"], figures["unaccounted"]) == (2, 2, 5)
    assert figures["objects_left"] == pytest.approx(10)
    assert figures["rss_growth"] == pytest.approx(0)
    assert figures["objects_growth"] == pytest.approx(100 * 60 / 1030)


def test_what_is_not_known_is_said_so():
    figures = Account(1).figures()
    assert set(figures) == set(FIGURES)
    assert {name for name, value in figures.items() if value is None} == {
        "p50", "p90", "p99", "p999", "longest", "connect_p99", "rss_growth", "objects_growth", "fds_left",
        "objects_left", "unknown_causes", "unaccounted",
    }  # fmt: skip
    assert "server" not in text(Account(1), [])


def test_the_text():
    lines = text(account(), ["lost=0: lost is 4"]).splitlines()
    assert lines[0] == "users        9 of 10 connected; 8 reconnects; connect p99 99.8 ms"
    assert lines[2] == "deliveries   200 of 204; lost 4, told 6, duplicated 2, reordered 4"
    assert "RSS 95.4 → 104.9 MiB" in lines[4]
    assert lines[5:] == [
        "mischief     drops 4",
        "ends         3501 2",
        "causes       unknown 2",
        "refused      publish 103 10",
        "FAILED       lost=0: lost is 4",
    ]


def test_the_json():
    whole = json.loads(json.dumps(told(account(), ["x"])))
    assert whole["figures"]["lost"] == 4
    assert (whole["failed"], whole["causes"], whole["server"]["after"]["fds"]) == (["x"], {"unknown": 2}, 22)
    assert len(whole["memory"]) == 31


def test_a_load_in_vain_says_so():
    """Else nothing would be lost, since nothing was owed."""
    account = Account(10)
    assert account.in_vain() == ""
    account.refusals.update({"publish 103": 30, "publish 100": 2, "connect 100": 3})
    assert account.in_vain() == (
        "nothing was published: all 32 attempts are answered with error 103; "
        "clients may not publish there (allow_publish_for_client): say another --namespace"
    )
    account.counts["accepted"] = 1
    assert account.in_vain() == ""
