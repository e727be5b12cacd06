"""What the accounts of the queue can do to a real Redis, configured as the gate configures it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from kit.containers import Container
from kit.images import reference
from kit.waiting import wait_until
from observer import question
from redis_gate.acl import REDIS_RULES, acl_file
from redis_gate.redis_config import redis_config
from unit.redis_gate.samples import PASSWORDS, REDIS
from worker import stream as stream_module
from worker.access import Access
from worker.poll import OPEN, Poll
from worker.stream import DEAD, ENTRIES, GROUP, STREAM, Stream, StreamAwayError

MEGABYTE = 1_000_000
INTAKE = "votes:intake"
IN_CLEAR = None
NO_DATABASE = ("", 5432, "votes", "", ("",))
START = """
cat > /tmp/users.acl <<'END'
%sEND
cat > /tmp/redis.conf <<'END'
%smin-replicas-to-write 0
END
exec redis-server /tmp/redis.conf
"""


class Accounts:
    """Clients of one Redis, each of an account."""

    def __init__(self, container: Container) -> None:
        self.host, self.port = container.address

    def client(self, account: str, password: str = "", **more: Any) -> Any:
        return Redis(
            host=self.host, port=self.port, username=account, password=password or PASSWORDS[account],
            protocol=2, socket_timeout=10, retry=Retry(NoBackoff(), 0), **more,
        )  # fmt: skip

    def answers(self) -> bool:
        try:
            return bool(self.client("worker").info("memory"))
        except RedisError:
            return False


@contextmanager
def redis_with(rules: Mapping[str, str], others: Mapping[str, str] | None = None) -> Iterator[Accounts]:
    """Start a Redis with these accounts, and other passwords that are good as well."""
    configuration = redis_config(REDIS, "/tmp/users.acl", None)
    script = START % (acl_file(rules, PASSWORDS, others or {}), configuration)
    container = Container(reference("redis"), 6379, "bash", "-c", script)
    try:
        started = Accounts(container)
        wait_until(started.answers, 60)
        yield started
    finally:
        container.remove()


@pytest.fixture(scope="module")
def accounts() -> Iterator[Accounts]:
    with redis_with(REDIS_RULES) as started:
        yield started


@pytest.mark.parametrize(
    "command",
    [
        ("MULTI",),
        ("XRANGE", STREAM, "-", "+"),
        ("XTRIM", STREAM, "MAXLEN", 0),
        ("XSETID", STREAM, "1-1"),
        ("DEL", STREAM),
        ("XADD", STREAM, "*", "id", "v"),
        ("XADD", STREAM, "MAXLEN", 1, "*", "id", "v"),
        ("XADD", STREAM, "18446744073709551615-18446744073709551615", "id", "v"),
        ("VOTES.APPEND", "votes:dead", "votes", "[]"),
        ("VOTES.REPLAY", "votes:dead", "votes", "[]"),
        ("SET", "votes:intake", "open"),
        ("VOTES.POLL", 9, 9, "open", 0),
        ("EVAL", "return 1", 0),
        ("FLUSHALL",),
        ("CONFIG", "GET", "*"),
    ],
    ids=lambda command: " ".join(map(str, command[:3])).lower(),
)
def test_vote_may_not(accounts: Accounts, command: tuple[str | int, ...]) -> None:
    with pytest.raises(NoPermissionError):
        accounts.client("ballot").execute_command(*command)


@pytest.mark.parametrize(
    "fields",
    [
        ("votes", '[["v", "a", 1]]'),
        ("id", "v", "vote", "a", "version", "1"),
        ("votes", b"\0\xff\r\n"),
        ("votes", "x" * 16_384),
    ],
    ids=["together", "alone", "bytes", "long"],
)
def test_what_is_appended_is_an_entry_as_any_other(
    accounts: Accounts, fields: tuple[str | bytes, ...]
) -> None:
    entry = accounts.client("ballot").execute_command("VOTES.APPEND", STREAM, *fields)
    expected = [field if isinstance(field, bytes) else field.encode() for field in fields]
    worker = accounts.client("worker")
    ((found, written),) = worker.xrange(STREAM, entry, entry)
    assert (found, [part for pair in written.items() for part in pair]) == (entry, expected)
    worker.xdel(STREAM, entry)


@pytest.mark.parametrize(
    "fields",
    [
        (),
        ("votes",),
        ("MAXLEN", "1"),
        ("vote", "a"),
        ("votes\0", "[]"),
        ("votes", "[]", "more"),
        ("MAXLEN", "1", "*", "id", "v"),
        ("id", "v", "vote", "a", "vote", "b"),
        ("id", "v", "vote", "a", "version", "1", "more", "2"),
        ("votes", "x" * 16_385),
    ],
    ids=lambda fields: " ".join(fields)[:20] or "nothing",
)
def test_what_is_no_vote_is_not_appended(accounts: Accounts, fields: tuple[str, ...]) -> None:
    before = accounts.client("worker").xlen(STREAM)
    for command in ("VOTES.APPEND", "VOTES.REPLAY"):
        with pytest.raises(ResponseError):
            accounts.client("ballot").execute_command(command, STREAM, *fields)
    assert accounts.client("worker").xlen(STREAM) == before


@pytest.mark.parametrize("state", ["draining", "closed", "maintenance"])
def test_while_no_votes_are_taken_only_those_that_were_acknowledged_come_in(
    accounts: Accounts, state: str
) -> None:
    intake, ballot, worker = (accounts.client(name) for name in ("observer", "ballot", "worker"))
    before = worker.xlen(STREAM)
    intake.set(INTAKE, state)
    with pytest.raises(ResponseError, match=f"INTAKE {state}"):
        ballot.execute_command("VOTES.APPEND", STREAM, "votes", "[]")
    assert worker.xlen(STREAM) == before
    entry = ballot.execute_command("VOTES.REPLAY", STREAM, "votes", "[]")
    assert worker.xlen(STREAM) == before + 1
    worker.xdel(STREAM, entry)
    intake.set(INTAKE, "open")
    worker.xdel(STREAM, ballot.execute_command("VOTES.APPEND", STREAM, "votes", "[]"))


@pytest.mark.parametrize("state", ["", "x" * 33, "two\r\nlines", "OPEN"])
def test_an_intake_that_nobody_can_read_takes_nothing(accounts: Accounts, state: str) -> None:
    intake = accounts.client("observer")
    intake.set(INTAKE, state)
    with pytest.raises(ResponseError, match="INTAKE unreadable"):
        accounts.client("ballot").execute_command("VOTES.APPEND", STREAM, "votes", "[]")
    intake.set(INTAKE, "open")


@pytest.mark.parametrize(
    "command",
    [
        ("XADD", STREAM, "*", "id", "v"),
        ("VOTES.APPEND", STREAM, "votes", "[]"),
        ("XDEL", STREAM, "1-1"),
        ("XTRIM", STREAM, "MAXLEN", 0),
        ("XACK", STREAM, GROUP, "1-1"),
        ("XREADGROUP", "GROUP", GROUP, "me", "STREAMS", STREAM, ">"),
        ("DEL", STREAM),
        ("DEL", DEAD),
        ("DEL", INTAKE),
        ("SET", STREAM, "no stream"),
        ("SET", DEAD, "no stream"),
        ("GET", "another"),
        ("SET", "another", "1"),
        ("MULTI",),
        ("EVAL", "return 1", 0),
        ("REPLICAOF", "NO", "ONE"),
        ("CONFIG", "GET", "*"),
        ("FLUSHALL",),
    ],
    ids=lambda command: " ".join(map(str, command[:2])).lower(),
)
def test_the_observer_may_not(accounts: Accounts, command: tuple[str | int, ...]) -> None:
    with pytest.raises(NoPermissionError):
        accounts.client("observer").execute_command(*command)


@pytest.mark.parametrize(
    "command",
    [
        ("XLEN", STREAM),
        ("XRANGE", STREAM, "-", "+"),
        ("XINFO", "STREAM", STREAM),
        ("XADD", STREAM, "*", "id", "v"),
        ("GET", INTAKE),
        ("SCAN", 0),
        ("CONFIG", "GET", "*"),
        ("SLOWLOG", "GET"),
        ("SLOWLOG", "RESET"),
        ("LATENCY", "RESET"),
        ("MONITOR",),
        ("CLIENT", "LIST"),
        ("CLIENT", "KILL", "TYPE", "normal"),
        ("WAIT", 1, 1),
        ("SHUTDOWN",),
    ],
    ids=lambda command: " ".join(map(str, command[:2])).lower(),
)
def test_the_monitoring_sees_neither_votes_nor_settings(
    accounts: Accounts, command: tuple[str | int, ...]
) -> None:
    with pytest.raises(NoPermissionError):
        accounts.client("monitor").execute_command(*command)


def test_the_monitoring_sees_how_the_server_is(accounts: Accounts) -> None:
    monitor = accounts.client("monitor")
    assert monitor.info("all")["maxmemory"] > 0
    assert monitor.execute_command("SLOWLOG", "LEN") >= 0
    assert monitor.execute_command("LATENCY", "LATEST") == []


def test_the_observer_says_whether_votes_are_taken_and_reads_the_queue(accounts: Accounts) -> None:
    observer = accounts.client("observer")
    assert observer.set(INTAKE, "closed")
    assert observer.get(INTAKE) == b"closed"
    assert observer.set(INTAKE, "open")
    assert observer.wait(0, 1) == 0
    assert observer.xlen(STREAM) == observer.xlen(DEAD) == 0
    assert observer.xrange(STREAM, count=1) == observer.xrevrange(STREAM, count=1) == []


@pytest.mark.parametrize("name", ["observer", "worker"])
def test_the_observer_asks_by_its_own_account(name: str) -> None:
    rules = {each: REDIS_RULES[each] for each in ("worker", name)}  # by the worker it is seen to run
    with redis_with(rules) as server:
        own = Access(server.host, server.port, "observer", PASSWORDS["observer"], IN_CLEAR, *NO_DATABASE)
        ask = question.redis(own, server.host, ("ROLE",), ("XLEN", STREAM))
        if name == "observer":
            assert [(role[0], entries) for role, entries in (ask(), ask())] == [(b"master", 0)] * 2
            return
        with pytest.raises(AuthenticationError):
            ask()


def test_a_worker_hears_whether_votes_are_taken(accounts: Accounts) -> None:
    stream, observer = Stream(accounts.client("worker"), "me"), accounts.client("observer")
    assert stream.intake() == "open"
    observer.set(INTAKE, "maintenance")
    assert stream.intake() == "maintenance"
    observer.set(INTAKE, "open")


def test_a_worker_may_tell_of_the_poll_and_hears_whose_reign_it_is(accounts: Accounts) -> None:
    worker = accounts.client("worker")
    revision = worker.execute_command("VOTES.STATE")[1]
    held = Stream(worker, "me").tell(Poll(revision, 1, OPEN, None, False, 0))
    assert held == (revision, (worker.info()["run_id"], worker.info()["master_replid"]))


def test_a_redis_of_the_release_before_does_not_tell_a_worker() -> None:
    former = {"worker": REDIS_RULES["worker"].replace(" +votes.state", "")}
    with redis_with(former) as server:
        assert Stream(server.client("worker"), "me").intake() is None


def test_a_worker_may_not_add_to_the_queue(accounts: Accounts) -> None:
    with pytest.raises(NoPermissionError):
        accounts.client("worker").xadd(STREAM, {"id": "v"})


def test_a_value_of_more_than_a_megabyte_is_refused(accounts: Accounts) -> None:
    with pytest.raises((ResponseError, RedisConnectionError)):
        accounts.client("ballot").execute_command("VOTES.APPEND", STREAM, "votes", b"x" * 2 * MEGABYTE)
    assert accounts.client("ballot").ping()


def test_a_command_of_many_large_values_is_cut_before_it_fills_the_memory(accounts: Accounts) -> None:
    with pytest.raises(RedisConnectionError):
        accounts.client("ballot").execute_command("VOTES.APPEND", STREAM, *[b"x" * MEGABYTE] * 340)
    assert accounts.client("worker").info("memory")["used_memory_peak"] < 80 * MEGABYTE


def test_many_clients_with_half_a_command_share_a_bound(accounts: Accounts) -> None:
    """Each is below its own limit; the largest are cut when all together are above theirs."""
    half = b"*3\r\n$12\r\nVOTES.APPEND\r\n$5\r\nvotes\r\n$1000000\r\n" + b"x" * 900_000
    clients = [accounts.client("ballot", single_connection_client=True) for _ in range(100)]
    for client in clients:
        client.connection.send_packed_command([half])
    memory = accounts.client("worker").info("memory")
    assert memory["mem_clients_normal"] < 70 * MEGABYTE
    for client in clients:
        client.close()


def test_a_worker_gets_through_entries_that_are_too_large_to_read_at_once(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "CLAIM_IDLE_MILLISECONDS", 0)
    monkeypatch.setattr(stream_module, "CLAIM_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(stream_module, "BLOCK_MILLISECONDS", 1)
    worker, vote = accounts.client("worker"), accounts.client("vote")
    worker.xgroup_create(STREAM, GROUP, id="$", mkstream=True)
    added = {vote.xadd(STREAM, {"id": b"x" * 900_000}) for _ in range(60)}
    stream = Stream(worker, "me")
    largest, turns = 0, 0
    while added:
        turns += 1
        assert turns < ENTRIES, f"{len(added)} left"
        try:
            taken = [entry.entry_id for entry in stream.take()]
        except StreamAwayError:
            continue
        largest = max(largest, len(taken))
        stream.remove(taken)
        added -= set(taken)
    assert 0 < largest * 900_000 < 33 * MEGABYTE


def test_a_preference_for_a_replica_ends_by_itself(accounts: Accounts) -> None:
    def priority() -> int:
        return int(accounts.client("monitor").info("replication").get("slave_priority", 0))

    sentinel = accounts.client("sentinel")
    sentinel.execute_command("SLAVEOF", "127.0.0.1", 1)
    try:
        assert priority() == 100
        assert sentinel.execute_command("VOTES.PREFER", 60_000) == 60_000
        assert priority() == 1
        sentinel.execute_command("VOTES.PREFER", 1)
        wait_until(lambda: priority() == 100)
        for time in (0, 60_001, "soon"):
            with pytest.raises(ResponseError, match="no time"):
                sentinel.execute_command("VOTES.PREFER", time)
    finally:
        sentinel.execute_command("SLAVEOF", "NO", "ONE")


@pytest.mark.parametrize("account", [name for name in REDIS_RULES if name not in ("sentinel", "vote")])
def test_only_the_sentinels_account_may_prefer_or_pause(accounts: Accounts, account: str) -> None:
    for command in (("VOTES.PREFER", 1), ("CLIENT", "PAUSE", 1, "WRITE")):
        with pytest.raises(NoPermissionError):
            accounts.client(account).execute_command(*command)


def test_while_a_password_is_changed_two_are_good_and_one_afterwards(accounts: Accounts) -> None:
    with redis_with(REDIS_RULES, {"ballot": "the-other"}) as server:
        for password in (PASSWORDS["ballot"], "the-other"):
            assert server.client("ballot", password).ping()
        for account, password in (("ballot", "another"), ("worker", "the-other")):
            with pytest.raises(AuthenticationError):
                server.client(account, password).ping()
    assert accounts.client("ballot").ping()
    with pytest.raises(AuthenticationError):
        accounts.client("ballot", "the-other").ping()
