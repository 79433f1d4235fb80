"""Who is on duty: every moment has one, shifts keep their hour, overrides go first, mistakes are all told."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.pager.reading import Wrong
from alerts.pager.rota import read

FILE = """
time_zone: {zone}
people:
  ada: {{name: Ada, phone: "+8613800000001", mail: ada@example.com, wecom: ada}}
  ben: {{phone: "+8613800000002"}}
  chi: {{name: Chi}}
rotation: {{every: {every}, weekday: monday, at: "09:00", since: 2026-11-04, order: [ada, ben, chi]}}
overrides:
  - {{since: 2026-12-24T18:00:00, until: 2026-12-27T09:00:00, person: chi}}
"""


def rota(zone="Asia/Shanghai", every="week"):
    return read(FILE.format(zone=zone, every=every))


@pytest.mark.parametrize(
    ("at", "primary", "secondary"),
    [
        ("2026-11-02T09:00", "ada", "ben"),  # the Monday of the week that "since" is in
        ("2026-11-02T08:59", "chi", "ada"),
        ("2026-11-08T23:00", "ada", "ben"),
        ("2026-11-09T08:59", "ada", "ben"),
        ("2026-11-09T09:00", "ben", "chi"),
        ("2026-11-16T09:00", "chi", "ada"),
        ("2026-11-23T09:00", "ada", "ben"),
    ],
)
def test_a_week_begins_at_its_hour(at, primary, secondary):
    duty = rota().on_duty(datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Asia/Shanghai")))
    assert (duty.primary.key, duty.secondary.key, duty.why) == (primary, secondary, "rotation")


def test_days_rotate_too():
    there = rota(every="day")
    at = datetime(2026, 11, 5, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert there.first == date(2026, 11, 4)
    assert [there.on_duty(at + timedelta(days=n)).primary.key for n in range(4)] == ["ben", "chi", "ada", "ben"]


def test_an_override_goes_first_and_says_until_when():
    there = rota()
    zone = ZoneInfo("Asia/Shanghai")
    before = there.on_duty(datetime(2026, 12, 24, 17, 59, tzinfo=zone))
    during = there.on_duty(datetime(2026, 12, 25, tzinfo=zone))
    after = there.on_duty(datetime(2026, 12, 27, 9, tzinfo=zone))
    assert before.until == datetime(2026, 12, 24, 18, tzinfo=zone)
    assert (during.primary.key, during.why) == ("chi", "override")
    assert during.until == datetime(2026, 12, 27, 9, tzinfo=zone)
    assert during.secondary.key != "chi"
    assert after.why == "rotation"


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_a_shift_keeps_its_hour_when_clocks_change(day):
    there = rota("Europe/Berlin", "day")
    zone = ZoneInfo("Europe/Berlin")
    nine = datetime.fromisoformat(f"{day}T09:00").replace(tzinfo=zone)
    duty = there.on_duty(nine - timedelta(hours=2))
    assert duty.until == nine
    assert duty.until.astimezone(zone).hour == 9
    assert there.on_duty(nine).primary == duty.secondary


@settings(deadline=None)
@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "UTC", "Australia/Lord_Howe"]),
    st.sampled_from(["day", "week"]),
)
def test_whoever_is_on_duty_stays_so_until_the_moment_that_is_said(moment, zone, every):
    there = rota(zone, every)
    at = moment.replace(tzinfo=UTC)
    duty = there.on_duty(at)
    assert duty.until > at
    assert duty.primary != duty.secondary
    last = duty.until.astimezone(UTC) - timedelta(seconds=1)
    assert there.on_duty(max(at, last)).primary == duty.primary
    assert there.on_duty(duty.until.astimezone(UTC)).until > duty.until


def test_all_mistakes_are_told_at_once():
    with pytest.raises(Wrong) as wrong:
        read(
            """
time_zone: Asia/Shangai
people: {ada: {phone: 13800000001}, ben: {nmae: Ben}}
rotation: {every: wek, weekday: mondy, at: "9 o'clock", order: [ada, bem]}
overrides: [{since: 2026-12-27T00:00:00, until: 2026-12-24T00:00:00, person: zoe}, {person: ada}]
holidays: []
"""
        )
    told = "\n".join(wrong.value.sentences)
    for part in (
        "holidays: 'holidays' is no known option",
        "time_zone: 'Asia/Shangai' is no time zone",
        "people.ada.phone should be a text",
        "people.ben.nmae: 'nmae' is no known option; did you mean name?",
        "rotation.order[1]: 'bem' is no person; did you mean ben?",
        "rotation.every: 'wek' is no period; did you mean week?",
        'rotation.at: "9 o\'clock" is no time of day',
        "overrides[0].person: 'zoe' is no person; known: ada, ben",
        "overrides[0]: it ends before it begins",
        "overrides[1]: since is missing",
    ):
        assert part in told
    with pytest.raises(Wrong, match="no YAML"):
        read("people: [")
    with pytest.raises(Wrong, match="says overrides twice in line 4"):
        read("people: {ada: {}}\noverrides: []\nrotation: {order: [ada]}\noverrides: []\n")
    with pytest.raises(Wrong, match="no such day or time: day is out of range for month in line 1"):
        read("rotation: {since: 2026-02-30}")
    with pytest.raises(Wrong, match="rotation.at: '09:00Z' names a time zone"):
        read("{people: {ada: {}}, rotation: {order: [ada], at: 09:00Z}}")
    with pytest.raises(Wrong, match="names nobody"):
        read("{}")
    with pytest.raises(Wrong, match="the file is no mapping"):
        read("- ada")
