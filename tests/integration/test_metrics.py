"""Metrics of the real services: as Prometheus gets them, of votes on their way and of their containers."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.request import Request, urlopen

import pytest

from integration.conftest import HOST, Database, RedisNode, Start, Trio
from kit.containers import address, joined
from kit.exposition import Scraped, scrape
from kit.images import reference
from kit.inside import Inside
from kit.one_of_each import SETTINGS
from kit.services import Service, free_port
from kit.waiting import wait_until
from vote.exporter import ANSWER_SECONDS, PLACES, PORT

ACCEPTED = 'vote_app_votes_total{outcome="accepted"}'
LIMIT_BYTES = 192 * 2**20


def vote(service: Service, times: int) -> None:
    for _ in range(times):
        with urlopen(Request(service.url + "/", data=b"vote=a"), timeout=20) as answer:
            assert answer.status == 200


def test_votes_are_counted_on_all_their_way(start: Start, trio: Trio, database: Database) -> None:
    database.proxy.switch(database.container.address)
    ports = {name: free_port() for name in ("vote", "worker", "result")}
    queue, tally = {"redis_port": trio.proxy.port}, {"database_port": database.proxy.port}
    start("worker", **queue, **tally, metrics_port=ports["worker"])
    services = [
        start("vote", **queue, metrics_port=ports["vote"]),
        start("result", **tally, metrics_port=ports["result"]),
    ]
    for service in services:
        service.wait_ready()
    vote(services[0], 3)
    wait_until(lambda: scrape(ports["worker"])["vote_app_batch_votes_sum"] == 3)
    wait_until(lambda: scrape(ports["vote"])[ACCEPTED] == 3)
    voting, working, showing = (scrape(ports[name]) for name in ("vote", "worker", "result"))
    assert voting["vote_app_vote_acknowledge_seconds_count"] == voting["vote_app_ledger_votes"] == 3
    assert voting["vote_app_queue_ready"] == 1
    assert voting["vote_app_replayed_votes_total"] == 0
    # The account of a process is committed, too: it comes in an entry of its own, and may have come by now.
    assert 1 <= working["vote_app_batch_votes_count"] <= min(3, working["vote_app_commit_seconds_count"])
    assert working["vote_app_stored_votes_total"] == 3
    assert showing["vote_app_viewers"] == 0
    wait_until(lambda: is_of_now(scrape(ports["result"])))
    assert services[1].terminate() == 0


def is_of_now(showing: Scraped) -> bool:
    """Say whether a result page has looked of late at a tally that somebody keeps."""
    return showing["vote_app_result_age_seconds"] < 3 and 0 <= showing["vote_app_pulse_age_seconds"] < 6


def test_a_failover_is_seen_in_the_votes_that_are_put_back(start: Start, trio: Trio) -> None:
    port = free_port()
    service = start("vote", redis_port=trio.proxy.port, metrics_port=port)
    service.wait_ready()
    fail_over(trio, lambda: vote(service, 5))
    wait_until(lambda: scrape(port)["vote_app_replayed_votes_total"] == 5, 10)


def fail_over(trio: Trio, last: Callable[[], None]) -> None:
    """Lose a primary, and promote the replica that has nothing of what came last."""
    witness, promoted = trio.replicas
    promoted.follow(None)
    last()
    trio.primary.container.kill()
    witness.follow(promoted)
    trio.proxy.switch(promoted.container.address)


def test_a_database_that_is_away_is_seen_in_what_a_worker_tries_again(
    start: Start, redis_server: RedisNode, redis: Any, database: Database
) -> None:
    database.proxy.switch(None)
    port = free_port()
    redis_port = redis_server.container.address[1]
    start("worker", redis_port=redis_port, database_port=database.proxy.port, metrics_port=port)
    redis.xadd("votes", {"id": "v", "vote": "a", "version": 1})
    wait_until(lambda: answers(port).get("vote_app_store_retries_total", 0) > 1)
    assert answers(port)["vote_app_stored_votes_total"] == 0
    database.proxy.switch(database.container.address)
    wait_until(lambda: answers(port)["vote_app_stored_votes_total"] == 1)


@pytest.mark.parametrize("name", ["vote", "result", "worker"])
def test_who_says_nothing_holds_nobody_up(start: Start, name: str) -> None:
    """In the services of gevent, too, where the threads that answer are greenlets."""
    port = free_port()
    start(name, metrics_port=port, redis_port=free_port(), database_port=free_port())
    # A busy machine may be late once.
    assert any(answers_among_the_silent(port) for _ in range(5))


def answers_among_the_silent(port: int) -> bool:
    """Say whether three in a row are answered while others say nothing, before those are given up."""
    wait_until(lambda: answers(port))
    with ExitStack() as silent:
        for _ in range(PLACES - 1):
            silent.enter_context(socket.create_connection((HOST, port)))
        began = time.monotonic()
        return all(answers(port) for _ in range(3)) and time.monotonic() - began < ANSWER_SECONDS


def answers(port: int, host: str = "127.0.0.1") -> Scraped:
    """Return what a service says, nothing while it starts."""
    try:
        return scrape(port, host)
    except OSError:
        return {}


@pytest.mark.parametrize(
    ("image", "command", "known", "unknown"),
    [
        ("vote", [], "vote_app_queue_ready", "vote_app_viewers"),
        ("result", [], "vote_app_result_age_seconds", "vote_app_pulse_age_seconds"),
        ("worker", [], "vote_app_stored_votes_total", "vote_app_viewers"),
        (
            "worker",
            ["python", "-m", "observer"],
            'vote_app_cluster_primary{cluster="redis"}',
            "vote_app_queue_entries",
        ),
    ],
    ids=["vote", "result", "worker", "observer"],
)
def test_a_container_says_what_it_takes_also_where_all_else_is_away(
    image: str, command: list[str], known: str, unknown: str, inside: Inside
) -> None:
    settings = {
        **SETTINGS,
        **dict.fromkeys(("REDIS_WORKER_PASSWORD_FILE", "POSTGRES_WORKER_PASSWORD_FILE"), "/etc/hostname"),
        "PGSSLMODE": "prefer",
        "PGSSLROOTCERT": "/authority.pem",
    }
    options = [part for variable in settings.items() for part in ("--env", "=".join(variable))]
    options += ["--volume", f"{inside.authority}:/authority.pem:ro", "--memory", str(LIMIT_BYTES)]
    options += ["--read-only", "--cap-drop", "ALL", "--tmpfs", "/tmp"]
    with joined("bridge", *options, reference(image), *command) as container:
        said = wait_until(lambda: complete(answers(PORT, address(container)), known))
    assert said["vote_app_cgroup_memory_limit_bytes"] == LIMIT_BYTES
    assert 2**20 < said["vote_app_cgroup_memory_bytes"] < LIMIT_BYTES
    assert said["vote_app_cgroup_cpu_seconds_total"] > 0.05
    assert unknown not in said


def complete(said: Scraped, known: str) -> Scraped:
    """Return all that was said, nothing without the one that is waited for."""
    return said if known in said else {}
