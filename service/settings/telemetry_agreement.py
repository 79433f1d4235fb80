"""Where traces go, by our option or OpenTelemetry's variables: what cannot be is told before anything listens."""

from collections.abc import Iterator, Mapping
from typing import Any

from service.settings.mistakes import Mistake
from service.settings.token_agreement import unreachable

Tree = dict[str, Any]
_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_CERTIFICATE = "OTEL_EXPORTER_OTLP_CERTIFICATE"
_PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"


def collector(telemetry: Tree, environ: Mapping[str, str]) -> Iterator[Mistake]:
    """What is wrong with the Collector's address, and with the certificates that it is believed by."""
    place = "telemetry.otlp_endpoint" if telemetry["otlp_endpoint"] else _ENDPOINT
    endpoint = telemetry["otlp_endpoint"] or environ.get(_ENDPOINT, "")
    if not endpoint:
        return
    grpc = (telemetry["otlp_protocol"] or environ.get(_PROTOCOL, "")) == "grpc"
    address = f"http://{endpoint}" if grpc and "//" not in endpoint else endpoint
    if (fault := unreachable(address)) is not None:
        yield Mistake(place, fault, f'"{endpoint}"' * ("@" not in endpoint))
    elif endpoint.startswith("https://") and not grpc and (file := environ.get(_CERTIFICATE)):
        yield from _believed(file)


def _believed(file: str) -> Iterator[Mistake]:
    import ssl  # only needed here, and slow to import

    try:
        ssl.create_default_context(cafile=file)
    except ssl.SSLError:
        yield Mistake(_CERTIFICATE, "holds no certificate in PEM", f'"{file}"')
    except OSError as error:
        yield Mistake(_CERTIFICATE, f"cannot be read: {error.strerror}", f'"{file}"')
