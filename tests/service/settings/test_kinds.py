import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.settings.kinds import Misfit, duration, one_of, port, port_or, rate, seconds, switch, text, texts, whole


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("300s", 300),
        ("1m30s", 90),
        ("500ms", 0.5),
        ("1.5h", 5400),
        ("2h45m10s", 9910),
        (".5s", 0.5),
        ("1us", 1e-6),
        ("1µs", 1e-6),
        ("100ns", 1e-7),
        ("0", 0),
        ("+3s", 3),
        (0, 0),
    ],
)
def test_durations_are_read_as_go_writes_them(said, meant):
    assert duration(said) == pytest.approx(meant)


@pytest.mark.parametrize(
    "said", ["", "5", "s", "5 s", "1d", "1m 30s", "five", "-3s", "1e3s", "9" * 400 + "h", 60, 1.5, True, None, ["1s"]]
)
def test_a_duration_without_its_unit_is_refused(said):
    """Centrifugo takes a bare number for nanoseconds, which nobody means."""
    with pytest.raises(Misfit, match="unit"):
        duration(said)


def test_a_duration_below_nothing_is_refused():
    with pytest.raises(Misfit, match="none below 0"):
        duration("-1s")


@given(st.integers(0, 10**6), st.integers(0, 59), st.integers(0, 999))
def test_parts_of_a_duration_add_up(minutes, rest, milliseconds):
    assert seconds(f"{minutes}m{rest}s{milliseconds}ms") == pytest.approx(minutes * 60 + rest + milliseconds / 1000)


@pytest.mark.parametrize(("said", "meant"), [(True, True), (False, False), ("true", True), ("0", False), ("T", True)])
def test_switches(said, meant):
    assert switch(said) is meant


@pytest.mark.parametrize("said", ["yes", "", 1, 0, None, []])
def test_what_is_neither_true_nor_false(said):
    with pytest.raises(Misfit):
        switch(said)


@pytest.mark.parametrize(("said", "meant"), [(0, 0), (7, 7), ("7", 7), (" 7 ", 7)])
def test_whole_numbers(said, meant):
    assert whole(said) == meant


@pytest.mark.parametrize("said", [-1, "-1", 1.0, "1.0", True, "", "٣", None])
def test_what_is_no_whole_number(said):
    with pytest.raises(Misfit):
        whole(said)


def test_an_empty_port_is_the_usual_one():
    assert [port_or(9000)(said) for said in ("", "9001", 0)] == [9000, 9001, 0]
    with pytest.raises(Misfit):
        port_or(9000)(" ")


def test_ports():
    assert port("65535") == 65535
    with pytest.raises(Misfit, match="65535"):
        port(65536)


@pytest.mark.parametrize("said", [-0.1, "x", True, None, float("nan"), float("inf"), 10**400])
def test_what_is_no_rate(said):
    with pytest.raises(Misfit):
        rate(said)


def test_rates():
    assert (rate(0), rate("0.5"), rate(3)) == (0.0, 0.5, 3.0)


def test_a_number_is_no_text():
    """YAML has read 0123 as 83 by then, and nobody would know why the key is wrong."""
    with pytest.raises(Misfit, match="quotes"):
        text(83)
    assert text("83") == "83"


def test_lists():
    assert texts(["a", "b"]) == ("a", "b")
    assert texts("a b") == ("a b",)
    for wrong in ([1], {"a": 1}, 3, None):
        with pytest.raises(Misfit):
            texts(wrong)


def test_a_closed_list_names_its_words():
    convert = one_of("", "json", "binary")
    assert convert("") == ""
    with pytest.raises(Misfit, match='"json" or "binary"'):
        convert("jsn")


def test_a_word_of_another_list_is_told_where_it_belongs():
    convert = one_of("", "lan", "bulk", elsewhere={"iot": "client.heartbeat"})
    with pytest.raises(Misfit, match='takes "lan" or "bulk"; "iot" is for client.heartbeat'):
        convert("iot")
    with pytest.raises(Misfit, match='takes "lan" or "bulk"$'):
        convert(["iot"])
