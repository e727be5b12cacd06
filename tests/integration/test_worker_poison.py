"""What can never be stored, on real servers: it costs the others nothing, and is never lost either."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg
import pytest

from deployment.configuration.layout import ROOT
from integration.conftest import Database, RedisNode, Start
from kit.services import Service
from kit.waiting import wait_until
from worker import store as store_module
from worker.access import Access, connect_database
from worker.account import Row
from worker.ballot import (
    HIGHEST_VERSION,
    KEYS,
    LONGEST_ID,
    Ballot,
    Content,
    MalformedError,
    ballot_of,
    newest_of_each,
)
from worker.letter import Letter
from worker.settle import store_batch
from worker.store import Store
from worker.stream import DEAD, STREAM

ENTRIES = 1000
PART = 500

Connect = Callable[[Access], psycopg.Connection]


class RefusedError(Exception):
    """A verb on the dead letters ended with an error; the text is what it said."""


class Opened:
    """Opens connections to the database, and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, access: Access, connect: Connect = connect_database) -> psycopg.Connection:
        self.count += 1
        return connect(access)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    counter = Opened()
    monkeypatch.setattr(store_module, "connect_database", counter)
    return counter


def ballots_of(voter: str, choice: str = "a", version: int = 1) -> Iterator[Ballot]:
    """Yield the ballot, or where its id is refused those of the id's halves, as far as they are accepted."""
    try:
        yield ballot_of(voter, choice, version)
    except MalformedError:
        middle = len(voter) // 2
        for half in (voter[:middle], voter[middle:]) if middle else ():
            yield from ballots_of(half)


def test_postgresql_takes_whatever_is_read_as_a_ballot(store: Store, database: Database) -> None:
    everything = "".join(map(chr, range(0x110000)))
    ballots = [
        *(
            ballot
            for first in range(0, len(everything), LONGEST_ID)
            for ballot in ballots_of(everything[first : first + LONGEST_ID])
        ),
        *(
            ballot
            for key in KEYS
            for version in (0, HIGHEST_VERSION)
            for ballot in ballots_of(f"{key} {version}", key, version)
        ),
    ]
    # All but NUL and the surrogates is a character.
    assert len({character for ballot in ballots for character in ballot.voter}) == 0x110000 - 1 - 0x800
    for first in range(0, len(ballots), PART):
        store.save(newest_of_each(ballots[first : first + PART]), 1)
    assert database.stored() == len(ballots)


@pytest.mark.parametrize("culprits", [{0}, {999}, {1, 500, 998}])
def test_what_the_database_refuses_costs_no_connection_and_few_statements(
    store: Store, database: Database, opened: Opened, culprits: set[int]
) -> None:
    store.pulse()
    database.query("ALTER TABLE votes ADD CHECK (id NOT LIKE 'bad%')")
    statements = 0

    def save(ballots: Sequence[Ballot], poll: int, _adds: Sequence[Row]) -> None:
        nonlocal statements
        statements += 1
        store.save(ballots, poll)

    names = [f"{'bad' if number in culprits else 'good'}{number}" for number in range(ENTRIES)]
    entries = [Content(name.encode(), [Ballot(name, "a", 1)], ()) for name in names]
    stored, poison = store_batch(entries, save)
    assert set(poison) == {f"bad{number}".encode() for number in culprits}
    assert len(stored) == database.stored() == ENTRIES - len(culprits)
    assert opened.count == 1
    assert statements <= len(culprits) * (math.ceil(math.log2(ENTRIES)) + 3) + 1


@pytest.fixture
def start_worker(start: Start, redis_server: RedisNode, database: Database) -> Callable[[], Service]:
    database.proxy.switch(database.container.address)
    redis_port = redis_server.container.address[1]
    return lambda: start("worker", redis_port=redis_port, database_port=database.proxy.port)


def dead(*arguments: str) -> list[Any]:
    """Run a verb on the dead letters as an operator does, and return what it prints, all of it JSON."""
    run = subprocess.run(
        [sys.executable, "-m", "worker.dead", *arguments],
        cwd=ROOT / "worker",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if run.returncode:
        raise RefusedError(run.stderr)
    return [json.loads(line) for line in run.stdout.splitlines()]


def letters(database: Database) -> list[tuple[Any, ...]]:
    return database.query(
        "SELECT entry, convert_from(reason, 'UTF8'), fields FROM dead_letters ORDER BY entry"
    )


def test_a_flood_of_poison_leaves_nothing_in_the_queue(
    redis: Any, database: Database, start_worker: Callable[[], Service]
) -> None:
    pipeline = redis.pipeline(transaction=False)
    for number in range(3000):
        pipeline.xadd(STREAM, {"id": f"{number}", "vote": "a" if number % 1000 == 0 else "Z", "version": 1})
    pipeline.execute()
    start_worker()
    wait_until(lambda: redis.xlen(STREAM) == 0 and len(letters(database)) == 2997)
    assert redis.exists(DEAD) == 0
    assert database.tally() == {"a": 3}


def test_what_an_older_worker_left_in_the_queue_is_moved(
    redis: Any, database: Database, start_worker: Callable[[], Service]
) -> None:
    large = b"\0\xff" * 500_000
    redis.xadd(DEAD, {b"id": large, b"vote": b"a", b"entry": b"5-1", b"reason": b"id is not UTF-8"})
    for number in range(1200):
        redis.xadd(
            DEAD, {"votes": f'[["", "a", {number}]]', "entry": f"6-{number:04}", "reason": "id is empty"}
        )
    start_worker()
    wait_until(lambda: redis.xlen(DEAD) == 0)
    found = letters(database)
    assert found[0] == (b"5-1", "id is not UTF-8", [b"id", large, b"vote", b"a"])
    assert found[1:] == [
        (f"6-{number:04}".encode(), "id is empty", [b"votes", f'[["", "a", {number}]]'.encode()])
        for number in range(1200)
    ]


def test_a_letter_that_comes_again_is_the_same_letter(store: Store, database: Database) -> None:
    first = Letter(b"1-0", {b"id": b"v"}, "vote is missing")
    other = first._replace(entry=b"1-1")
    store.bury([first, other, first])
    store.bury([first._replace(reason="another reason")])
    assert [letter[:2] for letter in letters(database)] == [
        (b"1-0", "another reason"),
        (b"1-1", "vote is missing"),
    ]


def test_letters_are_listed_exported_replayed_and_purged(store: Store, database: Database) -> None:
    store.bury(
        [
            Letter(b"1-0", {b"votes": b'[["v", "b", 1]]'}, "refused then, a vote now"),
            Letter(b"2-0", {b"id": b"\x1b[2J\0", b"vote": b"a"}, "version is missing"),
            *(Letter(b"3-%d" % n, {b"x": b"y" * 300_000}, "id is missing") for n in range(10)),
        ]
    )
    (listing,) = dead("list", "--limit", "11")
    assert (listing["count"], len(listing["letters"])) == (12, 11)
    (whole,) = dead("list")
    assert {(line["entry"], line["bytes"]) for line in whole["letters"]} >= {("1-0", 20), ("3-0", 300_001)}
    assert {line["begins"] for line in whole["letters"]} >= {
        r"id \x1b[2J\x00 vote a",
        'votes [["v", "b", 1]]',
    }
    exported = {line["entry"]: [b64decode(text) for text in line["fields"]] for line in dead("export")}
    assert len(exported) == 12
    assert exported["2-0"] == [b"id", b"\x1b[2J\0", b"vote", b"a"]
    assert dead("replay") == [{"stored": 1, "left": 11}]
    assert database.tally() == {"b": 1}
    assert len(letters(database)) == 11
    told = ("--until", listing["until"], "--seal", listing["seal"])
    with pytest.raises(RefusedError, match="nothing was deleted"):
        dead("purge", *told)
    assert len(letters(database)) == 11
    (listing,) = dead("list")
    store.bury([Letter(b"9-0", {}, "came after the list")])
    assert dead("purge", "--until", listing["until"], "--seal", listing["seal"]) == [{"deleted": 11}]
    assert [entry for entry, _, _ in letters(database)] == [b"9-0"]
