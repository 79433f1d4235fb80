"""Who was not let in, and how long admission took."""

import asyncio
from pathlib import Path

import pytest

from observability import names
from observability.observers.door import SilentDoorObserver
from service.connections.addresses import ProxySettings
from service.connections.admission import AdmissionSettings
from service.connections.certificates import Certificate, TlsSettings
from service.connections.deadlines import clocks
from service.connections.doorstep import Doorstep
from service.connections.entrance import Entrance
from service.connections.limits import HttpLimits
from tests.service.connections.authority import Authority


@pytest.mark.shows("heliograph_refusals_total", "door.refused")
def test_a_refusal_is_a_counter_a_span_and_a_line_with_its_cause(telemetry):
    telemetry.telemetry.door.refused("silent", "408", "public", "192.0.2.1:4711", "no byte came")
    assert telemetry.value(names.REFUSALS, "silent", "408") == 1
    line = telemetry.line("door.refused")
    assert (line["cause"], line["answer"], line["listener"], line["reason"]) == (
        "silent",
        "408",
        "public",
        "no byte came",
    )
    span = telemetry.span("websocket.upgrade")
    assert (span.error, span.attributes["heliograph.refusal.cause"]) == ("silent", "silent")
    assert span.attributes["heliograph.refusal.answer"] == "408"
    assert line["trace_id"] == f"{span.link.trace_id:032x}"


def test_a_flood_is_counted_whole_and_leaves_room_for_other_traces(telemetry):
    for _ in range(1_000):
        telemetry.telemetry.door.refused("silent", "408", "public")
    assert telemetry.value(names.REFUSALS, "silent", "408") == 1_000
    assert 1 <= len(telemetry.spans) <= 10
    assert telemetry.instruments.late_tracer() is not None
    assert len([line for line in telemetry.lines if line["event"] == "door.refused"]) < 100


@pytest.mark.shows("heliograph_admission_seconds")
def test_waiting_is_measured(telemetry):
    telemetry.telemetry.door.waited(0.2)
    assert telemetry.value(names.ADMISSION_SECONDS) == 1


def test_silence():
    observe = SilentDoorObserver()
    observe.refused("silent", "408", "public")
    observe.waited(0.1)
    observe.certificate_loaded("public", "CN=a", 1.0)
    observe.certificate_refused("public", "no")


@pytest.mark.shows("heliograph_visitors", "heliograph_admission_waiting", "heliograph_admission_rate")
@pytest.mark.shows("heliograph_connections_limit")
async def test_the_doors_tell_their_figures(telemetry):
    door = telemetry.telemetry.door
    doorstep = Doorstep("public", HttpLimits(), clocks(), door)
    entrance = Entrance(AdmissionSettings(rate=20), ProxySettings(), door, asyncio.get_running_loop().time)
    for source in (doorstep.figures, entrance.figures):
        telemetry.registry.add_source(source)
    doorstep.came(object())
    for _ in range(20):
        entrance.knock("")
    waiting = asyncio.ensure_future(entrance.wait(entrance.knock(""), ""))
    await asyncio.sleep(0)
    assert telemetry.value(names.VISITORS, "public") == 1
    assert telemetry.value(names.ADMISSION_WAITING) == 1
    assert telemetry.value(names.ADMISSION_RATE) == 20
    assert telemetry.value(names.CONNECTIONS_LIMIT) > 20
    telemetry.look()
    await waiting


@pytest.mark.shows("heliograph_certificate_expiry_seconds", "heliograph_certificate_reloads_total")
@pytest.mark.shows("certificate.loaded", "certificate.refused")
def test_a_certificate_s_life_is_told(telemetry, tmp_path):
    certificate, key = Authority(tmp_path).issue(days=1)
    settings = TlsSettings(cert_pem=certificate, key_pem=key)
    in_use = Certificate("public", settings, telemetry.telemetry.door)
    telemetry.registry.add_source(in_use.figures)
    assert 86_000 < telemetry.value(names.CERTIFICATE_EXPIRY, "public") <= 86_400
    assert telemetry.value(names.CERTIFICATE_RELOADS, "loaded") == 1
    Path(key).unlink()
    in_use.files.reload()
    assert telemetry.value(names.CERTIFICATE_RELOADS, "refused") == 1
    assert telemetry.line("certificate.loaded")["reason"] == "CN=localhost"
    assert telemetry.line("certificate.refused")["reason"].startswith("key_pem: the file cannot be read")
