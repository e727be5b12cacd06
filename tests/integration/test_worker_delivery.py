"""The worker between a real Redis and a real PostgreSQL: nothing lost, nothing counted twice."""

from __future__ import annotations

import json
import random
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from integration.conftest import Database, RedisNode, Start
from kit.services import Service
from kit.waiting import wait_until
from worker import stream as stream_module
from worker.stream import GROUP, STREAM, Stream

StartWorker = Callable[[], Service]


@pytest.fixture
def start_worker(start: Any, redis_server: RedisNode, database: Database) -> StartWorker:
    database.proxy.switch(database.container.address)
    redis_port = redis_server.container.address[1]
    return lambda: start("worker", redis_port=redis_port, database_port=database.proxy.port)


WAITING = "SELECT {} FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'worker'"


def put(redis: Any, voter: object, choice: str, version: int) -> None:
    redis.xadd(STREAM, {"id": f"{voter}", "vote": choice, "version": version})


def drained(redis: Any) -> Callable[[], bool]:
    return lambda: bool(redis.xlen(STREAM) == 0)


def test_votes_are_stored_and_counted(redis: Any, database: Database, start_worker: StartWorker) -> None:
    for number in range(10):
        put(redis, number, "a" if number < 7 else "b", 1)
    start_worker()
    wait_until(drained(redis))
    assert database.tally() == database.counted() == {"a": 7, "b": 3}
    assert redis.xpending(STREAM, GROUP)["pending"] == 0


def test_whatever_order_and_however_often_the_newest_vote_counts(
    redis: Any, database: Database, start_worker: StartWorker
) -> None:
    deliveries = [(voter, "ab"[version % 2], version) for voter in range(20) for version in (1, 2)]
    deliveries *= 3
    random.Random(1).shuffle(deliveries)
    start_worker()
    for delivery in deliveries:
        put(redis, *delivery)
    wait_until(drained(redis))
    assert database.query("SELECT DISTINCT vote, version FROM votes") == [("a", 2)]
    assert database.tally() == {"a": 20}


def test_poison_moves_aside_with_its_reason(
    redis: Any, database: Database, start_worker: StartWorker
) -> None:
    for number in range(5):
        put(redis, number, "a", 1)
    put(redis, "x", "Z", 1)
    put(redis, "no\0good", "a", 1)
    redis.xadd(STREAM, {"nonsense": "1"})
    redis.xadd(STREAM, {"votes": json.dumps([["y", "b", 1], ["x", "Z", 1], ["no\0good", "a", 1]])})
    start_worker()
    wait_until(drained(redis))
    assert database.tally() == {"a": 5, "b": 1}
    dead = database.query(
        "SELECT convert_from(reason, 'UTF8'), fields FROM dead_letters ORDER BY reason, size"
    )
    assert [reason for reason, _ in dead] == [
        *["id holds a NUL"] * 2,
        "id is missing",
        *["vote is not an option"] * 2,
    ]
    refused = sorted(json.loads(fields[1]) for _, fields in dead if fields[0] == b"votes")
    assert refused == [[["no\0good", "a", 1]], [["x", "Z", 1]]]
    assert [b"id", b"no\0good", b"vote", b"a", b"version", b"1"] in [fields for _, fields in dead]


def test_what_a_killed_worker_took_is_delivered_again(
    redis: Any, database: Database, start_worker: StartWorker
) -> None:
    victim = start_worker()
    wait_until(lambda: redis.exists(STREAM))
    database.proxy.switch(None)
    with redis.pipeline(transaction=True) as at_once:  # The worker takes whatever is there, and holds it.
        for number in range(10):
            put(at_once, number, "b", 1)
        at_once.execute()
    wait_until(lambda: redis.xpending(STREAM, GROUP)["pending"] == 10)
    victim.kill()
    database.proxy.switch(database.container.address)
    start_worker()
    wait_until(drained(redis), 30)
    assert database.tally() == {"b": 10}


def test_a_vanished_group_is_made_again(redis: Any, database: Database, start_worker: StartWorker) -> None:
    start_worker()
    wait_until(lambda: redis.exists(STREAM))
    redis.flushall()
    put(redis, "v", "a", 1)
    wait_until(drained(redis))
    assert database.tally() == {"a": 1}


def test_postgres_killed_under_load_loses_nothing(
    redis: Any, database: Database, start_worker: StartWorker
) -> None:
    start_worker()
    killed = threading.Event()

    def vote() -> None:
        for number in range(1500):
            if number == 1000:
                killed.wait(60)
            put(redis, number, "ab"[number % 2], 1)
            time.sleep(0.002)

    wait_until(lambda: redis.exists(STREAM))
    load = threading.Thread(target=vote)
    load.start()
    wait_until(lambda: database.stored() > 0)
    database.container.kill()
    killed.set()
    assert load.is_alive(), "the load ended before the database was killed"
    database.container.start()
    wait_until(database.answers, 30)
    database.proxy.switch(database.container.address)
    load.join()
    wait_until(drained(redis), 30)
    assert database.tally() == database.counted() == {"a": 750, "b": 750}


def test_two_workers_keep_the_tally_exact(redis: Any, database: Database, start_worker: StartWorker) -> None:
    workers = [start_worker() for _ in range(2)]
    chance = random.Random(2)
    newest: dict[int, str] = {}
    pipeline = redis.pipeline(transaction=False)
    for version in range(6000):
        voter, choice = chance.randrange(500), chance.choice("ab")
        newest[voter] = choice
        put(pipeline, voter, choice, version)
        if version % 50 == 49:
            pipeline.execute()
    wait_until(drained(redis), 60)
    choices = list(newest.values())
    assert database.tally() == database.counted()
    assert database.tally() == {choice: choices.count(choice) for choice in "ab"}
    assert [worker.terminate() for worker in workers] == [0, 0]


def test_transactions_that_touch_the_options_in_another_order_do_not_deadlock(
    redis: Any, database: Database, start_worker: StartWorker
) -> None:
    start_worker()
    wait_until(lambda: redis.exists(STREAM))
    put(redis, "v", "a", 1)
    wait_until(drained(redis))
    first, second = database.connect(), database.connect()
    insert = "INSERT INTO votes VALUES (%s, %s, 1)"
    first.execute(insert, ["w", "a"])

    def other_way_round() -> None:
        second.execute(insert, ["x", "b"])
        second.execute(insert, ["y", "a"])
        second.commit()

    with ThreadPoolExecutor() as pool:
        other = pool.submit(other_way_round)
        time.sleep(0.5)
        first.execute(insert, ["z", "b"])
        first.commit()
        other.result(10)
    assert database.tally() == database.counted() == {"a": 3, "b": 2}


@pytest.mark.parametrize(
    ("choice", "statement", "table", "tally"),
    [
        ("a", "SELECT store_votes(", "votes", {"a": 1}),
        ("Z", "INSERT INTO dead_letters ", "dead_letters", {}),
    ],
    ids=["vote", "poison"],
)
def test_a_commit_whose_wait_for_the_standby_was_cancelled_is_not_settled(
    redis: Any,
    database: Database,
    start_worker: StartWorker,
    choice: str,
    statement: str,
    table: str,
    tally: dict[str, int],
) -> None:
    def require(standbys: str) -> None:
        database.query(f"ALTER SYSTEM SET synchronous_standby_names = '{standbys}'", "postgres")
        database.query("SELECT pg_reload_conf()", "postgres")

    def cut_short() -> bool:
        """Cut short whatever commit of the worker waits, its pulse too; say whether it was the right one."""
        waiting = database.query(
            WAITING.format(f"query LIKE '%{statement}%', pg_cancel_backend(pid)"),
            "postgres",
        )
        return any(looked_for for looked_for, _ in waiting)

    def waits() -> bool:
        """Say whether a commit of the worker waits, so that every further one will."""
        return bool(database.query(WAITING.format("pid"), "postgres"))

    start_worker()
    wait_until(lambda: redis.exists(STREAM))
    require("nobody")
    try:
        wait_until(waits)
        put(redis, "v", choice, 1)
        for _ in range(2):
            wait_until(cut_short, 30)
            assert redis.xlen(STREAM) == 1
    finally:
        require("")
    wait_until(drained(redis), 30)
    assert database.tally() == tally
    assert database.query(f"SELECT count(*) FROM {table}") == [(1,)]


def test_rows_can_be_deleted_changed_and_truncated_by_hand(
    redis: Any, database: Database, start_worker: StartWorker
) -> None:
    for number in range(6):
        put(redis, number, "a", 1)
    start_worker()
    wait_until(drained(redis))
    database.query("DELETE FROM votes WHERE id IN ('0', '1')")
    database.query("UPDATE votes SET vote = 'b' WHERE id = '2'")
    assert database.tally() == database.counted() == {"a": 3, "b": 1}
    database.query("TRUNCATE votes")
    assert database.tally() == database.counted() == {}


def test_the_pulse_keeps_the_last_hour(redis: Any, database: Database, start_worker: StartWorker) -> None:
    put(redis, "v", "a", 1)
    start_worker()
    wait_until(drained(redis))
    database.query("TRUNCATE history")
    for age in ("2 hours", "59 minutes"):
        database.query(f"INSERT INTO history (at, counts) VALUES (now() - interval '{age}', '{{}}')")
    kept = "SELECT counts FROM history WHERE at > now() - interval '1 hour 1 minute' ORDER BY at LIMIT 2"
    wait_until(lambda: database.query(kept) == [({},), ({"a": 1},)])
    older = "SELECT at FROM history WHERE at < now() - interval '1 hour 1 minute'"
    wait_until(lambda: not database.query(older))


def test_the_pulse_goes_on_while_a_batch_holds_the_tally(
    redis: Any, database: Database, start_worker: StartWorker
) -> None:
    start_worker()
    wait_until(lambda: database.query("SELECT to_regclass('pulse') IS NOT NULL") == [(True,)])
    database.query("TRUNCATE history")
    with database.connect() as batch:
        batch.execute("INSERT INTO votes VALUES ('v', 'a', 1)")
        [(began,)] = database.query("SELECT clock_timestamp()")
        wait_until(lambda: database.query(f"SELECT true FROM pulse WHERE at > '{began}'") == [(True,)])
        assert database.query("SELECT DISTINCT counts FROM history") == [({},)]


def test_sigterm_ends_a_worker_well_even_without_a_database(
    redis: Any, database: Database, start_worker: StartWorker, environment: dict[str, str]
) -> None:
    database.proxy.switch(None)
    put(redis, "v", "a", 1)
    worker = start_worker()
    database.proxy.switch(None)
    wait_until(Path(environment["HEARTBEAT_FILE"]).exists)
    assert worker.terminate() == 0
    assert redis.xlen(STREAM) == 1


def test_a_second_sigterm_ends_a_worker_at_once(
    start: Start, redis_server: RedisNode, environment: dict[str, str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        worker = start(
            "worker",
            redis_port=redis_server.container.address[1],
            database_port=frozen.getsockname()[1],
        )
        wait_until(Path(environment["HEARTBEAT_FILE"]).exists)
        worker.ask_to_end()
        time.sleep(1)  # two signals that come to a busy process together are one
        worker.ask_to_end()
        assert worker.wait(20) == 3


def test_a_worker_that_hangs_leaves_no_transaction_open(
    redis: Any, database: Database, start_worker: StartWorker
) -> None:
    states = "SELECT DISTINCT state FROM pg_stat_activity WHERE application_name = 'worker'"
    worker = start_worker()
    wait_until(lambda: redis.exists(STREAM))
    for number in range(100):
        put(redis, number, "a", 1)
        time.sleep(random.uniform(0, 0.01))
        worker.signal_all(signal.SIGSTOP)
        try:
            wait_until(lambda: database.query(states) == [("idle",)], 5)
        finally:
            worker.signal_all(signal.SIGCONT)
    wait_until(drained(redis))


def test_a_forgotten_consumer_that_woke_up_loses_nothing(redis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    put(redis, "v", "a", 1)
    redis.xreadgroup(GROUP, "woken", {STREAM: ">"})
    monkeypatch.setattr(stream_module, "is_forgettable", lambda name, *_: name == "woken")
    (entry,) = Stream(redis, "me").take()
    assert entry.fields[b"id"] == b"v"
    assert [consumer["name"] for consumer in redis.xinfo_consumers(STREAM, GROUP)] == [b"me"]
