"""One fault at a time on the real queue: it returns to full strength and has kept every acknowledged vote."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from integration.redis_producer import Producer, append
from kit.exposition import scrape
from kit.redis_cluster import PROXIES, PROXY, REDIS, SENTINELS, RedisCluster, running_cluster
from kit.waiting import wait_until

# A proxy gives one client so many.
PLACES = 32
# Who is not let in is cut off at once.
LET_IN_SECONDS = 0.3
# So that its places last until a proxy has noticed that a node is silent.
ASKED_EACH_SECONDS = 0.1

Fault = Callable[[RedisCluster, str], None]

RECOVERY_SECONDS = 40
ENOUGH_VOTES = 50
# By so much one machine comes back later than another; a gate waits longer for the primary.
BOOT_SECONDS = 8


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    folder: Path = tmp_path_factory.mktemp("redis")
    with running_cluster(folder) as cluster:
        yield cluster


@dataclass
class Outcome:
    before: str
    after: str
    producer: Producer


def suffer(cluster: RedisCluster, fault: Fault) -> Outcome:
    """Let a fault happen to a cluster at full strength while votes come in."""
    before = cluster.recover(RECOVERY_SECONDS)
    with Producer(cluster) as producer:
        producer.wait_for_more(ENOUGH_VOTES)
        began = time.monotonic()
        fault(cluster, before)
        after = cluster.recover(RECOVERY_SECONDS)
        seconds = time.monotonic() - began
        producer.wait_for_more(ENOUGH_VOTES)
    print(
        f"{fault.__name__}: {before} -> {after}, {len(producer.acknowledged)} acknowledged, "
        f"{producer.silence:.1f} s without, {seconds:.1f} s to full strength"
    )
    return Outcome(before, after, producer)


def replica(primary: str) -> str:
    return next(node for node in REDIS if node != primary)


def restart(cluster: RedisCluster, name: str, pause: float = 1) -> None:
    """Replace a killed container as Swarm does: a new one, with another address, on the same volume."""
    cluster.remove(name)
    time.sleep(pause)
    cluster.start(name)


def restart_wiped(cluster: RedisCluster, name: str) -> None:
    cluster.remove(name)
    cluster.wipe(name)
    time.sleep(1)
    cluster.start(name)


def primary_killed_and_soon_back(cluster: RedisCluster, primary: str) -> None:
    restart(cluster, primary, 1)


def primary_killed_and_back_after_the_failover(cluster: RedisCluster, primary: str) -> None:
    restart(cluster, primary, 6)


def primary_killed_and_its_volume_lost(cluster: RedisCluster, primary: str) -> None:
    restart_wiped(cluster, primary)


def replica_killed_and_its_volume_lost(cluster: RedisCluster, primary: str) -> None:
    restart_wiped(cluster, replica(primary))


def sentinel_killed_and_its_volume_lost(cluster: RedisCluster, primary: str) -> None:
    restart_wiped(cluster, "sentinel-2")


def proxy_killed(cluster: RedisCluster, primary: str) -> None:
    restart(cluster, "redis-proxy-1")


@pytest.mark.parametrize(
    ("fault", "fails_over"),
    [
        (primary_killed_and_soon_back, True),
        (primary_killed_and_back_after_the_failover, True),
        (primary_killed_and_its_volume_lost, True),
        (replica_killed_and_its_volume_lost, False),
        (sentinel_killed_and_its_volume_lost, False),
        (proxy_killed, False),
    ],
)
def test_kill_loses_nothing(cluster: RedisCluster, fault: Fault, fails_over: bool) -> None:
    outcome = suffer(cluster, fault)
    assert (outcome.after != outcome.before) is fails_over
    assert outcome.producer.acknowledged
    lost = {node: outcome.producer.lost(node) for node in REDIS}
    assert not any(lost.values()), lost


def test_a_replica_that_is_chosen_takes_over_and_loses_nothing(cluster: RedisCluster) -> None:
    """No producer's replay helps here: all that was acknowledged is on the replica before it takes over."""
    before = cluster.recover(RECOVERY_SECONDS)
    heir = replica(before)

    def moved(cluster: RedisCluster, primary: str) -> None:
        cluster.inside(primary, f"python -m redis_gate switchover {primary} {heir}")

    outcome = suffer(cluster, moved)
    assert outcome.after == heir
    lost = {node: outcome.producer.lost(node) for node in REDIS}
    assert not any(lost.values()), lost


def test_who_is_the_primary_does_not_take_over(cluster: RedisCluster) -> None:
    primary = cluster.recover(RECOVERY_SECONDS)
    assert not cluster.succeeds(primary, "python", "-m", "redis_gate", "switchover", primary, primary)
    assert cluster.recover(RECOVERY_SECONDS) == primary


def test_frozen_primary_is_replaced_and_follows_when_it_thaws(cluster: RedisCluster) -> None:
    """Some acknowledged votes may be lost here: the producer's replay, tested with vote, brings them back."""

    def primary_frozen(cluster: RedisCluster, primary: str) -> None:
        with cluster.frozen(primary):
            wait_until(lambda: replaced(cluster, primary), RECOVERY_SECONDS)

    outcome = suffer(cluster, primary_frozen)
    assert outcome.after != outcome.before


def replaced(cluster: RedisCluster, primary: str) -> bool:
    """Say whether another node than this one leads."""
    others = [cluster.role(node) for node in REDIS if node != primary]
    return any(role[0] == "master" for role in others if role)


def test_everything_killed_at_once_comes_back_with_everything(cluster: RedisCluster) -> None:
    def everything_killed(cluster: RedisCluster, primary: str) -> None:
        cluster.remove(*REDIS, *SENTINELS)
        cluster.start(*REDIS, *SENTINELS)

    producer = suffer(cluster, everything_killed).producer
    assert not producer.lost(cluster.recover(RECOVERY_SECONDS))


class Door:
    """Connections to the first proxy, which stay open as long as they are kept."""

    def __init__(self, cluster: RedisCluster, open_: ExitStack) -> None:
        self._proxy = (cluster.address(PROXIES[0]), 6379)
        self._context = ssl.create_default_context(cafile=authority(cluster))
        self._open = open_

    def connect(self) -> socket.socket:
        return self._open.enter_context(socket.create_connection(self._proxy, 5))

    def shake_hands(self, connection: socket.socket) -> ssl.SSLSocket:
        return self._open.enter_context(self._context.wrap_socket(connection, server_hostname=PROXY))

    def ping(self) -> ssl.SSLSocket:
        """Ask a node for a sign of life."""
        talking = self.shake_hands(self.connect())
        talking.sendall(b"PING\r\n")
        return talking


def test_one_client_takes_no_place_of_the_others_at_a_proxy(cluster: RedisCluster) -> None:
    cluster.recover(RECOVERY_SECONDS)
    with ExitStack() as open_:
        door = Door(cluster, open_)

        def let_in() -> socket.socket | None:
            """Connect; None where a connection from before this test still has the place."""
            try:
                connection = door.connect()
                connection.settimeout(LET_IN_SECONDS)
                connection.recv(1, socket.MSG_PEEK)
            except TimeoutError:
                connection.settimeout(5)
                return connection
            except ConnectionResetError:
                return None
            raise AssertionError("the proxy spoke first, or closed the connection")

        def talk() -> bool:
            """Take a place and keep it; false where a connection from before this test still has it."""
            try:
                return door.ping().recv(64).startswith(b"-NOAUTH")
            except ConnectionResetError:
                return False

        def crowd() -> tuple[socket.socket, socket.socket] | None:
            """Take the last two places in silence; None where they were lost again before the next came."""
            try:
                silent = (door.shake_hands(wait_until(let_in)), wait_until(let_in))
            except OSError:  # one was cut off later than those who are not let in usually are
                return None
            try:
                door.connect().recv(64)
            except ConnectionResetError:
                return silent
            return None

        for _ in range(PLACES - 2):
            wait_until(talk)
        silent = wait_until(crowd, 60)
        for place in silent:
            place.settimeout(10)
            assert place.recv(64) == b""
        wait_until(lambda: cluster.served_by(PROXIES[0]))


def test_who_was_on_the_way_to_a_primary_that_fell_silent_is_cut_off_and_keeps_no_place(
    cluster: RedisCluster,
) -> None:
    # Where it took long to freeze the primary, the proxy knows already.
    assert any(are_cut_off_on_the_way(cluster) for _ in range(5))


def are_cut_off_on_the_way(cluster: RedisCluster) -> bool:
    """Freeze the primary, and say whether anybody was on the way to it; all of them must be cut off."""
    primary = cluster.recover(RECOVERY_SECONDS)
    asked: list[ssl.SSLSocket] = []
    with cluster.frozen(primary), ExitStack() as open_:
        door = Door(cluster, open_)
        # Until its checks fail, the proxy takes it for the primary.
        while connection := ask(door):
            asked.append(connection)
        for connection in asked:
            connection.settimeout(10)
            assert is_cut_off(connection)
        open_.close()
        wait_until(lambda: not places_taken(cluster, PROXIES[0]))
    return bool(asked)


def ask(door: Door) -> ssl.SSLSocket | None:
    """Ask the primary for a sign of life and wait a little; None where the proxy knows none."""
    try:
        talking = door.ping()
        talking.settimeout(ASKED_EACH_SECONDS)
        is_cut_off(talking)
    except ConnectionResetError:
        return None
    except TimeoutError:
        pass
    return talking


def is_cut_off(connection: ssl.SSLSocket) -> bool:
    """Say whether an answer is the end of a connection; raise TimeoutError where there is none."""
    try:
        return connection.recv(64) == b""
    except ConnectionResetError:
        return True


def places_taken(cluster: RedisCluster, proxy: str) -> int:
    """What a proxy tells Prometheus of its clients, and of those on their way to a node."""
    told = scrape(9101, cluster.address(proxy))
    return int(
        sum(told[f'haproxy_frontend_current_sessions{{proxy="{name}"}}'] for name in ("redis", "nodes"))
    )


def authority(cluster: RedisCluster) -> Path:
    assert cluster.certificates
    return cluster.certificates.authority


def test_what_was_settled_stays_settled_after_a_restart(cluster: RedisCluster) -> None:
    """The append-only file is replayed with its transactions, as accounts without a default user need."""
    primary = cluster.recover(RECOVERY_SECONDS)
    with cluster.client(primary, "ballot") as vote, cluster.client(primary, "worker") as worker:
        entry = append(vote, "voter", 1)
        with worker.pipeline(transaction=True) as pipeline:
            pipeline.xdel("votes", entry).execute()
    # A busy disk keeps Redis from writing for up to two seconds.
    wait_until(lambda: all(is_on_disk_without(entry, cluster, node) for node in REDIS))
    cluster.remove(*REDIS)
    cluster.start(*REDIS)
    after = cluster.recover(RECOVERY_SECONDS)
    with cluster.client(after, "worker") as worker:
        assert worker.xrange("votes", entry, entry) == []


def is_on_disk_without(entry: str, cluster: RedisCluster, name: str) -> bool:
    with cluster.client(name, "worker") as client:
        return (
            not client.xrange("votes", entry, entry) and not client.info("persistence")["aof_buffer_length"]
        )


@pytest.mark.parametrize("first", [0, 1])
def test_of_replicas_that_return_without_their_primary_the_one_with_the_newest_votes_leads(
    cluster: RedisCluster, first: int
) -> None:
    """Sentinel alone takes whoever runs: a replica that restarts forgets how far it had followed."""
    primary = cluster.recover(RECOVERY_SECONDS)
    replicas = [node for node in REDIS if node != primary]
    early, late = replicas[first], replicas[1 - first]
    cluster.remove(early)
    acknowledged = confirmed_votes(cluster, primary)
    cluster.remove(primary, late, *SENTINELS)
    cluster.start(*SENTINELS, early)
    time.sleep(BOOT_SECONDS)
    cluster.start(late)
    after = wait_until(cluster.primary_with_a_replica, RECOVERY_SECONDS)
    missing = acknowledged - cluster.queued(after)
    cluster.start(primary)
    cluster.recover(RECOVERY_SECONDS)
    assert after == late
    assert not missing


def confirmed_votes(cluster: RedisCluster, primary: str) -> set[str]:
    """Add votes that the one replica left confirms."""
    acknowledged = set()
    with cluster.client(primary, "ballot") as client:
        for number in range(20):
            vote = uuid4().hex
            append(client, vote, number)
            if client.wait(1, 1000) == 1:
                acknowledged.add(vote)
    assert acknowledged
    return acknowledged


BREAK_ONE_BYTE = """
from pathlib import Path
path = max(Path("/data/appendonlydir").glob("*.incr.aof"))
text = bytearray(path.read_bytes())
text[text.index(b"\\r\\n*", len(text) // 2) + 2] = ord("Z")
path.write_bytes(text)
"""
LOSE_THE_MANIFEST = """
from pathlib import Path
Path("/data/appendonlydir/appendonly.aof.manifest").unlink()
print(*sorted(path.name for path in Path("/data/appendonlydir").iterdir()), sep="\\n")
"""
SET_ASIDE = "ls /data/appendonlydir.damaged-*"


def test_what_was_not_finished_when_a_node_was_killed_is_gone_when_it_is_back(cluster: RedisCluster) -> None:
    """A copy of all data from the primary, say: each time it would take more of the disk."""
    node = replica(cluster.recover(RECOVERY_SECONDS))
    cluster.inside(node, "touch /data/temp-1796069552.41.rdb /data/temp-rewriteaof-bg-41.aof")
    cluster.inside("sentinel-2", "touch /data/sentinel.conf.x3Kd9Q")
    for name in (node, "sentinel-2"):
        restart(cluster, name)
    cluster.recover(RECOVERY_SECONDS)
    assert "temp-" not in cluster.inside(node, "ls /data")
    assert "sentinel.conf.x3Kd9Q" not in cluster.inside("sentinel-2", "ls /data")


def test_a_replica_with_a_damaged_file_is_a_replica_again(cluster: RedisCluster) -> None:
    """Redis refuses such a file at every start; what it held is with the primary, and it is kept."""

    def replica_killed_and_a_byte_overwritten(cluster: RedisCluster, primary: str) -> None:
        cluster.remove(replica(primary))
        cluster.alter(replica(primary), BREAK_ONE_BYTE)
        cluster.start(replica(primary))

    outcome = suffer(cluster, replica_killed_and_a_byte_overwritten)
    node = replica(outcome.before)
    assert outcome.after == outcome.before
    assert not outcome.producer.lost(node)
    assert "Bad file format reading the append only file" in cluster.told(node)
    assert ".incr.aof" in cluster.inside(node, SET_ASIDE)


def test_a_primary_without_a_manifest_is_not_an_empty_primary(cluster: RedisCluster) -> None:
    """Redis would start empty, and its replicas would follow: another leads, and the files are kept."""
    files = ""

    def everything_killed_and_the_manifest_lost(cluster: RedisCluster, primary: str) -> None:
        nonlocal files
        cluster.remove(*REDIS)
        files = cluster.alter(primary, LOSE_THE_MANIFEST)
        cluster.start(*REDIS)

    outcome = suffer(cluster, everything_killed_and_the_manifest_lost)
    lost = {node: len(outcome.producer.lost(node)) for node in REDIS}
    assert not any(lost.values()), lost
    assert outcome.after != outcome.before
    assert "redis-check-aof --fix" in cluster.told(outcome.before)
    assert cluster.inside(outcome.before, SET_ASIDE) == files


def test_a_sentinel_whose_file_is_damaged_is_still_itself(cluster: RedisCluster) -> None:
    with cluster.client("sentinel-2", "sentinel", 26379) as client:
        identity = client.execute_command("SENTINEL", "MYID")

    def sentinel_killed_and_its_file_overwritten(cluster: RedisCluster, primary: str) -> None:
        cluster.remove("sentinel-2")
        cluster.alter("sentinel-2", "open('/data/sentinel.conf', 'wb').write(bytes(range(256)))")
        cluster.start("sentinel-2")

    outcome = suffer(cluster, sentinel_killed_and_its_file_overwritten)
    assert outcome.after == outcome.before
    with cluster.client("sentinel-2", "sentinel", 26379) as client:
        assert client.execute_command("SENTINEL", "MYID") == identity
    assert cluster.inside("sentinel-2", "ls /data/sentinel.conf.damaged-*")


@pytest.mark.parametrize("name", ["redis-1", "sentinel-1"])
def test_a_node_without_its_name_server_is_not_healthy(cluster: RedisCluster, name: str) -> None:
    """Nothing starts it again: Docker replaces the container."""
    cluster.recover(RECOVERY_SECONDS)
    wait_until(lambda: cluster.succeeds(name, "redis-health"))
    cluster.inside(name, "kill $(grep -la 'redis_gate[.]companion' /proc/[0-9]*/cmdline | cut -d/ -f3)")
    wait_until(lambda: not cluster.succeeds(name, "redis-health"))
    restart(cluster, name)
    cluster.recover(RECOVERY_SECONDS)
    wait_until(lambda: cluster.succeeds(name, "redis-health"))


@pytest.mark.parametrize("name", ["redis-1", "sentinel-1", "redis-proxy-1"])
def test_no_password_is_in_an_environment_or_on_a_command_line(cluster: RedisCluster, name: str) -> None:
    """Whoever looks into /proc, or asks the engine about a container, sees none."""
    cluster.recover(RECOVERY_SECONDS)
    seen = cluster.inside(name, "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'")
    assert "/run/secrets" in seen or name != "redis-proxy-1"
    assert not [path.name for path in cluster.secrets.iterdir() if path.read_text().strip() in seen]
