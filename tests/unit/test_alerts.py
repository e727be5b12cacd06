"""Every alert can be acted upon: it has cases of both kinds, a page to read, and metrics that are there."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from unit.packages import ROOT

RULES = ROOT / "stack" / "monitoring" / "prometheus" / "rules"
CASES = ROOT / "tests" / "integration" / "monitoring" / "rules"
RUNBOOKS = ROOT / "docs" / "runbooks"
SECTIONS = ["What it means", "Are votes safe?", "What to do"]

OWN = {
    *("vote_app_votes_total", "vote_app_vote_acknowledge_seconds", "vote_app_replayed_votes_total"),
    *("vote_app_ledger_votes", "vote_app_queue_ready"),
    *("vote_app_batch_votes", "vote_app_commit_seconds", "vote_app_stored_votes_total"),
    *("vote_app_dead_letters_total", "vote_app_store_retries_total"),
    *("vote_app_viewers", "vote_app_result_age_seconds", "vote_app_pulse_age_seconds"),
    *("vote_app_cluster_primary", "vote_app_cluster_followers", "vote_app_postgres_synchronous"),
    *("vote_app_replication_lag_bytes", "vote_app_queue_entries", "vote_app_queue_waiting_seconds"),
    *("vote_app_dead_letters", "vote_app_votes_stored", "vote_app_certificate_not_after_seconds"),
    *("vote_app_certificate_problem", "vote_app_poll_open", "vote_app_failovers_total"),
    *("vote_app_picture_age_seconds", "vote_app_open_primaries", "vote_app_account_votes"),
    *("vote_app_unnumbered_votes_total", "vote_app_stored_votes_unnumbered_total"),
    *("vote_app_queue_oldest_seconds", "vote_app_intake_open", "vote_app_intake_maintenance"),
    *("vote_app_cgroup_memory_bytes", "vote_app_cgroup_memory_limit_bytes"),
    "vote_app_cgroup_cpu_seconds_total",
    *("vote_app_container_memory_bytes", "vote_app_container_memory_limit_bytes"),
    *("vote_app_pgpool_connections", "vote_app_pgpool_places", "vote_app_pgpool_refused_total"),
    *("vote_app_service_replicas_desired", "vote_app_service_replicas_running"),
    *("vote_app_nodes", "vote_app_node_ready"),
    *("vote_app_probes_total", "vote_app_probe_seconds"),
    *("vote_app_backups_kept", "vote_app_backup_age_seconds", "vote_app_backup_problem"),
    *("vote_app_drill_failed", "vote_app_drill_age_seconds"),
    *("vote_app_backup_runner_silent", "vote_app_archive_waiting_files", "vote_app_archive_waiting_seconds"),
    *("vote_app_archive_split", "vote_app_wal_bytes"),
}
"""What the services give."""
EXPORTERS = {
    "up",  # Prometheus itself
    *("pg_up", "pg_replication_slots_pg_wal_lsn_diff"),  # 0.17
    *(
        "redis_up",
        "redis_instance_info",
        "redis_memory_used_bytes",
        "redis_memory_max_bytes",
    ),  # redis_exporter
    *("node_time_seconds", "node_filesystem_avail_bytes", "node_filesystem_size_bytes"),  # 1.9
    "node_uname_info",
    "alertmanager_notifications_failed_total",
    *("prometheus_notifications_dropped_total", "prometheus_notifications_alertmanagers_discovered"),
    "haproxy_process_uptime_seconds",
    *("traefik_config_reloads_total", "process_resident_memory_bytes"),
}
"""What well-known exporters give, as they were seen to."""

Rule = dict[str, Any]
QUOTED = re.compile(r'"[^"]*"')
# What has names in it that are no metrics: labels, lengths of time, and lists of labels.
ASIDE = re.compile(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|on|without|ignoring|group_left|group_right) *\([^)]*\)")
NAME = re.compile(r"(?<![\w.:])[A-Za-z_:][\w:]*(?! *\(|[\w:])")
KEYWORDS = {"and", "or", "unless", "by", "on", "without", "ignoring", "bool", "offset"}
HISTOGRAM = re.compile(r"_(?:bucket|count|sum)$")


def metrics(expression: str) -> set[str]:
    """Return the metrics that an expression asks for."""
    return set(NAME.findall(ASIDE.sub("", QUOTED.sub("", expression)))) - KEYWORDS


def items(folder: Path, name: str) -> list[Rule]:
    """Return the items of a list of that name in every file of a folder."""
    files = [yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yaml"))]
    return [item for file in files for item in file[name]]


RULED = [rule for group in items(RULES, "groups") for rule in group["rules"]]
ALERTS = [rule for rule in RULED if "alert" in rule]
NAMES = sorted({rule["alert"] for rule in ALERTS})
EXPECTED = [case for test in items(CASES, "tests") for case in test["alert_rule_test"]]


def cases(name: str) -> list[Rule]:
    """Return what is expected of an alert, at all the moments at which it is looked at."""
    return [case for case in EXPECTED if case["alertname"] == name]


def labelled(rule: Rule) -> str:
    return "-".join([rule["alert"], *(str(value) for value in rule["labels"].values())])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("up == 0", {"up"}),
        ('max by (cluster) (a_b{c="d e", f!="g"}) < 2 * 1e3', {"a_b"}),
        ("a and on (instance) b < 30", {"a", "b"}),
        ("sum(rate(a_total[5m])) / sum(rate(b_count[5m]))", {"a_total", "b_count"}),
        ('label_replace(absent(a < 60), "part", "b", "", "")', {"a"}),
        ("a:b:ratio_rate5m > 14.4 * 0.001 or vector(1)", {"a:b:ratio_rate5m"}),
        ("abs(a - timestamp(a)) > 1", {"a"}),
    ],
)
def test_the_metrics_of_an_expression(expression: str, expected: set[str]) -> None:
    assert metrics(expression) == expected


@pytest.mark.parametrize("rule", RULED, ids=lambda rule: rule.get("record") or labelled(rule))
def test_every_metric_is_one_that_somebody_gives(rule: Rule) -> None:
    recorded = {other["record"] for other in RULED if "record" in other}
    asked = metrics(rule["expr"]) - recorded
    assert {name for name in asked if HISTOGRAM.sub("", name) not in OWN} - EXPORTERS == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_has_cases_of_both_kinds(name: str) -> None:
    firing = [case for case in cases(name) if case["exp_alerts"]]
    silent = [case for case in cases(name) if not case["exp_alerts"]]
    # The Watchdog is never silent: that is what it is for.
    assert firing
    assert bool(silent) == (name != "Watchdog")


@pytest.mark.parametrize("rule", ALERTS, ids=labelled)
def test_every_rule_is_seen_firing(rule: Rule) -> None:
    expected = [alert["exp_labels"] for case in cases(rule["alert"]) for alert in case["exp_alerts"]]
    assert any(rule["labels"].items() <= labels.items() for labels in expected)


@pytest.mark.parametrize("rule", ALERTS, ids=labelled)
def test_every_alert_says_how_urgent_it_is_and_what_to_read(rule: Rule) -> None:
    assert rule["labels"]["severity"] in ({"none"} if rule["alert"] == "Watchdog" else {"page", "ticket"})
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"].endswith(f"}}docs/runbooks/{rule['alert']}.md")


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert sorted(path.stem for path in RUNBOOKS.glob("*.md") if path.name != "README.md") == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_says_what_it_means_whether_votes_are_safe_and_what_to_do(name: str) -> None:
    text = (RUNBOOKS / f"{name}.md").read_text()
    assert text.startswith(f"# {name}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS


@pytest.mark.parametrize("name", NAMES)
def test_the_index_of_runbooks_has_a_row_for_every_alert(name: str) -> None:
    assert f"| [{name}]({name}.md) |" in (RUNBOOKS / "README.md").read_text()


def test_the_edge_s_limit_of_memory_is_the_stack_file_s() -> None:
    stack = yaml.safe_load((ROOT / "stack" / "docker-stack.yaml").read_text())
    limit = stack["services"]["traefik"]["deploy"]["resources"]["limits"]["memory"]
    (rule,) = [rule for rule in ALERTS if 'job="traefik"' in rule["expr"]]
    assert f"({limit.removesuffix('M')} * 1024 * 1024)" in rule["expr"]
