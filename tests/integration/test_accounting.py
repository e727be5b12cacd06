"""Votes have numbers: whatever happens on their way, each is stored, on its way, dead, or named as lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from deployment.configuration.layout import ROOT
from integration.conftest import HOST, PASSWORD, Database, Start, Trio
from kit.inside import Inside
from kit.services import Service
from kit.waiting import wait_until
from observer import audit, question
from observer.observer import ENDS
from worker.access import Access
from worker.account import Row
from worker.ballot import Ballot
from worker.dead import Letters, replay
from worker.letter import Letter
from worker.store import Store
from worker.stream import STREAM

NAMED_SECONDS = 60
STATES = ("acknowledged", "stored", "queued", "settling", "dead", "lost", "unknown")
Auditor = Callable[[], dict[str, Any]]


def vote(service: Service, choice: str = "a") -> bool:
    """Vote as a new voter; return whether the vote was called recorded."""
    try:
        with urlopen(Request(service.url + "/", data=f"vote={choice}".encode()), timeout=20):
            return True
    except HTTPError:
        return False


def votes(service: Service, count: int) -> int:
    """Let so many voters vote, several at a time; return how many votes were called recorded."""
    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(lambda _: vote(service), range(count)))


def access(trio: Trio, database: Database, inside: Inside) -> Access:
    authority = str(inside.authority)
    queue = (HOST, trio.proxy.port, "default", PASSWORD, authority)
    return Access(*queue, *database.container.address, "votes", "observer", ("",))


@pytest.fixture
def auditor(trio: Trio, database: Database, inside: Inside, store: Store) -> Auditor:
    """Return what an observer says of the accounts when it looks."""
    store.pulse()  # so there are tables
    own = access(trio, database, inside)
    book = partial(question.Database(own).ask, audit.read_book)
    return audit.Audit(book, question.redis(own, HOST, *ENDS), lambda: "reign")


@pytest.fixture
def worker(start: Start, trio: Trio, database: Database, store: Store) -> Callable[[], Service]:
    store.pulse()
    return lambda: start("worker", redis_port=trio.proxy.port, database_port=database.proxy.port)


@pytest.fixture
def service(start: Start, trio: Trio) -> Service:
    started = start("vote", redis_port=trio.proxy.port)
    started.wait_ready()
    return started


def at_rest(count: int, **others: int) -> dict[str, int]:
    """Return what is said where so many votes are acknowledged, and all but the others are stored."""
    return {
        **dict.fromkeys(STATES, 0),
        "acknowledged": count,
        "stored": count - sum(others.values()),
        **others,
    }


def said(auditor: Auditor) -> dict[str, Any]:
    found = auditor()
    return {state: found[state] for state in STATES}


def wait_said(auditor: Auditor, expected: dict[str, int], seconds: float = 60) -> None:
    latest: list[dict[str, Any]] = []

    def is_said() -> bool:
        latest[:] = [said(auditor)]
        return latest == [expected]

    wait_until(is_said, seconds, lambda: f"{latest}")


def accounts(database: Database) -> list[tuple[Any, ...]]:
    return database.query(
        "SELECT acknowledged::text, stored::text, dead::text FROM accounts ORDER BY process"
    )


def test_what_is_acknowledged_is_accounted(
    service: Service, worker: Callable[[], Service], auditor: Auditor
) -> None:
    working = worker()
    assert votes(service, 40) == 40
    wait_said(auditor, at_rest(40))
    working.kill()
    assert votes(service, 5) == 5
    worker()
    wait_said(auditor, at_rest(45))


def test_what_waits_is_called_queued(
    service: Service, worker: Callable[[], Service], auditor: Auditor, database: Database, trio: Trio
) -> None:
    first = worker()
    assert votes(service, 10) == 10
    wait_said(auditor, at_rest(10))
    first.kill()
    assert votes(service, 7) == 7
    # As a mark says that a worker took while another one still has the votes before it.
    database.query("UPDATE accounts SET acknowledged = '{[1,18)}'")
    found = auditor()
    assert (found["stored"], found["queued"], found["lost"]) == (10, 7, 0)
    assert found["entries"] == trio.primary.client.xlen(STREAM) > 0
    worker()
    wait_said(auditor, at_rest(17))


def test_a_batch_that_no_replica_confirmed_is_void_and_none_of_it_is_missing(
    service: Service, trio: Trio, worker: Callable[[], Service], auditor: Auditor, database: Database
) -> None:
    worker()
    assert vote(service)
    for replica in trio.replicas:
        replica.container.freeze()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(vote, service)
        wait_until(lambda: database.query("SELECT 1 FROM accounts WHERE upper(stored) > 3") != [], 10)
        for replica in trio.replicas:
            replica.container.restore()
        assert waiting.result()
    wait_said(auditor, at_rest(2))
    ((acknowledged, stored, _),) = accounts(database)
    assert acknowledged.count("[") == 2
    assert acknowledged != stored


def test_a_replay_keeps_the_numbers(
    service: Service, trio: Trio, worker: Callable[[], Service], auditor: Auditor, database: Database
) -> None:
    witness, promoted = trio.replicas
    promoted.follow(None)
    assert votes(service, 30) == 30
    trio.primary.container.kill()
    witness.follow(promoted)
    trio.proxy.switch(promoted.container.address)
    worker()
    wait_said(auditor, at_rest(30))
    assert accounts(database) == [("{[1,31)}", "{[1,31)}", "{}")]


def test_two_workers_and_deliveries_that_come_again_count_each_number_once(
    trio: Trio, worker: Callable[[], Service], auditor: Auditor, database: Database
) -> None:
    client = trio.primary.client
    for _ in range(3):
        for number in range(1, 2001, 2):
            pair = json.dumps([[f"v{number}", "a", 1], [f"v{number}", "b", 2]])
            client.xadd(STREAM, {"votes": pair, "numbers": f"p{number % 4}-1-a {number}"})
    odd = ",".join(f"{n}-{n + 1}" for n in range(1, 2001, 4)[:100])
    client.xadd(STREAM, {"votes": "[]", "mark": f"p1-1-a {odd} -"})
    for _ in range(2):
        worker()
    wait_until(lambda: client.xlen(STREAM) == 0, 30)
    wait_said(auditor, {**at_rest(200)})
    assert database.query("SELECT sum(upper(r) - lower(r)) FROM accounts, unnest(stored) AS r") == [(2000,)]
    assert database.tally() == {"b": 1000}


def test_dead_letters_are_accounted_and_stored_with_their_numbers_when_they_are_replayed(
    trio: Trio, worker: Callable[[], Service], auditor: Auditor, database: Database, store: Store
) -> None:
    client = trio.primary.client
    database.query("ALTER TABLE votes ADD CONSTRAINT narrow CHECK (id <> 'w')")
    three = json.dumps([["v", "a", 1], ["w", "a", 1], ["x", "Z", 1]])
    client.xadd(STREAM, {"votes": three, "numbers": "p-1-a 5"})
    client.xadd(STREAM, {"votes": "[]", "mark": "p-1-a 5-7 -"})
    worker()
    wait_said(auditor, at_rest(3, dead=2))
    database.query("ALTER TABLE votes DROP CONSTRAINT narrow")
    with database.connect() as connection:
        connection.autocommit = True
        assert replay(Letters(connection), store.save, store.bury) == {"stored": 1, "left": 1}
    assert said(auditor) == at_rest(3, dead=1)
    database.query("DELETE FROM dead_letters")  # as `dead purge`: a person's word
    assert said(auditor) == at_rest(3, dead=1)


def test_a_whole_entry_that_is_no_vote_counts_as_dead(store: Store, auditor: Auditor) -> None:
    store.save([], 1, [Row("p-1-a", "{[1,4)}")])
    store.bury([Letter(b"1-0", {b"votes": b'[["v"],["w"]]', b"numbers": b"p-1-a 2"}, "no votes")])
    store.bury([Letter(b"2-0", {b"id": b"v", b"poll": b"9", b"numbers": b"p-1-a 1"}, "poll 9 has not begun")])
    found = said(auditor)
    assert (found["acknowledged"], found["dead"], found["settling"]) == (3, 1, 2)


def test_the_next_poll_begins_with_no_accounts(store: Store, database: Database, auditor: Auditor) -> None:
    store.save([Ballot("v", "a", 1)], 1, [Row("p-1-a", "{[1,3)}", stored="{[1,2)}")])
    assert said(auditor)["acknowledged"] == 2
    database.query("UPDATE poll SET state = 'archived'")
    database.query("SELECT begin_poll(1)")
    assert said(auditor) == at_rest(0)
    assert accounts(database) == []
    store.save([Ballot("v", "a", 1)], 2, [Row("q-1-a", "{[1,2)}", stored="{[1,2)}")])
    store.bury([Letter(b"1-0", {b"id": b"v", b"numbers": b"p-1-a 9"}, "late")])
    assert said(auditor) == at_rest(1)


def test_a_letter_of_a_poll_that_the_database_does_not_know_yet_counts_when_it_begins(
    store: Store, database: Database, auditor: Auditor
) -> None:
    """As where it was promoted by force, without the beginning of the poll."""
    store.save([Ballot("v", "a", 1)], 1, [Row("p-1-a", "{[1,2)}", stored="{[1,2)}")])
    store.bury([Letter(b"1-0", {b"votes": b'[["w","a",1]]', b"poll": b"2", b"numbers": b"q-1-a 1"}, "late")])
    store.save([], 2, [Row("q-1-a", "{[1,2)}", ended=False)])
    assert said(auditor) == at_rest(1)
    database.query("UPDATE poll SET state = 'archived'")
    database.query("SELECT begin_poll(1)")
    assert said(auditor) == at_rest(1, dead=1)


def heard(database: Database) -> list[tuple[Any, ...]]:
    return database.query(
        "SELECT acknowledged::text, told > now() - interval '1 minute', ended FROM accounts ORDER BY process"
    )


def test_each_mark_renews_when_its_process_was_heard_of_and_its_last_word_stays(
    store: Store, database: Database
) -> None:
    store.save([], 1, [Row("p-1-a", stored="{[1,2)}")])
    assert heard(database) == [("{}", None, False)]
    marked = Row("p-1-a", "{[1,2)}", ended=False)
    for row, ended in ((marked, False), (marked._replace(ended=True), True), (marked, True)):
        database.query("UPDATE accounts SET told = '2000-01-01'")
        store.save([], 1, [row])
        assert heard(database) == [("{[1,2)}", True, ended)]
    database.query("UPDATE accounts SET told = '2000-01-01'")
    store.save([Ballot("v", "a", 1)], 1, [Row("p-1-a", stored="{[1,2)}")])
    assert heard(database) == [("{[1,2)}", False, True)]


@pytest.mark.parametrize(("state", "poll", "there"), [("archived", 1, True), ("open", 0, False)])
def test_processes_are_heard_of_while_their_poll_is_there(
    store: Store, database: Database, state: str, poll: int, there: bool
) -> None:
    store.pulse()
    database.query(f"UPDATE poll SET state = '{state}'")
    store.save([], poll, [Row("p-1-a", "{[1,2)}", ended=False)])
    assert bool(heard(database)) == there


@pytest.mark.parametrize(("end", "ended"), [(Service.terminate, True), (Service.kill, False)])
def test_a_process_that_ends_says_so_and_one_that_is_killed_cannot(
    service: Service,
    worker: Callable[[], Service],
    database: Database,
    trio: Trio,
    end: Callable[[Service], object],
    ended: bool,
) -> None:
    worker()
    assert votes(service, 5) == 5
    wait_until(lambda: heard(database) == [("{[1,6)}", True, False)])
    end(service)
    wait_until(lambda: trio.primary.client.xlen(STREAM) == 0)
    assert heard(database) == [("{[1,6)}", True, ended)]


def test_a_database_that_lost_what_it_was_told_hears_it_again(
    service: Service, worker: Callable[[], Service], database: Database, auditor: Auditor
) -> None:
    """As by a forced promotion: no vote comes any more, and those that it lost are missing."""
    worker()
    assert votes(service, 5) == 5
    wait_said(auditor, at_rest(5))
    database.query("DELETE FROM accounts")
    wait_said(auditor, at_rest(5, settling=5), 40)


OLD = "SELECT store_votes(ARRAY['v'], ARRAY['a'], ARRAY[1]::bigint[]{})"
OLD_LETTER = """
INSERT INTO dead_letters (id, entry, reason, size, fields) VALUES ('1', '1', '', 0, '{}')
ON CONFLICT (id) DO UPDATE SET reason = excluded.reason
"""


@pytest.mark.parametrize(
    "statement",
    [OLD.format(", 1"), OLD.format(""), OLD_LETTER],
    ids=["a vote", "two releases ago", "a letter"],
)
def test_where_an_older_worker_stores_nobody_says_that_a_vote_is_lost(
    store: Store, database: Database, auditor: Auditor, statement: str
) -> None:
    store.save([], 1, [Row("p-1-a", "{[1,2)}"), Row("p-9999999999999-a", "{[1,2)}")])
    assert database.query("SELECT 1 FROM uncounted") == []
    for _ in range(2):
        database.query(statement)
    assert database.query("SELECT statements, last > now() - interval '1 minute' FROM uncounted") == [
        (2, True)
    ]
    said_then = past_settling(auditor)
    found = {each["process"]: each for each in said_then["processes"]}
    assert (found["p-1-a"]["lost"], found["p-1-a"]["unjudged"]) == (0, 1)
    assert (found["p-9999999999999-a"]["lost"], found["p-9999999999999-a"]["unjudged"]) == (1, 0)
    assert said_then["uncounted"] is not None


def test_a_vote_that_is_lost_after_an_upgrade_is_named_and_storing_by_hand_does_not_hide_it(
    store: Store, database: Database, auditor: Auditor
) -> None:
    store.save([], 1, [Row("p-1-a", "{[1,2)}")])
    database.query(OLD.format(", 1"))
    assert past_settling(auditor)["unjudged"] == 1
    database.query("UPDATE uncounted SET last = now() - interval '61 seconds'")
    auditor()
    store.save([], 1, [Row("p-1-a", "{[1,3)}")])
    for _ in range(2):
        found = past_settling(auditor)
        assert (found["lost"], found["unjudged"]) == (1, 1)
        assert found["processes"][0]["numbers"] == [[2, 2]]
        database.query(OLD.format(", 1"))


@pytest.mark.parametrize(
    ("ended", "age", "silent"),
    [(False, 121, 1), (True, 121, 0), (False, 60, 0)],
    ids=["yes", "ended", "not yet"],
)
def test_a_process_that_is_heard_of_no_more_is_silent(
    store: Store, database: Database, auditor: Auditor, ended: bool, age: int, silent: int
) -> None:
    store.save([], 1, [Row("p-1-a", "{[1,2)}", stored="{[1,2)}", ended=ended)])
    database.query(f"UPDATE accounts SET told = now() - interval '{age} seconds'")
    assert auditor()["silent"] == silent


def test_a_worker_of_this_release_leaves_no_trace_of_an_older_one(store: Store, database: Database) -> None:
    store.save([Ballot("v", "a", 1)], 1)
    store.save([Ballot("v", "a", 2)], 1, [Row("p-1-a", stored="{[1,2)}")])
    store.bury([Letter(b"1-0", {b"id": b"v"}, "bad")])
    assert database.query("SELECT 1 FROM uncounted") == []


@pytest.mark.parametrize(
    ("statement", "noted"),
    [(OLD.format(", 1"), [(1,)]), (OLD_LETTER, [(1,)]), ("SELECT 1", [])],
    ids=["a vote", "a letter", "nothing"],
)
def test_what_was_stored_before_accounts_were_made_is_noted_once(
    store: Store, database: Database, statement: str, noted: list[tuple[int]]
) -> None:
    """A worker of the release before may have stored numbered votes, and thrown their marks away."""
    store.pulse()
    database.query("DROP TRIGGER uncounted_votes ON votes; DROP TRIGGER uncounted_letters ON dead_letters")
    database.query("DROP TABLE accounts, uncounted")
    database.query(statement)
    for _ in range(2):
        database.query((ROOT / "worker" / "worker" / "schema.sql").read_text())
        assert database.query("SELECT statements FROM uncounted") == noted


def past_settling(auditor: Auditor) -> dict[str, Any]:
    """Look until nothing can be on its way any more."""
    clock = iter(range(0, 1000, 20))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "observer.audit.time", type("Clock", (), {"monotonic": staticmethod(lambda: next(clock))})
        )
        return [auditor() for _ in range(5)][-1]


def test_a_queue_of_the_release_before_gets_votes_without_numbers(
    start: Start, trio: Trio, worker: Callable[[], Service], auditor: Auditor, database: Database
) -> None:
    rights = "+@all -votes.fields"  # it answers an error, as one that does not know the command
    for node in (trio.primary, *trio.replicas):
        node.client.execute_command("ACL", "SETUSER", "former", "on", f">{PASSWORD}", "~*", *rights.split())
    former = start("vote", redis_port=trio.proxy.port, redis_username="former")
    former.wait_ready()
    worker()
    assert votes(former, 5) == 5
    wait_until(lambda: database.stored() == 5)
    assert said(auditor) == at_rest(0)
    assert database.query("SELECT 1 FROM uncounted") == []


def test_a_vote_that_vanished_is_named_within_a_minute(
    service: Service, trio: Trio, worker: Callable[[], Service], auditor: Auditor, database: Database
) -> None:
    first = worker()
    assert votes(service, 3) == 3
    wait_said(auditor, at_rest(3))
    first.kill()
    assert vote(service)
    assert votes(service, 3) == 3
    taken = [entry for entry in trio.primary.client.xrange(STREAM) if b"numbers" in entry[1]]
    trio.primary.client.xdel(STREAM, taken[0][0])
    worker()
    wait_until(lambda: auditor()["lost"] == 1, NAMED_SECONDS)
    found = auditor()
    (process,) = found["processes"]
    name, first_number = taken[0][1][b"numbers"].decode().split()
    assert (process["process"], process["numbers"]) == (name, [[int(first_number)] * 2])
    assert said(auditor) == at_rest(7, lost=1)
    # It comes after all, as from a process that was frozen for long.
    trio.primary.client.xadd(STREAM, taken[0][1])
    wait_said(auditor, at_rest(7))


def test_accounts_of_many_processes_do_not_make_workers_wait_for_each_other(
    store: Store, database: Database, auditor: Auditor
) -> None:
    """Both store, bury and tell of the same accounts at once: in whatever order, no two block each other."""
    names = [f"p{n}-1-a" for n in range(20)]

    def work(order: Sequence[str], voter: str) -> None:
        with database.connect() as connection:
            connection.autocommit = True
            for number in range(1, 60):
                marks = [f"{{[1,{number + 1})}}"] * len(order)
                connection.execute(
                    "SELECT store_votes(ARRAY[%s], ARRAY['a'], ARRAY[%s]::bigint[], 1, %s, "
                    "%s::int8multirange[], %s::int8multirange[], %s::int8multirange[], %s::boolean[])",
                    [voter, number, order, marks, ["{}"] * len(order), marks, [False] * len(order)],
                )
                connection.execute(
                    "SELECT note_dead(%s, %s, %s::int8multirange[])", [order, [1] * len(order), marks]
                )

    threads = [threading.Thread(target=work, args=(names[::step], f"v{step}")) for step in (1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert said(auditor) == at_rest(20 * 59)
    assert database.query("SELECT deadlocks FROM pg_stat_database WHERE datname = 'votes'") == [(0,)]
