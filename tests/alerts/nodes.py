"""By which name each side calls the node of the compose file: read from the files that decide it."""

from pathlib import Path

import yaml

from service.config import load

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
SCRAPES = yaml.safe_load((ROOT / "observability" / "stack" / "prometheus.yml").read_text())["scrape_configs"]


def of_metrics():
    """``instance`` of every series that Prometheus scrapes from the server."""
    ((static,),) = [job["static_configs"] for job in SCRAPES if job["job_name"] == "heliograph"]
    (target,) = static["targets"]
    return static.get("labels", {}).get("instance", target)


def of_lines(folder, monkeypatch):
    """``instance`` of every line and span, as the server takes it from the environment that the compose file gives."""
    monkeypatch.chdir(folder)  # where the quick start keeps its key
    return load(None, COMPOSE["heliograph"]["environment"]).telemetry.instance
