"""Write the dashboards' files, which Grafana reads, beside this code."""

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.grafana import data_tier, platform, vote

FOLDER = Path(__file__).parent / "dashboards"
DASHBOARDS = {"vote": vote.dashboard, "data-tier": data_tier.dashboard, "platform": platform.dashboard}


def text(dashboard: Dashboard) -> str:
    """Return a dashboard as Grafana reads it."""
    return json.dumps(dashboard, cls=JSONEncoder, indent=1, sort_keys=True) + "\n"


def main() -> None:
    """Write all files."""
    for name, made in DASHBOARDS.items():
        (FOLDER / f"{name}.json").write_text(text(made()))


if __name__ == "__main__":
    main()
