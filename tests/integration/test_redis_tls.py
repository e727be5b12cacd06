"""How all talk to the queue: with TLS and checked certificates, or, where that is chosen, in clear."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from redis.exceptions import RedisError

from integration.redis_producer import Producer
from kit.containers import UNWATCHED, DockerError, address, docker
from kit.images import reference
from kit.inside import Inside
from kit.redis_cluster import PROXIES, PROXY, REDIS, SENTINELS, RedisCluster, running_cluster, service
from kit.waiting import wait_until

RECOVERY_SECONDS = 40
ENOUGH_VOTES = 50
SERVERS = [("redis-1", 6379), ("sentinel-1", 26379), ("redis-proxy-1", 6379)]
# The first bytes of a handshake.
BEGINNING = bytes.fromhex("16030100a5010000")
# As redis-proxy bounds it; the servers of Redis do not.
HANDSHAKE_SECONDS = 3
STRANGERS = 25
# A proxy asks its nodes several times in it.
LONG_ENOUGH_SECONDS = 2
ALERT = b"\x15"  # a record that says what is wrong


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    with running_cluster(tmp_path_factory.mktemp("redis")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def in_clear(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    with running_cluster(tmp_path_factory.mktemp("redis"), tls=False) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Inside:
    """Another authority, with certificates for the same names."""
    return Inside(tmp_path_factory.mktemp("stranger") / "inside", *REDIS, *SENTINELS, PROXY)


def ours(cluster: RedisCluster) -> Inside:
    assert cluster.certificates
    return cluster.certificates


def shake_hands(place: tuple[str, int], authority: Inside, name: str) -> None:
    context = ssl.create_default_context(cafile=authority.authority)
    with socket.create_connection(place, 5) as plain, context.wrap_socket(plain, server_hostname=name):
        pass


@contextmanager
def vote_page(cluster: RedisCluster) -> Iterator[str]:
    """Run a replica of `vote` and return where it is."""
    name = f"{cluster.prefix}-vote"
    # Any file that its user can read will do.
    files = {"REDIS_PASSWORD": "/run/secrets/redis_ballot_password", "COOKIE_KEY": "/etc/hostname"}
    settings = [word for key, path in files.items() for word in ("-e", f"{key}_FILE={path}")]
    mount = ("-v", f"{cluster.secrets}:/run/secrets:ro")
    place = ("--name", name, "--network", cluster.prefix)
    try:
        docker("run", "-d", UNWATCHED, *place, *mount, *settings, *cluster.trust(), reference("vote"))
        url = f"http://{address(name)}:8080/"
        wait_until(lambda: is_ready(url), 60)
        yield url
    finally:
        docker("rm", "-f", name)


def is_ready(url: str) -> bool:
    try:
        with urlopen(f"{url}readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


@pytest.mark.parametrize(("name", "port"), SERVERS)
def test_a_client_in_clear_gets_nothing(cluster: RedisCluster, name: str, port: int) -> None:
    cluster.recover(RECOVERY_SECONDS)
    with socket.create_connection((cluster.address(name), port), 5) as plain:
        plain.sendall(b"PING\r\n")
        with suppress(ConnectionResetError):
            assert plain.recv(64)[:1] in {b"", ALERT}


@pytest.mark.parametrize(("name", "port"), SERVERS)
def test_a_client_knows_a_server_by_its_authority_and_its_name(
    cluster: RedisCluster, stranger: Inside, name: str, port: int
) -> None:
    cluster.recover(RECOVERY_SECONDS)
    place = (cluster.address(name), port)
    shake_hands(place, ours(cluster), service(name))
    for authority, expected in ((stranger, service(name)), (ours(cluster), "redis-2")):
        with pytest.raises(ssl.SSLCertVerificationError):
            shake_hands(place, authority, expected)


@pytest.mark.parametrize(("name", "port"), SERVERS)
def test_who_does_not_finish_a_handshake_holds_up_nobody(cluster: RedisCluster, name: str, port: int) -> None:
    cluster.recover(RECOVERY_SECONDS)
    # A busy machine may be late once.
    assert any(is_let_in_among_strangers(cluster, name, port) for _ in range(5))


def is_let_in_among_strangers(cluster: RedisCluster, name: str, port: int) -> bool:
    """Say whether a server answers before it gives up new clients who do not finish a handshake."""
    account = "sentinel" if name in SENTINELS else "ballot"
    with ExitStack() as open_:
        for number in range(STRANGERS):
            silent = open_.enter_context(socket.create_connection((cluster.address(name), port), 5))
            silent.sendall(BEGINNING[: number % len(BEGINNING)])
        began = time.monotonic()
        try:
            with cluster.client(name, account, port) as client:
                return client.ping() and time.monotonic() - began < HANDSHAKE_SECONDS
        except RedisError:
            return False


@pytest.mark.parametrize("name", ["redis-1", "sentinel-1"])
@pytest.mark.parametrize("how", ["cluster", "in_clear"])
def test_what_answers_is_healthy(request: pytest.FixtureRequest, how: str, name: str) -> None:
    asked: RedisCluster = request.getfixturevalue(how)
    asked.recover(RECOVERY_SECONDS)
    wait_until(lambda: is_healthy(asked, name))


def is_healthy(cluster: RedisCluster, name: str) -> bool:
    """Ask as the engine does, which forgives some failures on a busy machine."""
    with suppress(DockerError):
        cluster.inside(name, "redis-health")
        return True
    return False


@pytest.mark.parametrize("how", ["cluster", "in_clear"])
def test_votes_reach_the_queue(request: pytest.FixtureRequest, how: str) -> None:
    queue: RedisCluster = request.getfixturevalue(how)
    primary = queue.recover(RECOVERY_SECONDS)
    with vote_page(queue) as url, queue.client(primary, "worker") as worker:
        before = worker.xlen("votes")
        with urlopen(url, b"vote=a", timeout=15):
            assert worker.xlen("votes") > before  # the account of that process may have come, too


def test_a_failover_in_clear_loses_nothing(in_clear: RedisCluster) -> None:
    before = in_clear.recover(RECOVERY_SECONDS)
    with Producer(in_clear) as producer:
        producer.wait_for_more(ENOUGH_VOTES)
        in_clear.remove(before)
        producer.wait_for_more(ENOUGH_VOTES)
    after = wait_until(in_clear.primary_with_a_replica, RECOVERY_SECONDS)
    assert not producer.lost(after)
    in_clear.start(before)
    assert in_clear.recover(RECOVERY_SECONDS) == after


def test_a_proxy_serves_no_node_that_shows_the_certificate_of_another(cluster: RedisCluster) -> None:
    """Redis and Sentinel check no names, so one of the nodes is the primary all the same.

    This test is the last one: it leaves a cluster that is of no use.
    """
    cluster.recover(RECOVERY_SECONDS)
    cluster.remove(*REDIS)
    cluster.pretends = dict(zip(REDIS, (*REDIS[1:], REDIS[0]), strict=True))
    cluster.start(*REDIS)
    wait_until(lambda: leader(cluster))
    until = time.monotonic() + LONG_ENOUGH_SECONDS
    while time.monotonic() < until or not leader(cluster):
        assert not any(map(cluster.served_by, PROXIES))
    for node in REDIS:
        wait_until(partial(is_healthy, cluster, node))


def leader(cluster: RedisCluster) -> str | None:
    """Return the node that calls itself the primary and that every Sentinel calls so."""
    named = {cluster.named(sentinel) for sentinel in SENTINELS}
    node = named.pop()
    role = cluster.role(node) if node and not named else None
    return node if role and role[0] == "master" else None
