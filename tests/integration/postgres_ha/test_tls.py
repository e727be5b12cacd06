"""What goes between the nodes, pgpool and their clients: encrypted, and to nobody else."""

import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from integration.postgres_ha.load import Load
from kit.containers import DockerError, docker
from kit.inside import Inside
from kit.postgres_cluster import NODES, PostgresCluster
from kit.waiting import wait_until

WHOLE_SECONDS = 90
ENOUGH_COMMITS = 20
OTHER_NAME = "does not match host name"
# What comes over the network, and whether it is encrypted.
SESSIONS = """
SELECT usename, ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE client_addr IS NOT NULL
"""
STREAMS = "SELECT application_name, ssl, version FROM pg_stat_replication JOIN pg_stat_ssl USING (pid)"
STREAM_FROM = "ALTER SYSTEM SET primary_conninfo = 'host={} user=repmgr passfile=/tmp/postgres-ha/pgpass'"


def ask(cluster: PostgresCluster, node: str, *statements: str) -> list[Any]:
    """Return what the last statement gives."""
    with cluster.connect("repmgr", node, "postgres") as connection:
        for statement in statements:
            answer = connection.execute(statement)
        return list(answer.fetchall())


def standbys(cluster: PostgresCluster) -> list[str]:
    primary = cluster.primary_name()
    return [node for node in NODES if node != primary]


def test_every_connection_over_the_network_is_encrypted(whole: PostgresCluster) -> None:
    primary = whole.primary_name()
    with whole.connect("worker"):
        found = {node: ask(whole, node, SESSIONS) for node in NODES}
    assert [(node, row) for node, rows in found.items() for row in rows if not row[1]] == []
    assert {"worker", "repmgr"} <= {user for user, _ in found[primary]}
    assert sorted(ask(whole, primary, STREAMS)) == [(node, True, "TLSv1.3") for node in standbys(whole)]


@pytest.mark.parametrize("host", [NODES[0], "pgpool"])
def test_a_client_without_tls_is_refused(whole: PostgresCluster, host: str) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"no (pg_hba|pool_hba).conf entry"):
        whole.connect("worker", host, sslmode="disable")


@pytest.mark.parametrize("host", [NODES[0], "pgpool"])
def test_a_client_refuses_what_another_authority_signed(
    whole: PostgresCluster, host: str, tmp_path: Path
) -> None:
    stranger = Inside(tmp_path / "stranger", host)
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        psycopg.connect(
            host=host, hostaddr=whole.address(host) or "", dbname="votes", user="worker",
            password=whole.password("worker"), sslmode="verify-full", sslrootcert=str(stranger.authority),
        )  # fmt: skip


def test_the_agents_speak_tls_only(whole: PostgresCluster) -> None:
    for node in NODES:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((whole.address(node), 8008), timeout=5)
        with (
            socket.create_connection((whole.address(node), 8443), timeout=5) as client,
            suppress(ConnectionError),
        ):
            client.sendall(b"GET /state HTTP/1.1\r\n\r\n")
            assert not client.recv(100).startswith(b"HTTP")


def test_a_node_with_the_certificate_of_another_is_not_streamed_from(whole: PostgresCluster) -> None:
    source, node = standbys(whole)
    whole.kill(source)
    whole.run_node(source, certificate="pgpool")

    def refused() -> bool:
        try:
            docker("exec", f"{whole.prefix}-{node}", "psql", f"host={source} user=repmgr replication=true")
        except DockerError as error:
            return OTHER_NAME in error.stderr
        return False

    try:
        wait_until(refused, WHOLE_SECONDS)
        ask(whole, node, STREAM_FROM.format(source), "SELECT pg_reload_conf()")
        wait_until(lambda: OTHER_NAME in whole.logs(node), WHOLE_SECONDS)
        assert ask(whole, node, "SELECT status FROM pg_stat_wal_receiver") == []
    finally:
        whole.kill(source)
        whole.run_node(source)
    wait_until(whole.is_whole, WHOLE_SECONDS, whole.describe)


def test_nodes_that_demand_tls_and_nodes_that_prefer_it_are_one_cluster(whole: PostgresCluster) -> None:
    """As they are while an update goes from one to the other, node by node."""
    primary, (preferring, _) = whole.primary_name(), standbys(whole)
    try:
        with Load(whole) as load:
            whole.kill(preferring)
            whole.run_node(preferring, "prefer")
            wait_until(whole.is_whole, WHOLE_SECONDS, whole.describe)
            socket.create_connection((whole.address(preferring), 8008), timeout=5).close()
            load.wait_for_more(ENOUGH_COMMITS)
            whole.kill(primary)
            whole.run_node(primary)
            wait_until(whole.is_whole, WHOLE_SECONDS, whole.describe)
            load.wait_for_more(ENOUGH_COMMITS)
        assert load.lost() == set()
        assert {row[1] for row in ask(whole, whole.primary_name(), STREAMS)} == {True}
    finally:
        whole.kill(preferring)
        whole.run_node(preferring)
    wait_until(whole.is_whole, WHOLE_SECONDS, whole.describe)
