"""The vote page on real Redis servers: what it calls recorded survives a failover."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from integration.conftest import Database, RedisNode, Start, Trio
from kit.containers import Container
from kit.services import Service
from kit.waiting import wait_until
from worker.account import read_mark
from worker.ballot import Entry, open_entry

STREAM = "votes"


def vote(service: Service, choice: str = "a") -> str | None:
    """Vote as a new voter; return the voter's id if the vote was called recorded."""
    request = Request(service.url + "/", data=f"vote={choice}".encode())
    try:
        with urlopen(request, timeout=20) as answer:
            cookie: str = answer.headers["Set-Cookie"]
    except HTTPError as error:
        if error.code != 503:
            raise
        return None
    return cookie.partition("=")[2].partition(".")[0]


def voters_in(node: RedisNode) -> set[str]:
    contents = [open_entry(Entry(*found)) for found in node.client.xrange(STREAM)]
    return {ballot.voter for content in contents for ballot in content.ballots}


@pytest.fixture
def service(start: Start, trio: Trio) -> Service:
    started = start("vote", redis_port=trio.proxy.port)
    started.wait_ready()
    return started


def test_replicas_from_before_and_after_a_change_of_the_options_count_alike(
    start: Start, trio: Trio, service: Service, database: Database
) -> None:
    database.proxy.switch(database.container.address)
    changed = {"vote_options": "Birds,Cats,Dogs", "vote_option_keys": "c,a,b"}
    start("worker", redis_port=trio.proxy.port, database_port=database.proxy.port)
    before = start("result", database_port=database.proxy.port)
    after = start("result", database_port=database.proxy.port, **changed)
    newer = start("vote", redis_port=trio.proxy.port, **changed)
    for replica in (before, after, newer):
        replica.wait_ready()
    for replica, choice in ((service, "a"), (newer, "a"), (service, "b"), (newer, "c")):
        assert vote(replica, choice)
    wait_until(lambda: shown(after) == {"Birds": 1, "Cats": 2, "Dogs": 1})
    wait_until(lambda: shown(before) == {"Cats": 2, "Dogs": 1})


def shown(result: Service) -> dict[str, int]:
    """Return the votes of each option by its name, as a replica of `result` tells them."""
    with urlopen(result.url + "/results.json", timeout=5) as answer:
        return {option["name"]: option["votes"] for option in json.load(answer)["options"]}


def test_a_vote_travels_to_the_tally_and_to_the_viewer(
    start: Start, trio: Trio, service: Service, database: Database
) -> None:
    socketio: Any = pytest.importorskip("socketio")
    database.proxy.switch(database.container.address)
    start("worker", redis_port=trio.proxy.port, database_port=database.proxy.port)
    result = start("result", database_port=database.proxy.port)
    result.wait_ready("/healthz")
    seen: list[dict[str, int]] = []
    states: list[str] = []
    viewer = socketio.Client()
    viewer.on("scores", seen.append)
    viewer.on("status", lambda status: states.append(status["state"]))
    viewer.connect(result.url, transports=["websocket"])
    wait_until(lambda: states[-1:] == ["live"], 30)
    assert vote(service, "b")
    wait_until(lambda: {"a": 0, "b": 1} in seen)
    database.proxy.switch(None)
    wait_until(lambda: states[-1] == "waiting")
    database.proxy.switch(database.container.address)
    wait_until(lambda: states[-1] == "live")
    assert database.tally() == {"b": 1}
    assert result.terminate() == 0
    viewer.shutdown()


def test_votes_that_the_promoted_replica_lacks_are_put_back(trio: Trio, service: Service) -> None:
    witness, promoted = trio.replicas
    promoted.follow(None)
    acknowledged = [vote(service) for _ in range(30)]
    assert None not in acknowledged
    assert voters_in(promoted) == set()
    trio.primary.container.kill()
    witness.follow(promoted)
    trio.proxy.switch(promoted.container.address)
    wait_until(lambda: voters_in(promoted) >= set(acknowledged), 10)


def test_a_failover_under_load_fails_no_request_and_loses_no_vote(trio: Trio, service: Service) -> None:
    witness, promoted = trio.replicas
    acknowledged: list[str | None] = []
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            acknowledged.append(vote(service))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    promoted.follow(None)
    time.sleep(0.5)
    trio.primary.container.kill()
    witness.follow(promoted)
    trio.proxy.switch(promoted.container.address)
    before = len(acknowledged)
    wait_until(lambda: len(acknowledged) > before + 50)
    stop.set()
    for thread in threads:
        thread.join()
    assert None not in acknowledged
    wait_until(lambda: voters_in(promoted) >= set(acknowledged), 10)


@pytest.mark.parametrize("fate", [Container.kill, Container.freeze])
def test_a_vote_no_replica_holds_is_not_called_recorded(
    trio: Trio, service: Service, fate: Callable[[Container], None]
) -> None:
    assert vote(service)
    for replica in trio.replicas:
        fate(replica.container)
    began = time.monotonic()
    assert vote(service) is None
    assert 9 < time.monotonic() - began < 18


def test_a_vote_that_is_read_after_its_voter_left_does_not_count(trio: Trio, service: Service) -> None:
    """By then the voter may have voted again, and the late one would pass for the newer."""
    service.signal_all(signal.SIGSTOP)
    address = urlsplit(service.url)
    with socket.create_connection((str(address.hostname), address.port or 0)) as impatient:
        impatient.sendall(b"POST / HTTP/1.1\r\nHost: vote\r\nContent-Length: 6\r\n")
        impatient.sendall(b"Content-Type: application/x-www-form-urlencoded\r\n\r\nvote=b")
    service.signal_all(signal.SIGCONT)
    patient = vote(service)
    assert voters_in(trio.primary) == {patient}


def test_sigterm_loses_no_request(start: Start, trio: Trio) -> None:
    service = start("vote", redis_port=trio.proxy.port, drain_seconds=5)
    service.wait_ready()
    outcomes: list[str | None] = []
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            outcomes.append(vote(service))

    thread = threading.Thread(target=load)
    thread.start()
    wait_until(lambda: len(outcomes) > 10)
    service.ask_to_end()
    before = len(outcomes)
    wait_until(lambda: len(outcomes) > before + 10)
    stop.set()
    thread.join()
    assert service.wait() == 0
    assert None not in outcomes
    assert voters_in(trio.primary) >= set(outcomes)
    # It has said which votes it has acknowledged, and that these are all.
    last = [fields[b"mark"] for _, fields in trio.primary.client.xrange(STREAM) if b"mark" in fields][-1]
    told = read_mark(last)
    assert told
    assert told.ended
    assert sum(end - first + 1 for first, end in told.acknowledged) == len(outcomes)
