"""The table happening → log event, metric, span: complete, and up to date."""

import ast
import inspect
from pathlib import Path

import pytest

from observability import happenings, names, span_names
from observability.happenings import HAPPENINGS
from observability.observers.access import AccessObserver, SilentAccessObserver
from observability.observers.api import ApiObserver, SilentApiObserver
from observability.observers.broker import BrokerObserver, SilentBrokerObserver
from observability.observers.channels import ChannelsObserver, SilentChannelsObserver
from observability.observers.connections import ConnectionsObserver, SilentConnectionsObserver
from observability.observers.door import DoorObserver, SilentDoorObserver
from observability.observers.emulation import EmulationObserver, SilentEmulationObserver
from observability.observers.outside import OutsideObserver, SilentOutsideObserver
from observability.observers.receivers import ReceiversObserver, SilentReceiversObserver
from observability.observers.service import ServiceObserver, SilentServiceObserver
from observability.observers.upgrade import SilentUpgradeObserver, UpgradeObserver

OBSERVERS = {
    "door": (DoorObserver, SilentDoorObserver),
    "upgrade": (UpgradeObserver, SilentUpgradeObserver),
    "connections": (ConnectionsObserver, SilentConnectionsObserver),
    "channels": (ChannelsObserver, SilentChannelsObserver),
    "broker": (BrokerObserver, SilentBrokerObserver),
    "api": (ApiObserver, SilentApiObserver),
    "access": (AccessObserver, SilentAccessObserver),
    "emulation": (EmulationObserver, SilentEmulationObserver),
    "outside": (OutsideObserver, SilentOutsideObserver),
    "receivers": (ReceiversObserver, SilentReceiversObserver),
    "service": (ServiceObserver, SilentServiceObserver),
}


def calls(observer):
    return {name for name, member in vars(observer).items() if inspect.isfunction(member) and name[0] != "_"}


def test_the_readme_is_what_the_code_says():
    assert happenings.README.read_text() == happenings.readme(), "run: python -m observability.happenings"
    assert happenings.main(["--check"]) == 0


def test_every_name_has_its_happening():
    assert {m.name for row in HAPPENINGS for m in row.metrics} == set(names.METRICS)
    assert {s.name for row in HAPPENINGS for s in row.spans} == set(span_names.SPANS)
    assert {e.name for row in HAPPENINGS for e in row.events} == set(names.EVENTS)


@pytest.mark.parametrize("room", OBSERVERS)
def test_every_call_of_an_observer_is_a_happening_and_every_happening_a_call(room):
    loud, _ = OBSERVERS[room]
    assert {row.call for row in HAPPENINGS if row.room == room and row.call} == calls(loud)


@pytest.mark.parametrize("room", OBSERVERS)
def test_silence_has_the_same_calls_with_the_same_arguments(room):
    loud, silent = OBSERVERS[room]
    assert calls(silent) == calls(loud)
    for name in calls(loud):
        assert inspect.signature(getattr(loud, name)) == inspect.signature(getattr(silent, name))


def test_every_happening_is_told_by_the_product():
    """An observer that nobody calls would tell nothing, however well it is tested."""
    root = Path(happenings.__file__).parents[1]
    files = [*(root / "service").rglob("*.py"), *(root / "observability").glob("*.py")]
    told = {
        node.attr
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node.value).rpartition(".")[2].lstrip("_") in {"observe", "skips", "service"}
    }  # fmt: skip
    assert {row.call for row in HAPPENINGS if row.call} <= told
