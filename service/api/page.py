from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSettings:
    """The demo page."""

    traces_url: str = "http://localhost:16686"  # Jaeger's page, for links to traces
