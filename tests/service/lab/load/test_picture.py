"""One picture, well-formed, of what happened."""

from xml.etree import ElementTree as ET

from service.lab.load.picture import picture
from service.lab.load.report import Account
from service.lab.load.server_figures import Glance

SVG = "{http://www.w3.org/2000/svg}"


def test_three_lines_over_one_time():
    account = Account(10, began=100.0)
    account.course = [{"at": at, "delivered": at * 50, "ready": 10} for at in range(1, 6)]
    account.glances = [Glance(100.0 + at, 2**20 * (60 + at)) for at in range(6)]
    root = ET.fromstring(picture(account, "10 < 20 & more"))
    lines = [line.get("points").split() for line in root.iter(f"{SVG}polyline")]
    assert [len(line) for line in lines] == [4, 5, 6]
    said = [text.text for text in root.iter(f"{SVG}text")]
    assert said[0] == "10 < 20 & more: 0 deliveries, 0 lost, 0 told"
    assert any(text.startswith("server RSS, MiB; +") and "% over the last two thirds" in text for text in said)
    assert {"65.0", "5 s"} <= set(said)
    rates = {point.split(",")[1] for point in lines[0]}
    assert len(rates) == 1, "50 a second all the time"
    heights = [float(point.split(",")[1]) for point in lines[2]]
    assert heights == sorted(heights, reverse=True), "memory rises"


def test_of_nothing():
    assert ET.fromstring(picture(Account(1), "nothing")).tag == f"{SVG}svg"
