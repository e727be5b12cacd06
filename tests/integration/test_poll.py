"""A poll: the primary of the queue decides, the database keeps, a worker tells."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from redis.exceptions import ResponseError

from integration.conftest import Database, RedisNode, Trio
from kit.waiting import wait_until
from observer import poll as observer_poll
from result import poll as result_poll
from worker import poll as worker_poll
from worker.ballot import Ballot
from worker.letter import Letter
from worker.store import OverError, Store
from worker.stream import STREAM, Stream

VOTE = ("id", "v", "vote", "a", "version", "1")
HOUR_MS = 3_600_000
TOLD = {"title": "T", "question": "", "options": {"a": "Cats", "b": "Dogs"}}


def state(redis: Any) -> list[Any]:
    found: list[Any] = redis.execute_command("VOTES.STATE")
    return found


def now_ms(redis: Any) -> int:
    return int(state(redis)[5])


def test_it_says_what_may_stand_behind_a_vote(redis: Any) -> None:
    assert redis.execute_command("VOTES.FIELDS") == [b"poll", b"numbers", b"mark", b"probe"]


def test_without_a_word_of_any_poll_there_is_the_first_and_it_is_open(redis: Any) -> None:
    assert state(redis)[:5] == [b"open", 0, 1, 0, 0]
    assert redis.execute_command("VOTES.APPEND", STREAM, *VOTE)
    assert redis.execute_command("VOTES.APPEND", STREAM, *VOTE, "poll", "1")


@pytest.mark.parametrize(
    ("poll", "closes", "fields", "refusal"),
    [
        ((1, 2, "open"), 0, (*VOTE, "poll", "2"), None),
        ((1, 2, "open"), 0, ("votes", "[]", "poll", "2"), None),
        ((1, 2, "open"), HOUR_MS, (*VOTE, "poll", "2"), None),
        ((1, 2, "open"), 0, VOTE, "INTAKE other"),
        ((1, 2, "open"), 0, (*VOTE, "poll", "3"), "INTAKE other"),
        ((1, 2, "open"), 0, (*VOTE, "poll", "two"), "INTAKE other"),
        ((1, 2, "closed"), 0, (*VOTE, "poll", "2"), "INTAKE closed"),
        ((1, 2, "closed"), 0, VOTE, "INTAKE closed"),
        ((1, 2, "open"), -1, (*VOTE, "poll", "2"), "INTAKE closed"),
        ((1, 2, "open"), 0, ("poll", "2"), "the fields"),
        ((1, 2, "open"), 0, ("id", "v", "poll", "2"), "the fields"),
        ((1, 2, "open"), 0, (*VOTE, "poll", "2", "numbers", "p 1"), None),
        ((1, 2, "open"), 0, ("votes", "[]", "poll", "2", "mark", "p", "probe", "x"), None),
        ((1, 2, "open"), 0, (*VOTE, "numbers", "p 1"), "INTAKE other"),
        ((1, 2, "open"), 0, (*VOTE, "poll", "3", "numbers", "p 1"), "INTAKE other"),
        ((1, 2, "open"), 0, (*VOTE, "numbers", "p 1", "poll", "2"), "the fields"),
        ((1, 2, "open"), 0, (*VOTE, "poll", "2", "numbers", "p 1", "numbers", "p 2"), "the fields"),
        ((1, 2, "open"), 0, ("poll", "2", "numbers", "p 1"), "the fields"),
    ],
)
def test_who_appends_is_told(
    redis: Any, poll: tuple[Any, ...], closes: int, fields: tuple[str, ...], refusal: str | None
) -> None:
    """Times to close count from now."""
    at = now_ms(redis) + closes if closes else 0
    assert redis.execute_command("VOTES.POLL", *poll, at) == 1
    if refusal is None:
        assert redis.execute_command("VOTES.APPEND", STREAM, *fields)
        return
    with pytest.raises(ResponseError, match=refusal):
        redis.execute_command("VOTES.APPEND", STREAM, *fields)
    assert redis.xlen(STREAM) == 0
    if refusal.startswith("INTAKE"):  # what was acknowledged comes in whatever there is
        assert redis.execute_command("VOTES.REPLAY", STREAM, *fields)


def test_a_poll_ends_at_its_time_without_anybody_doing_anything(redis: Any) -> None:
    redis.execute_command("VOTES.POLL", 1, 1, "open", now_ms(redis) + 3000)
    assert redis.execute_command("VOTES.APPEND", STREAM, *VOTE)
    wait_until(lambda: state(redis)[3] == 1)
    with pytest.raises(ResponseError, match="INTAKE closed"):
        redis.execute_command("VOTES.APPEND", STREAM, *VOTE)


def test_the_latest_word_of_a_poll_counts_whoever_comes_last(redis: Any) -> None:
    told = [redis.execute_command("VOTES.POLL", *poll) for poll in ((5, 2, "closed", 0), (4, 2, "open", 0))]
    assert told == [5, 5]
    assert state(redis)[1:4] == [5, 2, 1]
    # Of a database that was promoted by force: it keeps the poll.
    assert redis.execute_command("VOTES.POLL", 5, 1, "open", 0) == 5
    assert state(redis)[1:4] == [5, 1, 0]


def test_a_word_that_is_known_is_not_written_again(redis: Any) -> None:
    redis.execute_command("VOTES.POLL", 5, 2, "closed", 7)
    written = redis.info("persistence")["rdb_changes_since_last_save"]
    assert redis.execute_command("VOTES.POLL", 5, 2, "closed", 7) == 5
    assert redis.info("persistence")["rdb_changes_since_last_save"] == written


@pytest.mark.parametrize(
    "poll", [(1, 2, "ajar", 0), ("x", 2, "open", 0), (1, "x", "open", 0), (1, 2, "open", "x")]
)
def test_what_is_no_poll_changes_nothing(redis: Any, poll: tuple[Any, ...]) -> None:
    with pytest.raises(ResponseError, match="no poll"):
        redis.execute_command("VOTES.POLL", *poll)
    assert state(redis)[1:4] == [0, 1, 0]


@pytest.mark.parametrize("garbage", ["", "open", "1 2", "x" * 500, "1 2 open"])
def test_a_poll_that_nobody_can_read_is_closed_until_a_worker_tells(redis: Any, garbage: str) -> None:
    redis.set("votes:poll", garbage)
    with pytest.raises(ResponseError, match="INTAKE closed"):
        redis.execute_command("VOTES.APPEND", STREAM, *VOTE)
    assert redis.execute_command("VOTES.POLL", 1, 1, "open", 0) == 1
    assert redis.execute_command("VOTES.APPEND", STREAM, *VOTE)


def test_a_pause_and_the_end_of_a_poll_are_two_things(redis: Any) -> None:
    redis.execute_command("VOTES.POLL", 1, 1, "closed", 0)
    redis.set("votes:intake", "draining")
    with pytest.raises(ResponseError, match="INTAKE draining"):
        redis.execute_command("VOTES.APPEND", STREAM, *VOTE)
    redis.set("votes:intake", "open")
    with pytest.raises(ResponseError, match="INTAKE closed"):
        redis.execute_command("VOTES.APPEND", STREAM, *VOTE)


class Desk:
    """What `deploy.py poll` asks the observer's program for, on one connection."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def change(self, verb: str, number: int = 1) -> dict[str, Any]:
        observer_poll._change(self._connection, verb, number, TOLD)
        return observer_poll._shown(self._connection)


@pytest.fixture
def desk(database: Database, store: Store) -> Iterator[Desk]:
    store.pulse()
    with database.connect() as connection:
        connection.autocommit = True
        yield Desk(connection)


def final(store: Store) -> None:
    """Let the present poll be final, as a worker finds after a while."""
    found = store.poll()
    assert worker_poll.next_state(found, 0, 99) == "final"
    store.enter(found, "final")


def test_a_poll_is_archived_and_the_next_begins_at_zero(store: Store, database: Database, desk: Desk) -> None:
    store.save([Ballot("v", "a", 1), Ballot("w", "b", 1), Ballot("x", "a", 1)], 1)
    assert desk.change("close")["state"] == "closed"
    store.save([Ballot("y", "b", 1)], 1)  # it was acknowledged before
    assert desk.change("archive")["state"] == "closed"  # not before it is final
    final(store)
    found = desk.change("archive")
    (archive,) = found["archives"]
    assert found["state"] == "archived"
    assert archive["checksum"] == hashlib.sha256(archive["document"].encode()).hexdigest()
    document = json.loads(archive["document"])
    assert [(option["name"], option["votes"]) for option in document["options"]] == [("Cats", 2), ("Dogs", 2)]
    with pytest.raises(OverError, match="poll 1 is over"):
        store.save([Ballot("z", "a", 1)], 1)
    assert desk.change("begin")["number"] == 2
    assert desk.change("begin")["number"] == 2  # the same word again
    assert (database.tally(), database.stored()) == ({}, 0)
    assert database.query("SELECT count(*) FROM history") == [(0,)]
    with pytest.raises(OverError, match="poll 1 is over"):
        store.save([Ballot("v", "a", 9)], 1)
    store.save([Ballot("v", "b", 2)], 2)
    assert database.tally() == database.counted() == {"b": 1}


def test_each_change_needs_its_state_and_the_poll_that_is_meant(
    store: Store, database: Database, desk: Desk
) -> None:
    assert [desk.change(verb)["state"] for verb in ("open", "archive", "begin")] == ["open"] * 3
    assert desk.change("close", 2)["state"] == "open"
    assert [desk.change(verb)["state"] for verb in ("close", "close", "begin", "open")] == [
        "closed", "closed", "closed", "open"
    ]  # fmt: skip
    desk.change("close")
    final(store)
    assert desk.change("archive")["state"] == "archived"
    assert [desk.change(verb)["state"] for verb in ("close", "open", "archive")] == ["archived"] * 3


def test_nothing_is_final_or_archived_while_there_are_dead_letters(store: Store, desk: Desk) -> None:
    desk.change("close")
    found = store.poll()
    store.bury([Letter(b"1-0", {b"id": b"v"}, "vote is missing")])
    assert worker_poll.next_state(store.poll(), 0, 99) == "closed"
    store.enter(found, "final")
    with pytest.raises(psycopg.errors.RaiseException, match="dead letters"):
        desk.change("archive")
    assert store.poll().state == "final"


def test_nothing_is_archived_where_votes_were_stored_since_they_were_counted(
    store: Store, database: Database, desk: Desk
) -> None:
    desk.change("close")
    final(store)
    store.save([Ballot("v", "a", 1)], 1)
    with pytest.raises(psycopg.errors.RaiseException, match="stored since"):
        database.query("SELECT archive_poll(1, '{}', '')")


def test_no_vote_is_stored_behind_the_archive(store: Store, database: Database, desk: Desk) -> None:
    """A worker is in the middle of a commit when the numbers are kept."""
    desk.change("close")
    final(store)
    with database.connect() as other:
        other.execute("SELECT archive_poll(1, '{}', '')")  # not committed yet
        refused: list[BaseException] = []

        def save() -> None:
            try:
                store.save([Ballot("v", "a", 1)], 1)
            except OverError as error:
                refused.append(error)

        late = threading.Thread(target=save)
        late.start()
        wait_until(lambda: database.query("SELECT 1 FROM pg_locks WHERE NOT granted") == [(1,)])
        other.commit()
        late.join(10)
    assert len(refused) == 1
    assert database.stored() == 0


def test_a_vote_for_a_poll_that_the_database_does_not_know_yet_can_be_stored_later(
    store: Store, database: Database
) -> None:
    with pytest.raises(OverError, match="poll 2 has not begun"):
        store.save([Ballot("v", "a", 1)], 2)
    database.query("UPDATE poll SET number = 2")
    store.save([Ballot("v", "a", 1)], 2)
    assert database.stored() == 1


def test_the_queue_s_later_word_is_outbid(store: Store) -> None:
    store.pulse()
    store.outbid(store.poll(), 7)
    assert store.poll().revision == 8


def test_the_result_page_reads_whether_voting_is_paused(store: Store, database: Database) -> None:
    paused = f"SELECT {result_poll.PAUSED}"
    store.pulse()
    assert database.query(paused) == [(False,)]
    store.pulse("maintenance")
    assert database.query(paused) == [(True,)]
    [row] = database.query(result_poll.WITH_INTAKE)
    assert result_poll.read_poll(row).paused
    store.pulse("open")
    assert database.query(paused) == [(False,)]


def test_what_workers_of_before_say_no_more_is_not_believed_for_long(
    store: Store, database: Database
) -> None:
    """They go on with the pulse. Where nobody can commit, what was said last stays."""
    store.pulse("maintenance")
    database.query("UPDATE intake SET at = at - interval '11 seconds' RETURNING 1")
    assert database.query(f"SELECT {result_poll.PAUSED}") == [(False,)]
    database.query("UPDATE pulse SET at = at - interval '11 seconds' RETURNING 1")
    assert database.query(f"SELECT {result_poll.PAUSED}") == [(True,)]


def test_a_time_to_close_of_the_settings_counts_once(store: Store, database: Database, desk: Desk) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    store.configure(soon)
    assert store.poll().closes == pytest.approx(soon.timestamp(), abs=1e-3)
    desk.change("close")
    final(store)
    desk.change("archive")
    desk.change("begin")
    store.configure(soon)  # a worker that starts with the same settings
    assert store.poll().closes is None
    store.configure(None)
    store.configure(soon)
    assert store.poll().closes == pytest.approx(soon.timestamp(), abs=1e-3)


@pytest.mark.parametrize(("verb", "state"), [("begin", "archived"), ("open", "closed")])
@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_time_that_comes_while_the_poll_is_over_is_for_what_opens_next(
    store: Store, database: Database, desk: Desk, verb: str, state: str, seconds: float
) -> None:
    database.query(f"UPDATE poll SET state = '{state}'")
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    store.configure(at)
    assert store.poll().closes is None
    desk.change(verb)
    assert store.poll().closes == (pytest.approx(at.timestamp(), abs=1e-3) if seconds > 0 else None)


def test_who_opens_a_poll_again_takes_a_past_time_away(store: Store, database: Database, desk: Desk) -> None:
    store.configure(datetime.now(UTC) - timedelta(seconds=60))
    found = store.poll()
    store.enter(found, worker_poll.next_state(found, 0, 0))
    assert store.poll().state == "closed"
    (when,) = database.query("SELECT closed = closes FROM poll")  # not when the worker looked
    assert when == (True,)
    assert desk.change("open")["state"] == "open"
    assert store.poll().closes is None


@pytest.mark.parametrize("named", [True, False])
def test_a_poll_opens_again_with_its_time_only_if_the_settings_still_name_it(
    store: Store, desk: Desk, named: bool
) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    store.configure(soon)
    desk.change("close")
    store.configure(soon if named else None)
    assert desk.change("open")["state"] == "open"
    assert store.poll().closes == (pytest.approx(soon.timestamp(), abs=1e-3) if named else None)


def test_a_state_is_not_entered_where_somebody_has_changed_something(store: Store, desk: Desk) -> None:
    desk.change("close")
    before = store.poll()
    desk.change("open")
    store.enter(before, "final")
    assert store.poll().state == "open"


def test_who_tells_a_primary_of_the_poll_hears_which_reign_it_is(trio: Trio) -> None:
    poll = worker_poll.Poll(5, 2, "closed", None, False, 0)
    primary, other = trio.primary, trio.replicas[0]
    first = Stream(primary.client, "me").tell(poll)
    assert first.revision == 5
    assert Stream(primary.client, "me").tell(poll) == first
    other.follow(None)
    second = Stream(other.client, "me").tell(poll)
    primary.follow(other)
    wait_until(lambda: primary.client.info("replication")["master_link_status"] == "up")
    primary.follow(None)
    third = Stream(primary.client, "me").tell(poll)
    assert len({first.reign, second.reign, third.reign}) == 3


@pytest.fixture
def work(start: Any, redis_server: RedisNode, database: Database) -> Callable[..., None]:
    database.proxy.switch(database.container.address)
    ports = {"redis_port": redis_server.container.address[1], "database_port": database.proxy.port}
    return lambda **more: start("worker", **ports, **more)


def test_a_worker_carries_the_poll_to_the_queue_and_votes_of_another_aside(
    redis: Any, database: Database, desk: Desk, work: Callable[..., None]
) -> None:
    database.query("UPDATE poll SET state = 'archived'")
    desk.change("begin")
    redis.xadd(STREAM, dict(zip(VOTE[::2], VOTE[1::2], strict=True)))
    redis.xadd(STREAM, {"votes": '[["w", "b", 1], ["x", "b", 1]]', "poll": "2"})
    work(vote_closes=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    wait_until(lambda: redis.xlen(STREAM) == 0)
    assert database.tally() == {"b": 2}
    reasons = database.query("SELECT convert_from(reason, 'UTF8') FROM dead_letters")
    assert reasons == [("poll 1 is over",)]
    wait_until(lambda: state(redis)[2] == 2)
    wait_until(lambda: state(redis)[4] > time.time() * 1000)
    redis.delete("votes:poll")  # as a failover may, right after the word
    wait_until(lambda: state(redis)[2] == 2)
