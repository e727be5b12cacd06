"""Grafana's dashboards as code: `python -m monitoring.grafana` writes the files that Grafana reads."""
