"""What of the chart runs inside the images, in those images."""

from collections.abc import Iterator

import psycopg
import pytest

from deployment.configuration.layout import ROOT
from kit.chart import CHART, NAMESPACE, Manifest, of_kind, pods, render
from kit.containers import Container
from kit.images import reference
from kit.redis_cluster import REDIS, SENTINELS, RedisCluster, running_cluster
from kit.waiting import wait_until

DOMAIN = f".{NAMESPACE}.svc.cluster.local"
POSTGRES_START = """
set -e
bin=/usr/lib/postgresql/17/bin
$bin/initdb --pgdata /tmp/data --auth trust --username postgres {options} > /dev/null
echo 'host all all all trust' >> /tmp/data/pg_hba.conf
exec $bin/postgres -D /tmp/data -c listen_addresses='*' -c unix_socket_directories=/tmp
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """Start a queue whose proxies know the nodes in the domain of the chart's namespace."""
    with running_cluster(tmp_path_factory.mktemp("cluster"), tls=False, domain=DOMAIN) as started:
        yield started


@pytest.fixture(scope="module")
def containers() -> dict[str, Manifest]:
    """Return what each workload's pods hold."""
    return {name: pod["containers"][0] for name, pod in pods(render()).items()}


def test_the_proxies_lead_to_the_primary_by_the_names_of_the_cluster(
    cluster: RedisCluster, containers: dict[str, Manifest]
) -> None:
    assert {"name": "NODES_DOMAIN", "value": DOMAIN} in containers["redis-proxy"]["env"]
    assert cluster.primary_at_full_strength() in REDIS
    said = cluster.complaints("redis-proxy-1")
    assert [node for node in (*REDIS, *SENTINELS) if f"('{node}{DOMAIN}') is UP" not in said] == []


def test_a_redis_is_ready_while_it_is_the_primary_or_follows_it(
    cluster: RedisCluster, containers: dict[str, Manifest]
) -> None:
    probe = containers["redis"]["readinessProbe"]["exec"]["command"]

    def ready() -> list[str]:
        return [node for node in REDIS if cluster.succeeds(node, *probe)]

    primary = cluster.recover(40)
    assert ready() == list(REDIS)
    cluster.remove(*SENTINELS, primary)
    wait_until(lambda: ready() == [], 20)


@pytest.fixture
def postgres() -> Iterator[Container]:
    start = POSTGRES_START.format(options=initdb_options())
    container = Container(reference("postgres"), 5432, "bash", "-c", start)
    try:
        wait_until(lambda: answers(container), 60)
        yield container
    finally:
        container.remove()


def initdb_options() -> str:
    """Return what the operator makes of the chart's wishes; without a wish its two locales are C."""
    (cluster,) = of_kind(render(), "Cluster")
    asked = cluster["spec"]["bootstrap"]["initdb"]
    assert asked["dataChecksums"] is True
    return (
        f"--encoding {asked['encoding']} --data-checksums --lc-collate C --lc-ctype C"
        f" --locale-provider {asked['localeProvider']} --builtin-locale {asked['builtinLocale']}"
    )


def connect(container: Container, user: str, name: str = "votes") -> psycopg.Connection:
    host, port = container.address
    return psycopg.connect(host=host, port=port, user=user, dbname=name, connect_timeout=5, autocommit=True)


def answers(container: Container) -> bool:
    try:
        connect(container, "postgres", "postgres").close()
    except psycopg.Error:
        return False
    return True


def test_a_database_with_the_locale_of_the_chart_takes_the_privileges_and_then_the_schema(
    postgres: Container,
) -> None:
    with connect(postgres, "postgres", "postgres") as operator:
        operator.execute("CREATE ROLE worker LOGIN")
        operator.execute("CREATE DATABASE votes OWNER worker")
    with connect(postgres, "postgres") as operator:
        operator.execute((CHART / "files" / "privileges.sql").read_bytes())
    with connect(postgres, "worker") as worker:
        worker.execute((ROOT / "worker" / "worker" / "schema.sql").read_bytes())
        worker.execute("SELECT store_votes(ARRAY['ann'], ARRAY['a'], ARRAY[1])")
    with connect(postgres, "result") as result:
        assert result.execute("SELECT vote, count FROM tally").fetchall() == [("a", 1)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            result.execute("SELECT id FROM votes")
