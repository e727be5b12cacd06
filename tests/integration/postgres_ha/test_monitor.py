"""The exporter of PostgreSQL asks each node by an account that sees how a server is, and none of its rows."""

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
import requests

from integration.postgres_ha.test_accounts import FORBIDDEN, OF_VOTES, is_allowed, store_vote
from kit import monitoring
from kit.containers import address, docker, joined
from kit.exposition import scrape
from kit.images import reference
from kit.postgres_cluster import NODES, PostgresCluster
from kit.waiting import wait_until
from pgpool_leader.exporter import PORT
from pgpool_leader.pgpool_config import PLACES

MOST_CONNECTIONS = 6
# As haproxy.cfg has it.
MOST_OF_ONE_CLIENT = 8
PASSWORD = "postgres_monitor_password"


@pytest.fixture(scope="module", params=["verify-full", "prefer"])
def exporter(postgres_cluster: PostgresCluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """Run it as the stack does, for servers that demand TLS or prefer it; give its container."""
    secret = f"/run/secrets/{PASSWORD}"
    options = (
        *("--env", f"MONITOR_PASSWORD_FILE={secret}", *postgres_cluster.inside.client()),
        *("--env", f"PGSSLMODE={request.param}"),
        *("--volume", f"{postgres_cluster.secrets / PASSWORD}:{secret}:ro"),
        *monitoring.held("postgres-exporter"),
    )
    image, command = reference("exporters"), monitoring.command("postgres-exporter")
    with joined(postgres_cluster.prefix, *options, image, *command) as name:
        wait_until(lambda: told(name, NODES[0]))
        yield name


def told(exporter: str, node: str) -> dict[str, float]:
    """Return what it says of a node, by metric with its labels; nothing while it does not answer."""
    target = {"auth_module": "monitor", "target": f"postgresql://{node}:5432/votes"}
    try:
        answer = requests.get(f"http://{address(exporter)}:9100/probe", target, timeout=10)
    except requests.ConnectionError:
        return {}
    lines = (line for line in answer.text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def total(metrics: dict[str, float], name: str) -> float:
    return sum(value for metric, value in metrics.items() if metric.partition("{")[0] == name)


def test_it_says_of_each_node_what_the_alerts_ask(whole: PostgresCluster, exporter: str) -> None:
    primary = whole.primary_name()
    for node in NODES:
        metrics = told(exporter, node)
        assert metrics["pg_up"] == 1
        assert metrics["pg_replication_is_replica"] == (node != primary)
        assert total(metrics, "pg_settings_max_connections") == 60
        assert total(metrics, "pg_database_size_bytes") > 0
        failed = [m for m, v in metrics.items() if m.startswith("pg_scrape_collector_success") and not v]
        assert (failed, metrics["pg_exporter_last_scrape_error"]) == ([], 0)
    metrics = told(exporter, primary)
    assert total(metrics, "pg_replication_slots_active") == 2
    assert [m for m in metrics if m.startswith("pg_replication_slots_pg_wal_lsn_diff")]


def test_the_account_reads_no_vote_and_holds_nobody_up(whole: PostgresCluster) -> None:
    store_vote(whole, "voter")
    with connect(whole) as connection:
        assert [s for s in (*OF_VOTES, *FORBIDDEN) if is_allowed(connection, s)] == []
        for statement in ("SELECT pg_read_file('PG_VERSION')", "COPY (SELECT 1) TO PROGRAM 'true'"):
            assert not is_allowed(connection, statement)


def test_the_account_holds_few_of_the_server_s_places(whole: PostgresCluster, exporter: str) -> None:
    with ExitStack() as held:
        for _ in range(MOST_CONNECTIONS):
            held.enter_context(connect(whole))
        with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
            connect(whole)
    wait_until(lambda: told(exporter, whole.primary_name()).get("pg_up") == 1)


def connect(cluster: PostgresCluster) -> psycopg.Connection:
    """Connect as the exporter does, to the primary itself."""
    password = (cluster.secrets / PASSWORD).read_text().strip()
    return psycopg.connect(
        host=cluster.address(cluster.primary_name()), dbname="votes", user="monitor", password=password,
        connect_timeout=5, autocommit=True,
    )  # fmt: skip


def test_pgpool_counts_who_has_a_place_and_who_asks_for_too_many(whole: PostgresCluster) -> None:
    def told(name: str) -> float:
        return scrape(PORT, whole.address("pgpool") or "")[f"vote_app_pgpool_{name}"]

    refused = 'refused_total{reason="too_many"}'
    wait_until(lambda: told("connections") == 0)
    before = told(refused)
    with ExitStack() as held:
        for _ in range(MOST_OF_ONE_CLIENT):
            held.enter_context(whole.connect("worker"))
        wait_until(lambda: told("connections") == MOST_OF_ONE_CLIENT)
        with pytest.raises(psycopg.OperationalError):
            whole.connect("worker")
        wait_until(lambda: told(refused) > before)
    wait_until(lambda: told("connections") == 0)
    assert told("places") == PLACES


def test_a_node_says_what_its_container_takes(whole: PostgresCluster) -> None:
    for node in NODES:
        told = (whole.state(node) or {})["container"]
        assert told["memory"] > 2**20
        assert told["cpu_seconds"] > 0


def test_it_shows_its_password_to_nobody(whole: PostgresCluster, exporter: str) -> None:
    password = (whole.secrets / PASSWORD).read_text().strip()
    shown = docker("exec", exporter, "cat", "/proc/1/cmdline", "/proc/1/environ")
    own = requests.get(f"http://{address(exporter)}:9100/metrics", timeout=10)
    assert password not in shown + own.text + docker("logs", exporter)
    assert docker("exec", exporter, "stat", "--format", "%a", "/tmp/postgres.yml") == "600"
