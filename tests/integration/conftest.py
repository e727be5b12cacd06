"""Real Redis and PostgreSQL, and the services on top of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from redis import Redis
from redis.exceptions import RedisError

from integration.forwarder import Forwarder
from kit.containers import Container
from kit.images import reference
from kit.inside import AUTHORITY_FILE, SERVER_FILE, Inside
from kit.one_of_each import POSTGRES_START
from kit.services import GUNICORN, Service, free_port
from kit.waiting import wait_until
from redis_gate.node_tls import Tls, listening
from redis_gate.redis_config import MODULE, REDIS_PORT
from worker import settings
from worker.store import Store

# Longest first. Whoever runs several files at once begins with these, so that none is left alone at the end.
# But the first is short: it needs nodes that have not seen votes. After that they look only now and then.
LONGEST = (
    "postgres_ha/test_completion.py",
    *("test_local.py", "test_redis_sentinel_faults.py", "postgres_ha/test_faults.py", "test_accounting.py"),
    *("certificates/test_renewal.py", "postgres_ha/test_backup.py", "certificates/test_issue.py"),
    *("test_prober.py", "test_monitoring.py", "test_worker_delivery.py", "postgres_ha/test_damage.py"),
    *("test_vote_queue.py", "test_bench.py", "test_redis_tls.py", "certificates/test_local.py"),
)
# What a worker makes.
TABLES = "votes, tally, pulse, history, probe, fingerprint, dead_letters, poll, archives, accounts, uncounted"
PASSWORD = "hush"
# Where this machine reaches the servers, and so the name in their certificates.
HOST = "127.0.0.1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first."""
    here = Path(__file__).parent
    places = {here / file: place for place, file in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(LONGEST)))


def _option(line: str) -> tuple[str, str]:
    """Return a line of Redis' configuration as it is written on a command line."""
    name, _, value = line.partition(" ")
    return f"--{name}", value.strip('"')


REDIS_OPTIONS = (
    "--loadmodule", MODULE,
    "--bind", "0.0.0.0", "--requirepass", PASSWORD, "--masterauth", PASSWORD, "--dir", "/tmp",
    "--save", "", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1",
    *(word for line in listening(REDIS_PORT, Tls(AUTHORITY_FILE, SERVER_FILE)) for word in _option(line)),
)  # fmt: skip


class RedisNode(NamedTuple):
    """A Redis server and a client to it."""

    container: Container
    client: Any

    def follow(self, primary: RedisNode | None) -> None:
        """Become a replica of another one, or a primary."""
        place = (primary.container.inner_ip, "6379") if primary else ("NO", "ONE")
        self.client.replicaof(*place)


class Trio(NamedTuple):
    """A primary with two replicas behind one address."""

    primary: RedisNode
    replicas: tuple[RedisNode, RedisNode]
    proxy: Forwarder


class Database(NamedTuple):
    """A PostgreSQL server behind one address."""

    container: Container
    proxy: Forwarder

    def connect(self, user: str = "worker") -> psycopg.Connection:
        """Open a connection that bypasses the proxy."""
        host, port = self.container.address
        return psycopg.connect(host=host, port=port, dbname="votes", user=user, connect_timeout=5)

    def query(self, sql: str, user: str = "worker") -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""
        with self.connect(user) as connection:
            connection.autocommit = True
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def answers(self) -> bool:
        """Say whether it can be queried."""
        try:
            return bool(self.query("SELECT 1"))
        except psycopg.Error:
            return False

    def stored(self) -> int:
        """Return how many votes there are; none while there is no table or no database."""
        try:
            return sum(self.counted().values())
        except psycopg.Error:
            return 0

    def tally(self) -> dict[str, int]:
        """Return the tally without options that have no votes."""
        return dict(self.query("SELECT vote, count FROM tally WHERE count <> 0"))

    def counted(self) -> dict[str, int]:
        """Return what counting every row gives."""
        return dict(self.query("SELECT vote, count(id) FROM votes GROUP BY vote"))


@pytest.fixture(scope="session")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Inside:
    """Make the certificate of every server here."""
    return Inside(tmp_path_factory.mktemp("certificates") / "inside", HOST)


def _start_redis(inside: Inside) -> Container:
    options = ("--volume", f"{inside.authority}:{AUTHORITY_FILE}:ro", *inside.server(HOST))
    return Container(reference("redis"), REDIS_PORT, "redis-server", *REDIS_OPTIONS, options=options)


def _connect(container: Container, inside: Inside) -> RedisNode:
    host, port = container.address
    client: Any = Redis(
        host=host,
        port=port,
        password=PASSWORD,
        socket_timeout=5,
        ssl=True,
        ssl_ca_certs=str(inside.authority),
    )
    wait_until(lambda: _pings(client), 60)
    return RedisNode(container, client)


def _pings(client: Any) -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False


def _replicas_in_sync(node: RedisNode) -> int:
    replication = node.client.info("replication")
    slaves = (replication.get(f"slave{number}", {}) for number in range(2))
    return sum(slave.get("state") == "online" for slave in slaves)


@pytest.fixture(scope="module")
def trio_containers(inside: Inside) -> Iterator[list[Container]]:
    """Start three Redis servers for the tests of a file."""
    containers = [_start_redis(inside) for _ in range(3)]
    yield containers
    for container in containers:
        container.remove()


@pytest.fixture
def trio(trio_containers: list[Container], inside: Inside) -> Iterator[Trio]:
    """Return three Redis servers as they are at first, whatever became of them in the last test."""
    for container in trio_containers:
        container.restore()
    nodes = primary, first, second = [_connect(container, inside) for container in trio_containers]
    primary.follow(None)
    primary.client.flushall()
    first.follow(primary)
    second.follow(primary)
    wait_until(lambda: _replicas_in_sync(primary) == 2)
    wait_until(lambda: not any(node.client.dbsize() for node in nodes))
    proxy = Forwarder(primary.container.address)
    yield Trio(primary, (first, second), proxy)
    proxy.close()
    for node in nodes:
        node.client.close()


@pytest.fixture(scope="session")
def redis_server(inside: Inside) -> Iterator[RedisNode]:
    """Start one Redis server for all tests that need no replica."""
    node = _connect(_start_redis(inside), inside)
    yield node
    node.client.close()
    node.container.remove()


@pytest.fixture
def redis(redis_server: RedisNode) -> Any:
    """Return a client to a Redis server that is empty."""
    redis_server.client.flushall()
    return redis_server.client


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Database]:
    """Start one PostgreSQL server for all tests."""
    container = Container(reference("postgres"), 5432, "bash", "-c", POSTGRES_START)
    database = Database(container, Forwarder(container.address))
    wait_until(database.answers, 120)
    yield database
    database.proxy.close()
    container.remove()


@pytest.fixture
def database(postgres_server: Database) -> Database:
    """Return a database as it is at first boot."""
    postgres_server.query(f"DROP TABLE IF EXISTS {TABLES}")
    return postgres_server


@pytest.fixture
def environment(tmp_path: Path, inside: Inside) -> dict[str, str]:
    """Return the settings that all services share."""
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD)
    names = ("REDIS_PASSWORD_FILE", "DATABASE_PASSWORD_FILE", "COOKIE_KEY_FILE")
    return {
        "REDIS_HOST": HOST,
        "REDIS_TLS": "yes",
        "INSIDE_CA_FILE": str(inside.authority),
        "REDIS_USERNAME": "default",
        "DATABASE_HOST": "127.0.0.1",
        "HEARTBEAT_FILE": str(tmp_path / "heartbeat"),
        "DRAIN_SECONDS": "1",
        **dict.fromkeys(names, str(secret)),
    }


Start = Callable[..., Service]


@pytest.fixture
def store(
    database: Database, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    """Return a worker's side of the database, which connects when it is first used."""
    database.proxy.switch(database.container.address)
    for name, value in {**environment, "DATABASE_PORT": str(database.proxy.port)}.items():
        monkeypatch.setenv(name, value)
    made = Store(settings.load().access)
    yield made
    made.close()


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Start]:
    """Return a function that starts a service, which ends with the test."""
    started: list[Service] = []

    def _start(name: str, **settings: object) -> Service:
        own = {key.upper(): str(value) for key, value in settings.items()}
        if name == "worker":
            service = Service(name, ("-m", "worker"), environment | own)
        else:
            command = (*GUNICORN, f"{name}:create_app()")
            service = Service(name, command, environment | {"PORT": str(free_port())} | own)
        started.append(service)
        return service

    yield _start
    for service in started:
        service.kill()
