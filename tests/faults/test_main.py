"""The command."""

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
    monkeypatch.setattr(command, "_one", lambda fault, *, keep: held.append((fault.name, fault.lasts, keep)) or 0)
    assert command.main(["slow-client", "--hold", "300"]) == 0
    assert command.main(["silent-clients", "--hold", "1"]) == 0
    assert held == [("slow-client", 300.0, False), ("silent-clients", 40.0, False)]
