"""A Collector that cannot be there is told before anything listens; one that is away never is."""

import pytest

from service.settings.telemetry_agreement import collector
from tests.service.access import key_pairs

HTTPS = {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector:4318"}


def told(endpoint="", protocol="", **environ):
    telemetry = {"otlp_endpoint": endpoint, "otlp_protocol": protocol}
    return [str(mistake) for mistake in collector(telemetry, environ)]


@pytest.mark.parametrize(
    "endpoint", ["", "http://collector:4318", "https://collector/otlp", "http://[::1]:4318/v1/traces"]
)
def test_addresses(endpoint):
    assert told(endpoint) == told(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) == []


@pytest.mark.parametrize("endpoint", ["collector:4318", "collector", "http://[::1", "http://collector:port", "http://"])
def test_what_is_none_is_told_where_it_was_said(endpoint):
    says = f'"{endpoint}": takes an address that begins with http:// or https://'
    assert told(endpoint) == [f"telemetry.otlp_endpoint = {says}"]
    assert told(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) == [f"OTEL_EXPORTER_OTLP_ENDPOINT = {says}"]


def test_grpc_takes_host_and_port_too():
    assert told("collector:4317", "grpc") == []
    assert told("collector:4317", OTEL_EXPORTER_OTLP_PROTOCOL="grpc") == []
    assert told("collector:port", "grpc")


def test_a_password_is_not_shown():
    (said,) = told("http://me:s3cret@collector:4318")
    assert said == "telemetry.otlp_endpoint: takes no name or password: use a header"


def test_certificates(tmp_path):
    file = tmp_path / "ca.pem"
    file.write_text(key_pairs.pem("RS256"))
    variable = "OTEL_EXPORTER_OTLP_CERTIFICATE"
    assert told(**HTTPS, **{variable: str(file)}) == [f'{variable} = "{file}": holds no certificate in PEM']
    gone = f"{file}.gone"
    assert told(**HTTPS, **{variable: gone}) == [f'{variable} = "{gone}": cannot be read: No such file or directory']
    assert told("http://collector:4318", **{variable: gone}) == [], "nobody asks for it"
