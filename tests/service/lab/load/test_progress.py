"""Lines where nobody looks, a table on a terminal."""

import io

from service.lab.load.progress import Lines, Table, progress

NOW = {"ready": 1200, "published": 3, "delivered": 30, "rss": 64 * 2**20}


def test_a_line_for_each_phase_and_then_now_and_then(monkeypatch):
    stream, clock = io.StringIO(), [100.0]
    monkeypatch.setattr("service.lab.load.progress.time.monotonic", lambda: clock[0])
    with progress(stream) as shown:
        assert isinstance(shown, Lines)
        for phase, at in (("connecting", 100), ("connecting", 105), ("publishing", 106), ("publishing", 117)):
            clock[0] = at
            shown.show(phase, NOW)
    lines = stream.getvalue().splitlines()
    assert [line.split(":")[1].strip() for line in lines] == ["connecting", "publishing", "publishing"]
    assert lines[0].endswith(
        "ready 1,200 published 3 delivered 30 told 0 duplicated 0 reordered 0 reconnects 0; server 64 MiB"
    )


def test_a_table_on_a_terminal():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    with progress(stream) as shown:
        assert isinstance(shown, Table)
        shown.show("publishing", NOW)
    assert "heliograph load: publishing" in stream.getvalue()
    assert "1,200" in stream.getvalue()
