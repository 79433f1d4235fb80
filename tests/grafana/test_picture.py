"""The picture of the overview: places, units, windows, names of series, cells, marks, and the waterfall of a trace."""

import json
import math
from pathlib import Path

import pytest

from grafana.picture import label, units
from grafana.picture.__main__ import SCRAPE, main
from grafana.picture.colours import NAMED, by_threshold
from grafana.picture.drawing import WIDTH, Scene, clock, panel, place, stack
from grafana.picture.series import cells, marks, series_of
from grafana.picture.sources import Sources, Window, variables, window
from grafana.picture.waterfall import ordered, waterfall
from grafana.questions import boards, of_panel

ROOT = Path(__file__).parents[2]
PANELS = boards()["overview"]["panels"]
PICTURES = [each for each in sorted((ROOT / "docs" / "pictures").glob("*.png")) if each.stem in boards()]
EVERY = [(name, each) for name, board in boards().items() for each in board["panels"]]
WHEN = Window(1000, 1020, 5)


def named(title):
    return next(each for each in PANELS if each["title"] == title)


def answer(*series):
    return {
        "result": [{"metric": labels, "values": [[t, str(v)] for t, v in points.items()]} for labels, points in series]
    }


# ---------------------------------------------------------------------------- layout


def test_a_whole_row_of_the_grid_is_the_whole_picture():
    whole = place({"x": 0, "y": 0, "w": 24, "h": 5})
    assert (whole["x"], whole["x"] + whole["w"]) == (8, WIDTH - 8)


def test_no_two_panels_overlap_and_none_leaves_the_picture():
    for board in boards().values():
        boxes = [place(each["gridPos"]) for each in board["panels"]]
        apart(boxes)


def apart(boxes):
    for n, one in enumerate(boxes):
        assert one["x"] > 0 and one["x"] + one["w"] < WIDTH
        for other in boxes[n + 1 :]:
            beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
            assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]


@pytest.mark.parametrize("given", [each for _, each in EVERY], ids=[f"{name}-{each['id']}" for name, each in EVERY])
def test_every_panel_of_every_board_can_be_drawn_of_nothing(given):
    nothing = {"logs": {"result": []}, "table": [], "alertlist": {"alerts": []}}.get(given["type"], answer())
    shape = panel(given, [nothing] * max(1, len(given.get("targets", []))), Scene(WHEN))
    assert shape["kind"] == given["type"]
    assert json.dumps(shape)


# ------------------------------------------------------------------------- the files


def test_a_picture_says_what_it_shows(tmp_path):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + bytes(13 + 4) + b"\0\0\0\0IEND" + bytes(4))
    assert label.read(picture) == ""
    label.write(picture, "Fan-out\n√ late")
    assert label.read(picture) == "Fan-out\n√ late"


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.stem)
def test_a_picture_of_the_documentation_shows_the_board_of_today(picture):
    assert label.read(picture) == label.panels(boards()[picture.stem]), "make boards"


# ----------------------------------------------------------------------------- units


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "s", "0 s"), (0.00025, "s", "250 µs"), (0.0048, "s", "4.8 ms"), (0.9999, "s", "1 s"), (90, "s", "1.5 min"),
        (math.inf, "s", "+Inf"), (0.0123, "percentunit", "1.23%"), (0, "percentunit", "0%"), (61, "short", "61"),
        (13436, "short", "13.4 K"), (2.5e6, "short", "2.5 Mil"), (1.5, "short", "1.5"), (100, "none", "100"),
        (2000, "Bps", "2 kB/s"), (12, "ops", "12 ops/s"), (30, "d", "30 day"), (1536, "bytes", "1.5 KiB"), (12, "bytes", "12 B"), (1200, "mps", "1.2K mps"), (math.nan, "short", "NaN"),
    ],
)  # fmt: skip
def test_numbers_are_written_with_their_unit(value, unit, text):
    assert units.written(value, unit) == text


def test_an_unknown_unit_is_refused():
    with pytest.raises(ValueError, match="furlong"):
        units.written(1, "furlong")


@pytest.mark.parametrize(
    ("highest", "unit", "texts"),
    [
        (0.0083, "s", ["0 s", "2.5 ms", "5 ms", "7.5 ms", "10 ms"]),
        (130_000, "bytes", ["0 B", "50 KiB", "100 KiB", "150 KiB"]),
        (0, "percentunit", ["0%", "25%", "50%", "75%", "100%"]),
        (61, "short", ["0", "20", "40", "60", "80"]),
    ],
)
def test_an_axis_has_round_ticks_up_to_the_highest_value(highest, unit, texts):
    ticks = units.ticks(highest, unit)
    assert [text for _, text in ticks] == texts
    assert ticks[-1][0] >= highest


# ------------------------------------------------------------- windows and variables


def test_variables_are_filled_as_grafana_fills_them():
    assert variables(5, SCRAPE, "heliograph", ".+")["$__rate_interval"] == "20s"  # four scrapes
    assert variables(30, SCRAPE, "heliograph", ".+")["$__rate_interval"] == "35s"  # a step and a scrape
    assert variables(30, SCRAPE, "heliograph", ".+")["$__auto"] == "30s"


def test_no_variable_is_left_in_any_query():
    filled = variables(5, SCRAPE, "heliograph", ".+")
    assert [q.where for name, each in EVERY for q in of_panel(name, each) if "$" in q.filled(filled)] == []


def test_a_window_is_aligned_to_a_step_that_is_no_finer_than_a_scrape():
    assert window(1003, 60, 120, 5) == Window(940, 1000, 5)
    assert window(1003, 3600, 120, 5).step == 30
    assert Window(1000, 1020, 5).times == [1000, 1005, 1010, 1015, 1020]


def test_the_clock_has_round_times():
    assert [text for _, text in clock(Window(1000, 1300, 5))] == ["00:17", "00:18", "00:19", "00:20", "00:21"]
    assert clock(Window(1000, 1020, 5)) == [(1005, "00:16:45"), (1020, "00:17:00")]


# ------------------------------------------------------------------ series and panels


def test_series_are_named_by_the_legend_and_have_a_value_or_none_for_every_step():
    given = answer(({"via": "client"}, {1000: 1, 1010: "NaN"}), ({"via": "api"}, {1020: 3}))
    client, api = reversed(series_of(given, "by {{via}}", WHEN))
    assert (client.name, client.values) == ("by client", [1, None, None, None, None])
    assert (api.name, api.values) == ("by api", [None, None, None, None, 3])


def test_a_heatmap_s_cell_is_what_fell_into_its_bucket_alone():
    given = answer(({"le": "+Inf"}, {1000: 10}), ({"le": "0.5"}, {1000: 4}), ({"le": "1.0"}, {1000: 9}))
    bounds, columns = cells(given, WHEN)
    assert bounds == [0.5, 1.0, math.inf]
    assert columns[0] == [4, 5, 1]
    assert columns[1] == [0, 0, 0]


def test_a_mark_lasts_as_long_as_its_condition_holds():
    given = answer(({}, {1000: 0, 1005: 1, 1010: 1, 1015: 0, 1020: 1}))
    assert marks(given, WHEN, by_value=False) == [{"start": 1005, "end": 1010}, {"start": 1020, "end": 1020}]


def test_a_restart_is_marked_at_its_moment():
    assert marks(answer(({}, {1000: 1_011_000, 1005: 1_011_000})), WHEN, by_value=True) == [
        {"start": 1011, "end": 1011}
    ]
    assert marks(answer(({}, {1000: 900_000})), WHEN, by_value=True) == []


def test_a_number_has_the_colour_of_its_threshold():
    steps = named("Errors")["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [by_threshold(v, steps) for v in (0, 0.001, 0.5)] == [NAMED["green"], NAMED["yellow"], NAMED["red"]]


def test_a_number_shows_the_last_value_that_is_there():
    (cell,) = panel(named("P99 delivery"), [answer(({}, {1000: 1, 1005: 0.3}))], Scene(WHEN))["cells"]
    assert (cell["text"], cell["color"]) == ("300 ms", NAMED["yellow"])


def test_mapped_values_are_words():
    up, ready = panel(named("Ready"), [answer(({}, {1020: 1})), answer(({}, {1020: 0}))], Scene(WHEN))["cells"]
    assert (up["text"], up["name"], up["color"]) == ("yes", "reached", NAMED["green"])
    assert (ready["text"], ready["color"]) == ("no", NAMED["red"])


def test_stacked_series_stand_on_those_below_and_the_axis_reaches_their_top():
    assert stack([[1, None, 2], [3, 4, None]]) == [[1, None, 2], [4, 4, None]]
    given = next(each for _, each in EVERY if each["title"] == "Closes by cause")
    shape = panel(given, [answer(({"cause": "a"}, {1000: 3}), ({"cause": "b"}, {1000: 4}))], Scene(WHEN))
    assert [(each["name"], each["values"][0]) for each in shape["series"]] == [("b", 7), ("a", 3)]
    assert shape["bars"]
    assert shape["left"][-1][0] >= 7
    assert panel(given, [answer()], Scene(WHEN))["none"] == "None in this time"


def test_an_overridden_series_has_its_axis_and_unit_at_the_right():
    some = answer(({}, {1000: 2048}))
    shape = panel(named("Backlog against connections"), [some] * 4, Scene(WHEN))
    assert [each["name"] for each in shape["series"] if each["right"]] == ["waiting bytes"]
    assert shape["right"][-1] == (2048, "2 KiB")
    assert shape["left"][-1][0] >= 1.5 * 1000


def test_log_lines_come_newest_first():
    result = [{"stream": {"level": "error"}, "values": [["1000000000", "old"], ["2000000000", "new"]]}]
    lines = panel(named("Errors, warnings and abnormal ends"), [{"result": result}], Scene(WHEN))["lines"]
    assert [(line["text"], line["level"]) for line in lines] == [("new", "error"), ("old", "error")]


# --------------------------------------------------------------------------- waterfall


def span(name, parent, start, duration, *far, **tags):
    references = [{"refType": "CHILD_OF", "traceID": "t", "spanID": parent}] if parent else []
    references += [{"refType": "FOLLOWS_FROM", "traceID": trace, "spanID": there} for trace, there in far]
    return {
        "traceID": "t", "spanID": name, "operationName": name, "references": references, "startTime": start,
        "duration": duration, "tags": [{"key": key, "value": value} for key, value in tags.items()],
    }  # fmt: skip


SPANS = [
    span("fanout", "publish", 200, 300, ("far", "connect"), ("lost", "x")),
    span("publish", "", 0, 100),
    span("broker", "publish", 50, 20),
]


def test_spans_follow_their_parents_in_the_order_of_their_starts():
    assert [(each["operationName"], depth) for each, depth in ordered(SPANS)] == [
        ("publish", 0), ("broker", 1), ("fanout", 1),
    ]  # fmt: skip


def test_a_span_whose_parent_is_not_there_is_shown_all_the_same():
    assert [depth for _, depth in ordered([span("alone", "elsewhere", 0, 1)])] == [0]


def test_bars_are_in_proportion_and_links_say_where_they_lead():
    far = {"spans": [span("connect", "", 0, 5, **{"heliograph.connection.id": "c-1"})]}
    publish, broker, fanout = waterfall({"traceID": "t", "spans": SPANS}, {"far": far})["spans"]
    assert publish["from"] == 0
    assert fanout["from"] == pytest.approx(2 * publish["share"])
    assert broker["took"] == "20 µs"
    assert fanout["links"] == ["connect of connection c-1   trace far", "trace lost"]


# ------------------------------------------------------------------------ what is missing


def test_a_source_that_does_not_answer_is_named(tmp_path, capsys):
    assert main(["--prometheus", "http://127.0.0.1:1", "--out", str(tmp_path)]) == 1
    assert "http://127.0.0.1:1/api/v1/" in capsys.readouterr().err


def test_a_board_that_is_not_there_is_told_with_those_that_are(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["overwiev", "--out", str(tmp_path)])
    assert "there is no board overwiev; there are: backlog" in capsys.readouterr().err


def test_each_question_goes_to_its_own_source(monkeypatch):
    asked = set()

    def get(self, source, path):
        asked.add((source, path.split("?")[0]))
        return {"data": []}

    monkeypatch.setattr(Sources, "get", get)
    sources = Sources({}, variables(5, SCRAPE, "heliograph", ".+"))
    for each in PANELS:
        for question in of_panel("overview", each):
            sources.answer(question, WHEN)
    assert asked == {
        ("prometheus", "/api/v1/query_range"),
        ("loki", "/loki/api/v1/query_range"),
        ("jaeger", "/api/traces"),
    }
