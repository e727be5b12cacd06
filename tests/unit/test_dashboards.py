"""Grafana's dashboards: what the code makes is what Grafana reads, and each panel says what is normal."""

import configparser
import json
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from deployment.configuration.layout import OVERLAYS, ROOT
from deployment.engine.images import grafana
from kit.dashboards import FOLDER, dashboards, queries
from monitoring.grafana import __main__ as code

FILES = ROOT / "stack" / "monitoring" / "grafana"
SERVICE: dict[str, Any] = yaml.safe_load((OVERLAYS / "grafana.yaml").read_text())["services"]["grafana"]


def ini() -> configparser.ConfigParser:
    found = configparser.ConfigParser(interpolation=None)
    found.read(FILES / "grafana.ini")
    return found


def test_the_files_are_what_the_code_makes() -> None:
    """After a change: PYTHONPATH=stack .venv/bin/python -m monitoring.grafana."""
    made = {name: code.text(dashboard()) for name, dashboard in code.DASHBOARDS.items()}
    assert made == {path.stem: path.read_text() for path in FOLDER.glob("*")}


@pytest.mark.parametrize("name", sorted(code.DASHBOARDS))
def test_grafana_s_own_types_read_them_without_a_loss(name: str) -> None:
    read = Dashboard.from_json(dashboards()[name])
    assert json.loads(json.dumps(read, cls=JSONEncoder)) == dashboards()[name]


@pytest.mark.parametrize("name", sorted(code.DASHBOARDS))
def test_each_panel_says_what_it_shows_and_what_is_normal(name: str) -> None:
    panels = dashboards()[name]["panels"]
    assert 8 <= len(panels) <= 14
    assert sorted(panel["id"] for panel in panels) == list(range(1, len(panels) + 1))
    for panel in panels:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["datasource"] == {"type": "prometheus", "uid": "${source}"}
        assert panel["type"] == "table" or panel["fieldConfig"]["defaults"]["unit"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


def test_no_question_is_asked_with_a_variable_that_only_grafana_knows() -> None:
    assert [str(query) for query in queries() if "$" in query.expr] == []
    assert len(queries()) == len(set(queries()))


def test_nobody_can_do_more_than_look() -> None:
    found = ini()
    assert found["auth.anonymous"]["org_role"] == "Viewer"
    assert found["auth"].getboolean("disable_login_form")
    assert found["security"].getboolean("disable_initial_admin_creation")
    off = [("auth.basic", "enabled"), ("users", "allow_sign_up"), ("users", "allow_org_create")]
    off += [("snapshots", "enabled"), ("public_dashboards", "enabled"), ("plugins", "plugin_admin_enabled")]
    assert [place for place in off if found.getboolean(*place)] == []


def test_it_calls_nobody() -> None:
    found = ini()
    calls = ("reporting_enabled", "check_for_updates", "check_for_plugin_updates", "feedback_links_enabled")
    assert not any(found["analytics"].getboolean(call) for call in calls)
    assert found["plugins"].getboolean("preinstall_disabled")
    assert SERVICE["networks"] == ["edge-result"]  # which has no way out


def test_it_finds_its_files_where_they_are_mounted() -> None:
    targets = {config["target"] for config in SERVICE["configs"]}
    (provider,) = yaml.safe_load((FILES / "provider.yaml").read_text())["providers"]
    folder = provider["options"]["path"]
    assert {f"{folder}/{path.name}" for path in FOLDER.glob("*")} < targets
    assert ini()["dashboards"]["default_home_dashboard_path"] in targets
    (source,) = yaml.safe_load((FILES / "datasources.yaml").read_text())["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")


def test_its_image_is_named_by_its_digest_and_by_one_name() -> None:
    assert SERVICE["image"] == grafana.IMAGE
    assert "@sha256:" in grafana.IMAGE
