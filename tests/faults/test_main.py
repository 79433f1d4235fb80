"""The command."""

from deploy.native.stack import StackFailed
from faults import __main__ as command


def test_without_a_name_it_lists(capsys):
    assert command.main([]) == 0
    assert "make lab FAULT=<name>" in capsys.readouterr().out


def test_an_unknown_name_is_told_with_the_nearest(capsys):
    assert command.main(["slow-clien"]) == 2
    assert "there is no fault 'slow-clien'; did you mean slow-client? `make lab` lists them" in capsys.readouterr().out
    assert command.main(["zzz"]) == 2
    assert "there is no fault 'zzz'. `make lab` lists them" in capsys.readouterr().out


def test_it_may_be_held(monkeypatch):
    """A fault is held for as long as is asked, and never shorter than its alerts need."""
    held = []
    monkeypatch.setattr(command.build, "main", lambda _: 0)
    monkeypatch.setattr(
        command, "_one", lambda fault, *, keep, stay: not held.append((fault.name, fault.lasts, keep)) and not stay
    )
    assert command.main(["slow-client", "--hold", "300"]) == 0
    assert command.main(["silent-clients", "--hold", "1"]) == 0
    assert held == [("slow-client", 300.0, False), ("silent-clients", 40.0, False)]


def test_every_fault_is_tried_although_one_went_wrong(monkeypatch, capsys):
    tried = []
    monkeypatch.setattr(command.build, "main", lambda _: 0)
    monkeypatch.setattr(command, "_one", lambda fault, *, keep, stay: tried.append((fault.name, keep, stay)) or False)
    assert command.main(["--matrix", "deploy", "slow-client"]) == 1
    assert tried == [("deploy", True, False), ("slow-client", True, False)]
    assert "2 faults; not as they should be: deploy, slow-client" in capsys.readouterr().out


def test_a_stack_that_does_not_start_is_a_fault_that_was_not_tried(monkeypatch, capsys):
    def fails(*_, **__):
        raise ExceptionGroup("within", [StackFailed("loki: ended")])

    monkeypatch.setattr(command.build, "main", lambda _: 0)
    monkeypatch.setattr(command, "_tried", fails)
    assert command.main(["deploy"]) == 1
    assert "deploy: loki: ended" in capsys.readouterr().out
