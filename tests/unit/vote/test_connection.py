from __future__ import annotations

import itertools
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from vote.account import Mark
from vote.ballot import VOTES_PER_ENTRY, Ballot, Numbers
from vote.connection import QueueConnection
from vote.ledger import Kept
from vote.primary import Identity, NotAcceptingError
from vote.queue import NotTakenError

INFO = b"run_id:r\r\nrole:master\r\nconnected_slaves:1\r\nmaster_replid:m\r\n"
FIELDS = [b"poll", b"numbers"]
IDENTITY = Identity("r", "m")
BALLOTS = [Ballot("v", "a", number) for number in range(VOTES_PER_ENTRY + 1)]


class Wire:
    """A connection to a Redis that gives the replies it was told to give."""

    def __init__(self, *replies: object) -> None:
        self.replies = [INFO, FIELDS, *replies]
        self.sent: list[tuple[Any, ...]] = []

    def pack_commands(self, commands: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
        return commands

    def send_packed_command(self, commands: Sequence[tuple[Any, ...]]) -> None:
        self.sent += commands

    def read_response(self) -> object:
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


def test_ballots_are_appended_and_waited_for_in_one_go() -> None:
    wire = Wire(b"1-0", b"2-0", 1)
    connection = QueueConnection(wire, "10.0.0.1")
    connection.append(BALLOTS)
    assert connection.identity == Identity("r", "m")
    assert [command[0] for command in wire.sent] == [
        "INFO",
        "VOTES.FIELDS",
        "VOTES.APPEND",
        "VOTES.APPEND",
        "WAIT",
    ]


@pytest.mark.parametrize(
    ("reply", "fields"),
    [
        (FIELDS, {"poll", "numbers"}),
        (ResponseError("unknown command 'VOTES.FIELDS'"), {"poll"}),
        (ResponseError("NOPERM this user has no permissions to run the 'votes.fields' command"), {"poll"}),
    ],
)
def test_it_learns_which_fields_may_stand_behind_a_vote(reply: object, fields: set[str]) -> None:
    wire = Wire()
    wire.replies[1] = reply
    assert QueueConnection(wire, "10.0.0.1").fields == fields


@pytest.mark.parametrize(
    "replies",
    [
        (b"1-0", b"2-0", 0),
        (ResponseError("NOREPLICAS"), b"2-0", 1),
        (b"1-0", ResponseError("OOM"), 1),
        (b"1-0", b"2-0", RedisConnectionError("gone")),
        (b"1-0", TimeoutError()),
    ],
    ids=["no replica", "refused", "full", "cut", "silent"],
)
def test_anything_less_is_no_acknowledgement(replies: tuple[object, ...]) -> None:
    connection = QueueConnection(Wire(*replies), "10.0.0.1")
    with pytest.raises(NotAcceptingError):
        connection.append(BALLOTS)


ALONE = INFO.replace(b"slaves:1", b"slaves:0")


def test_without_confirmations_one_redis_is_enough_and_is_not_waited_for() -> None:
    wire = Wire(b"1-0", b"2-0", 0)
    wire.replies[0] = ALONE
    QueueConnection(wire, "10.0.0.1", 0).append(BALLOTS)
    waits = [command for command in wire.sent if command[0] == "WAIT"]
    assert [replicas for _, replicas, _ in waits] == [0]  # Redis answers that at once


@pytest.mark.parametrize(
    "replies",
    [(ResponseError("OOM"), b"2-0", 0), (b"1-0", b"2-0", RedisConnectionError("gone"))],
    ids=["full", "cut"],
)
def test_one_copy_has_to_be_certain_too(replies: tuple[object, ...]) -> None:
    wire = Wire(*replies)
    wire.replies[0] = ALONE
    with pytest.raises(NotAcceptingError):
        QueueConnection(wire, "10.0.0.1", 0).append(BALLOTS)


DRAINING = ResponseError("INTAKE draining")


def test_where_no_votes_are_taken_nothing_is_recorded_and_the_connection_stays_good() -> None:
    wire = Wire(DRAINING, DRAINING, 1, b"1-0", b"2-0", 1)
    connection = QueueConnection(wire, "10.0.0.1")
    with pytest.raises(NotTakenError) as refused:
        connection.append(BALLOTS)
    assert refused.value.state == "draining"
    connection.append(BALLOTS)
    assert wire.replies == []


def test_of_votes_that_are_taken_in_part_nothing_is_certain() -> None:
    connection = QueueConnection(Wire(b"1-0", DRAINING, 1), "10.0.0.1")
    with pytest.raises(NotAcceptingError):
        connection.append(BALLOTS)


@pytest.mark.parametrize(
    ("replies", "sent"),
    [
        ((b"1-0", b"2-0", 1), ["VOTES.REPLAY"] * 2),
        (
            (*[ResponseError("unknown command 'VOTES.REPLAY'")] * 2, 1, b"1-0", b"2-0", 1),
            ["VOTES.REPLAY"] * 2 + ["VOTES.APPEND"] * 2,
        ),
    ],
    ids=["this release's Redis", "the former release's"],
)
def test_what_was_acknowledged_passes_the_intake(replies: tuple[object, ...], sent: list[str]) -> None:
    wire = Wire(*replies)
    QueueConnection(wire, "10.0.0.1").replay([Kept(BALLOTS, 0, IDENTITY)])
    assert [command[0] for command in wire.sent if command[0] in {"VOTES.REPLAY", "VOTES.APPEND"}] == sent


@pytest.mark.parametrize(
    ("fields", "told"),
    [([b"poll", b"numbers", b"mark"], ["p 5", f"p {5 + VOTES_PER_ENTRY}"]), ([b"poll"], [])],
    ids=["this release's Redis", "the former release's"],
)
def test_a_replay_says_the_numbers_of_before_where_the_queue_takes_them(
    fields: list[bytes], told: list[str]
) -> None:
    wire = Wire(b"1-0", b"2-0", 1)
    wire.replies[1] = fields
    QueueConnection(wire, "10.0.0.1").replay([Kept(BALLOTS, 0, IDENTITY, Numbers("p", 5))])
    assert [c[c.index("numbers") + 1] for c in wire.sent if "numbers" in c] == told


@pytest.mark.parametrize(("poll", "named"), [(1, ()), (3, ("poll", "3"))])
def test_a_mark_is_an_entry_without_votes(poll: int, named: tuple[str, ...]) -> None:
    wire = Wire(b"1-0")
    QueueConnection(wire, "10.0.0.1").mark(Mark(poll, "p 1-3 -"))
    assert wire.sent[-1] == ("VOTES.REPLAY", "votes", "votes", "[]", *named, "mark", "p 1-3 -")


def test_a_mark_that_is_not_taken_is_told_so() -> None:
    connection = QueueConnection(Wire(ResponseError("OOM")), "10.0.0.1")
    with pytest.raises(NotAcceptingError, match="OOM"):
        connection.mark(Mark(1, "p 1-3 -"))


def test_an_answer_after_a_second_is_no_acknowledgement(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = QueueConnection(Wire(b"1-0", b"2-0", 1), "10.0.0.1")
    clock = itertools.count(0, 1.001)
    watch = SimpleNamespace(monotonic=lambda: next(clock))
    monkeypatch.setattr("vote.connection.time", watch)
    with pytest.raises(NotAcceptingError, match="too late"):
        connection.append(BALLOTS)


def test_a_replica_is_never_given_a_vote() -> None:
    wire = Wire()
    wire.replies = [INFO.replace(b"master\r", b"slave\r"), FIELDS]
    with pytest.raises(NotAcceptingError, match="role is slave"):
        QueueConnection(wire, "10.0.0.1")
