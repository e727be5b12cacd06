"""Grafana's dashboards, as the files have them, and what they ask Prometheus."""

import json
from dataclasses import dataclass
from typing import Any

from deployment.configuration.layout import ROOT

FOLDER = ROOT / "stack" / "monitoring" / "grafana" / "dashboards"
# As Grafana fills it in where Prometheus asks every 15 seconds: four times that.
RATE_INTERVAL = "1m"


@dataclass(frozen=True)
class Query:
    """A question of a panel, as Prometheus gets it."""

    dashboard: str
    panel: str
    expr: str

    def __str__(self) -> str:
        return f"{self.dashboard} / {self.panel}: {self.expr}"


def dashboards() -> dict[str, dict[str, Any]]:
    """Return all dashboards by the names of their files."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def queries() -> list[Query]:
    """Return the questions of all panels."""
    return [
        Query(name, panel["title"], target["expr"].replace("$__rate_interval", RATE_INTERVAL))
        for name, dashboard in dashboards().items()
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]
